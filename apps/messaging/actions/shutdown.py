from __future__ import annotations

import uuid
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from apps.core.actions import action
from apps.core.errors import Conflict, Invalid, NotAllowed, NotFound
from apps.core.text import as_number
from apps.core.timetext import before
from apps.messaging.actions.posting import mark_answered, post
from apps.messaging.draft import Draft
from apps.messaging.models import Message
from apps.messaging.roster import Roster
from apps.messaging.shutdowns import APPROVED, REJECTED, REQUEST, open_request, waiting
from apps.teams import endings, events
from apps.teams.actions import lock_team
from apps.teams.lifecycle import Allows
from apps.teams.models import Member
from apps.teams.permissions import Permission


@action
def request_shutdown(actor: Member, name: str, *, reason: str = "") -> Message:
    """Ask an agent to end its run. It answers with `answer_shutdown`; until then nothing ends.

    While one request waits for its answer, another one is a Conflict.
    """
    draft = _draft(actor, REQUEST, {"reason": reason} if reason.strip() else {}, to=[name])
    team = lock_team(actor)
    team.require(Allows.MESSAGES)
    return _ask(actor, draft, Roster(team))


@action
def answer_shutdown(
    actor: Member, request_id: int | str | None, *, approve: bool, reason: str = ""
) -> Message:
    """Approve or reject a shutdown that `actor` was asked for; the other one gets the answer.

    `request_id` is the request's own or the id of its message; None means the latest open one.
    Approved: the agent's run ends, it counts as terminated, its running tasks are released, and
    whatever else it was asked before is settled with that.
    """
    payload: dict[str, Any] = {"reason": reason} if reason.strip() else {}
    if isinstance(request_id, str):
        payload["request_id"] = request_id
    reply_to = request_id if isinstance(request_id, int) else None
    draft = _draft(actor, APPROVED if approve else REJECTED, payload, reply_to=reply_to)
    team = lock_team(actor)
    team.require(Allows.MESSAGES)
    return _answer(actor, draft, Roster(team))


def send(actor: Member, draft: Draft, roster: Roster) -> Message:
    """A shutdown's message sent like any other; the caller holds the lock."""
    if draft.kind == REQUEST:
        return _ask(actor, draft, roster)
    return _answer(actor, draft, roster)


def _draft(actor: Member, kind: str, payload: dict[str, Any], **values: Any) -> Draft:
    nothing = {"to": (), "cc": (), "subject": "", "body": "", "reply_to": None, "broadcast": False,
               "message_id": "", "artifacts": (), "tasks": ()}  # fmt: skip
    return Draft.checked(sender=actor.name, kind=kind, payload=payload, **(nothing | values))


def _ask(actor: Member, draft: Draft, roster: Roster) -> Message:
    actor.require(Permission.MANAGE_TEAM)
    asked = roster.resolve(draft.to, actor=actor)
    if len(asked) != 1 or draft.broadcast or draft.cc:
        raise Invalid(fields={"to": "Ask one member at a time to shut down."})
    (agent,) = asked
    _require_running(actor, agent)
    _require_unasked(agent)
    reason = _text(draft, "reason") or draft.body
    payload = {
        **(draft.payload or {}),
        "request_id": _text(draft, "request_id") or f"shutdown-{uuid.uuid4().hex[:12]}",
        "from": actor.name,
        **({"reason": reason} if reason else {}),
    }
    return post(
        actor, REQUEST, [agent], subject=draft.subject, body=draft.body, payload=payload,
        message_id=draft.message_id, digest=draft.digest if draft.message_id else "",
    )  # fmt: skip


def _require_running(actor: Member, agent: Member) -> None:
    if agent.kind != Member.Kind.AGENT or agent.pk == actor.pk:
        raise Invalid(
            fields={"to": f"{agent.name} cannot be asked to shut down; only other agents can."}
        )
    if Member.objects.filter(pk=agent.pk, terminated_at__isnull=False).exists():
        raise Conflict(
            f"{agent.name} has already shut down.",
            code="already_terminated",
            hint="A new session of the agent would bring it back.",
        )


