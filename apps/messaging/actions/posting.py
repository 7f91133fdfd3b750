from __future__ import annotations

import secrets
import time
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from apps.core.storing import insert
from apps.messaging import notices
from apps.messaging.kinds import SAID, is_noise
from apps.messaging.models import Delivery, Message
from apps.messaging.models.message import SUBJECT_LENGTH
from apps.teams import events
from apps.teams.models import Artifact, Member

MOST_AFFECTED = 50


def post(
    actor: Member,
    kind: str,
    to: Sequence[Member],
    *,
    cc: Sequence[Member] = (),
    subject: str = "",
    body: str = "",
    payload: dict[str, Any] | None = None,
    tasks: Sequence[int] = (),
    artifacts: Collection[Artifact] = (),
    reply_to: Message | None = None,
    message_id: str = "",
    digest: str = "",
    why: str = "",
    mentioned: Collection[int] = (),
    sent_at: datetime | None = None,
    noise: bool = False,
    native: dict[str, Any] | None = None,
) -> Message:
    """Store a message with one delivery per recipient and journal it.

    A part of actions that hold the team's lock and have checked what they send; members send
    through `send_message`. A recipient in both `to` and `cc` gets one copy, as `to`. `why` is one
    of `notices.Why` where the kind alone does not tell; `mentioned` are keys of recipients.
    """
    message = Message(
        team_id=actor.team_id,
        sender=actor,
        kind=kind,
        message_id=message_id or _fresh_id(),
        subject=subject[:SUBJECT_LENGTH],
        body=body,
        payload=payload,
        tasks=list(tasks),
        reply_to=reply_to,
        thread_id=reply_to.root if reply_to else None,
        digest=digest,
        native=native,
    )
    if sent_at is not None:
        message.sent_at = sent_at
    insert([message])
    if artifacts:
        message.artifacts.set(artifacts)
    noise = noise or is_noise(kind, payload)
    why = why or notices.why(kind)
    copies = [
        Delivery(
            message_id=message.pk, recipient=member, role=role, noise=noise,
            why=notices.Why.MENTION if member.pk in mentioned else why,
        )
        for member, role in _roles(to, cc)
    ]  # fmt: skip
    message.posted, message.attached = list(insert(copies)), list(artifacts)
    notices.tell(message, copies)
    events.record(actor, "message.sent", **_fact(message, copies, noise=noise))
    return message


def _fresh_id() -> str:
    """Like no other; the next ones come after it, so that an index of them grows at its end."""
    return f"{time.time_ns():016x}{secrets.token_hex(8)}"


def _roles(to: Sequence[Member], cc: Sequence[Member]) -> list[tuple[Member, str]]:
    roles = {member.pk: (member, Delivery.Role.CC.value) for member in cc}
    roles |= {member.pk: (member, Delivery.Role.TO.value) for member in to}
    # `to` first, each as asked.
    return sorted(roles.values(), key=lambda item: item[1] != Delivery.Role.TO)


def _fact(message: Message, copies: Sequence[Delivery], *, noise: bool) -> dict[str, Any]:
    names: dict[str, list[str]] = {"to": [], "cc": []}
    for copy in copies:
        names[copy.role].append(copy.recipient.name)
    fact: dict[str, Any] = {"message": message.pk, "of": message.kind, **names}
    if message.thread_id is not None:
        fact |= {"thread": message.thread_id, "reply_to": message.reply_to_id}
    if message.tasks and message.kind in SAID:  # their pages list it
        fact["affects"] = message.tasks[:MOST_AFFECTED]
    return fact | ({"noise": True} if noise else {})


def mark_answered(actor: Member, answered: Message, at: datetime) -> None:
    """Note on the actor's own copy that it was answered, and so read and delivered.

    One that was never handed over was so now, through the door that the answer came by.
    """
    copy = answered.deliveries.filter(recipient=actor, answered_at=None).first()
    if copy is None:
        return
    was_unread = copy.read_at is None
    copy.answered_at = at
    copy.read_at = copy.read_at or at
    if copy.delivered_at is None:
        copy.delivered_at, copy.via = at, actor.via
    copy.save(update_fields=["answered_at", "read_at", "delivered_at", "via"])
    if was_unread:
        events.record(
            actor, "message.read", count=1, messages=[answered.pk], threads=[answered.root]
        )
