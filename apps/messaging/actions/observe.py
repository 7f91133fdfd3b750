"""Messages that were sent elsewhere, stored once and without asking whether they were allowed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from apps.core.actions import action
from apps.messaging import notices
from apps.messaging.kinds import is_noise
from apps.messaging.models import Delivery, Message
from apps.teams import events
from apps.teams.actions import lock_team
from apps.teams.events import Line
from apps.teams.models import Member, Team

BATCH = 500


@dataclass(frozen=True, kw_only=True)
class SeenCopy:
    """One recipient's copy; the times only where it was delivered and read there."""

    recipient: Member
    delivered_at: datetime | None = None
    read_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class SeenMessage:
    """A message as an outside source keeps it; `message_id` and sender name it once and for all."""

    message_id: str
    sender: Member
    copies: tuple[SeenCopy, ...]
    sent_at: datetime
    kind: str = "message"
    subject: str = ""
    body: str = ""
    payload: dict[str, Any] | None = None
    tasks: tuple[int, ...] = ()
    native: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Heard:
    """What an observation did: messages stored, copies added to known ones, copies now read."""

    stored: list[Message] = field(default_factory=list)
    added: int = 0
    read: int = 0


@action
def observe_messages(actor: Member, seen: Iterable[SeenMessage]) -> Heard:
    """Store what is not known yet, in the given order, and note which known copies were read.

    A message of the team with the same sender and `message_id` is the same one. Nobody is mailed.
    """
    team = lock_team(actor)
    heard = Heard()
    seen = list(seen)
    known = _known(team, [message.message_id for message in seen])
    fresh = [message for message in seen if (message.sender.pk, message.message_id) not in known]
    old = [message for message in seen if (message.sender.pk, message.message_id) in known]
    _store(team, fresh, actor.via, heard)
    _complete(team, [(known[m.sender.pk, m.message_id], m) for m in old], actor.via, heard)
    return heard


def _known(team: Team, ids: Sequence[str]) -> dict[tuple[int, str], Message]:
    found: dict[tuple[int, str], Message] = {}
    for chunk in _chunks(ids):
        rows = Message.objects.filter(team=team, message_id__in=chunk).only(
            "pk", "sender_id", "message_id", "kind", "team_id"
        )
        found |= {(row.sender_id, row.message_id): row for row in rows}
    return found


def _store(team: Team, seen: list[SeenMessage], via: str, heard: Heard) -> None:
    messages = [
        Message(
            team=team, message_id=one.message_id, sender=one.sender, kind=one.kind,
            subject=one.subject, body=one.body, payload=one.payload, tasks=list(one.tasks),
            sent_at=one.sent_at, native=dict(one.native),
        )
        for one in seen
    ]  # fmt: skip
    Message.objects.bulk_create(messages, batch_size=BATCH)
    pairs = list(zip(messages, seen, strict=True))
    copies = [_copy(message, one, copy, via) for message, one in pairs for copy in one.copies]
    Delivery.objects.bulk_create(copies, batch_size=BATCH)
    events.record_all(team, [_line(message, one, one.copies, via) for message, one in pairs])
    heard.stored = messages


def _copy(message: Message, one: SeenMessage, copy: SeenCopy, via: str) -> Delivery:
    return Delivery(
        message=message, recipient=copy.recipient, why=notices.why(one.kind),
        noise=is_noise(one.kind, one.payload), delivered_at=copy.delivered_at,
        via=via if copy.delivered_at else "", read_at=copy.read_at,
    )  # fmt: skip


def _line(message: Message, one: SeenMessage, copies: Sequence[SeenCopy], via: str) -> Line:
    fact: dict[str, Any] = {
        "message": message.pk,
        "of": message.kind,
        "to": [copy.recipient.name for copy in copies],
        "cc": [],
        "sent_at": one.sent_at.isoformat(),
        "via": via,
    }
    if is_noise(one.kind, one.payload):
        fact["noise"] = True
    return Line(one.sender, "message.sent", fact)


def _complete(team: Team, pairs: list[tuple[Message, SeenMessage]], via: str, heard: Heard) -> None:
    """Add copies that a known message did not have yet, and marks that copies did not have."""
    have = {
        (row.message_id, row.recipient_id): row
        for chunk in _chunks([message.pk for message, _ in pairs])
        for row in Delivery.objects.filter(message__in=chunk)
    }
    lines: list[Line] = []
    missing: list[Delivery] = []
    marked: list[Delivery] = []
    for message, one in pairs:
        new = [copy for copy in one.copies if (message.pk, copy.recipient.pk) not in have]
        missing += [_copy(message, one, copy, via) for copy in new]
        if new:
            lines.append(_line(message, one, new, via))
            _widen(message, one)
        marked += [
            row for copy in one.copies
            if (row := have.get((message.pk, copy.recipient.pk))) and _mark(row, copy, via)
        ]  # fmt: skip
    Delivery.objects.bulk_create(missing, batch_size=BATCH)
    Delivery.objects.bulk_update(marked, ["delivered_at", "via", "read_at"], batch_size=BATCH)
    events.record_all(team, [*lines, *_read_lines(pairs, marked, via)])
    heard.added += len(missing)
    heard.read += sum(row.read_at is not None for row in marked)


def _widen(message: Message, one: SeenMessage) -> None:
    """A message that turns out to have gone to several is told as the broadcast that it was."""
    if message.kind != one.kind:
        message.kind = one.kind
        message.save(update_fields=["kind"])


def _mark(row: Delivery, copy: SeenCopy, via: str) -> bool:
    changed = False
    if row.delivered_at is None and copy.delivered_at is not None:
        row.delivered_at, row.via, changed = copy.delivered_at, via, True
    if row.read_at is None and copy.read_at is not None:
        row.read_at, changed = copy.read_at, True
    return changed


def _read_lines(
    pairs: Iterable[tuple[Message, SeenMessage]], marked: Iterable[Delivery], via: str
) -> Iterator[Line]:
    people = {copy.recipient.pk: copy.recipient for _, one in pairs for copy in one.copies}
    by_reader: dict[int, list[int]] = {}
    by_receiver: dict[int, list[int]] = {}
    for row in marked:
        found = by_receiver if row.read_at is None else by_reader
        found.setdefault(row.recipient_id, []).append(row.message_id)
    for kind, found in (("message.read", by_reader), ("message.delivered", by_receiver)):
        for pk, messages in found.items():
            fact = {"count": len(messages), "messages": messages[:200], "via": via}
            yield Line(people[pk], kind, fact)


def _chunks(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for at in range(0, len(items), BATCH):
        yield items[at : at + BATCH]