def _require_unasked(agent: Member) -> None:
    request = open_request(agent)
    if request is None:
        return
    since = before(request.sent_at, timezone.now())
    raise Conflict(
        f"{request.sender.name} asked {agent.name} to shut down {since}; no answer has come yet.",
        code="shutdown_pending",
        hint=f"Wait for the answer to message {request.pk}.",
        request=request.pk,
        request_id=(request.payload or {}).get("request_id"),
        asked_by=request.sender.name,
    )


def _answer(actor: Member, draft: Draft, roster: Roster) -> Message:
    request = _request(actor, draft)
    if not waiting(actor).filter(pk=request.pk).exists():
        raise Conflict(
            "This shutdown was already answered.",
            code="already_answered",
            hint="A new request can be answered anew.",
        )
    reason = _text(draft, "reason") or draft.body
    payload = {
        **(draft.payload or {}),
        "request_id": (request.payload or {}).get("request_id") or str(request.pk),
        "from": actor.name,
        **({"reason": reason} if reason else {}),
    }
    asker = [seat for seat in roster.live if seat.pk == request.sender_id]
    leader = [seat for seat in [roster.leader()] if seat is not None]
    reply = post(
        actor, draft.kind, asker or leader, subject=draft.subject, body=draft.body,
        payload=payload, reply_to=request, message_id=draft.message_id,
        digest=draft.digest if draft.message_id else "",
    )  # fmt: skip
    mark_answered(actor, request, reply.sent_at)
    if draft.kind == APPROVED:
        settle(actor, reply)
        terminate(actor)
    return reply


def _request(actor: Member, draft: Draft) -> Message:
    requests = Message.objects.visible_to(actor).filter(kind=REQUEST).order_by("-pk")
    mine = requests.filter(deliveries__recipient=actor)
    named = _text(draft, "request_id")
    if not named and draft.reply_to is None:
        found = waiting(actor).first()
    elif draft.reply_to is not None:
        found = _by_id(mine, draft.reply_to) or _by_id(requests, draft.reply_to)
    else:
        found = _by_name(mine, named) or _by_name(requests, named)
    if found is None and not named and draft.reply_to is None:
        raise NotFound("No shutdown request waits for your answer.", code="shutdown_not_found")
    if found is None:
        raise NotFound(
            "There is no such shutdown request.",
            code="shutdown_not_found",
            hint="Use the request_id of the message that asked you.",
        )
    if not found.deliveries.filter(recipient=actor).exists():
        raise NotAllowed("Only the member who was asked answers a shutdown.", code="not_asked")
    return found


def _by_id(requests: QuerySet[Message], number: int) -> Message | None:
    return requests.filter(pk=number).first()


def _by_name(requests: QuerySet[Message], name: str) -> Message | None:
    found = requests.filter(payload__request_id=name).first()
    return found or requests.filter(pk=as_number(name) or 0).first()


def settle(member: Member, consent: Message) -> None:
    """Note that with its `consent` the member has answered all that it was asked before."""
    asked = Message.objects.filter(
        team_id=member.team_id, kind=REQUEST, pk__lt=consent.pk, sent_at__lte=consent.sent_at,
        deliveries__recipient=member, deliveries__answered_at=None,
    )  # fmt: skip
    for request in asked:
        mark_answered(member, request, consent.sent_at)


def terminate(member: Member) -> None:
    """The member's run is over by its own word; a newer session revives the seat."""
    now = timezone.now()
    member.terminated_at = now
    member.save(update_fields=["terminated_at"])
    running = member.sessions.filter(ended_at=None)
    session = running.values_list("pk", flat=True).first()
    running.update(ended_at=now, end_reason="Shutdown approved.")
    events.record(member, "session.ended", session=session, member=member.name, by="shutdown")
    endings.seat_ended(member, member)


def _text(draft: Draft, key: str) -> str:
    value = (draft.payload or {}).get(key)
    return value.strip() if isinstance(value, str) else ""
