"""What structured messages from files mean here: plans, decisions, answers to requests."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace

from apps.claude.plain import cut
from apps.claude.seats import VIA, Names
from apps.core.actions import action
from apps.core.errors import DomainError
from apps.messaging import kinds
from apps.messaging.actions import mark_answered
from apps.messaging.actions.observe import SeenCopy, SeenMessage
from apps.messaging.actions.shutdown import settle
from apps.messaging.models import Message
from apps.messaging.shutdowns import APPROVED
from apps.reviews.actions import decide_plan, propose_plan
from apps.reviews.models import Plan, PlanVersion
from apps.reviews.models.plan import BODY_LENGTH, TITLE_LENGTH, PlanState
from apps.reviews.models.review import NOTE_LENGTH
from apps.teams.actions import lock_team
from apps.teams.models import Member

log = logging.getLogger(__name__)
DECISION = "plan_approval_response"
REQUESTS = frozenset({"plan_approval_request", "permission_request"})
ANSWERS = {
    "shutdown_approved": "shutdown_request",
    "shutdown_rejected": "shutdown_request",
    "permission_response": "permission_request",
    DECISION: "plan_approval_request",
}


def follow_up(names: Names, stored: Iterable[Message]) -> None:
    """After messages were stored: hand in the plans that they bring, link answers to requests."""
    for message in stored:
        if message.kind == "plan_approval_request":
            _propose(names, message)
        elif message.kind in ANSWERS:
            _link(names, message)


def _propose(names: Names, message: Message) -> None:
    payload = message.payload or {}
    text = str(payload.get("plan_content") or payload.get("plan_file_path") or "").strip()
    author = Member.objects.get(pk=message.sender_id)
    if author.kind != Member.Kind.AGENT or not text:
        return
    lines = [line.strip("# \t") for line in text.splitlines()]
    title = cut(next((line for line in lines if line), "Plan"), TITLE_LENGTH)
    try:
        propose_plan(
            author, title, cut(text, BODY_LENGTH), request_id=_request(message.payload),
            asked=message,
        )  # fmt: skip
    except DomainError as refused:
        log.info("The plan of %s is kept as a message only: %s", author.name, refused)


def _request(payload: dict[str, object] | None) -> str:
    value = (payload or {}).get("request_id")
    return cut(str(value), 128) if isinstance(value, str | int) else ""


def decide(names: Names, seen: SeenMessage) -> None:
    """A decision on a plan that was made outside is a decision here, where it may be one."""
    granted = kinds.granted(seen.payload)
    request = _request(seen.payload)
    if seen.kind != DECISION or granted is None or not request:
        return
    if seen.sender.pk == names.system.pk:
        return
    plan = _pending(names, request)
    if plan is None or not any(copy.recipient.pk == plan.author_id for copy in seen.copies):
        return
    try:
        _decide(seen, plan, request, "approve" if granted else "reject")
    except DomainError as refused:
        log.info("The decision of %s is kept as a message only: %s", seen.sender.name, refused)


def _pending(names: Names, request: str) -> Plan | None:
    version = (
        PlanVersion.objects.filter(
            plan__team=names.system.team, plan__state=PlanState.PENDING, request_id=request
        )
        .order_by("-pk")
        .select_related("plan")
        .first()
    )
    return version.plan if version and version.number == version.plan.version else None


@action
def _decide(seen: SeenMessage, plan: Plan, request: str, word: str) -> None:
    """Decide, and let the file's row be the message that tells the author."""
    note = cut(str((seen.payload or {}).get("feedback") or ""), NOTE_LENGTH)
    last = Message.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    decide_plan(seen.sender, plan.pk, word, version=plan.version, note=note)
    told = Message.objects.filter(
        team_id=plan.team_id, sender=seen.sender, kind=DECISION, pk__gt=last
    ).first()
    if told is None:
        return
    told.message_id, told.native = seen.message_id, dict(seen.native)
    told.save(update_fields=["message_id", "native"])
    for copy in seen.copies:
        told.deliveries.filter(recipient=copy.recipient).update(
            delivered_at=copy.delivered_at, via=VIA, read_at=copy.read_at
        )


def with_people(names: Names, seen: SeenMessage) -> SeenMessage:
    """A copy for the people it concerns: agents know only the lead, in whose name people act.

    Requests go to the leaders who are people, answers to the person who asked.
    """
    people = names.people if seen.kind in REQUESTS else []
    request = _asked(names, seen.kind, seen.payload)
    if request is not None and request.sender.kind == Member.Kind.HUMAN:
        people = [request.sender]
    have = {copy.recipient.pk for copy in seen.copies}
    more = [SeenCopy(recipient=person) for person in people if person.pk not in have]
    return replace(seen, copies=(*seen.copies, *more))


def _asked(names: Names, kind: str, payload: dict[str, object] | None) -> Message | None:
    request = _request(payload)
    if kind not in ANSWERS or not request:
        return None
    sent = Message.objects.filter(
        team=names.system.team, kind=ANSWERS[kind], payload__request_id=request
    )
    return sent.select_related("sender").order_by("-pk").first()


@action
def _link(names: Names, message: Message) -> None:
    """Note on the request that it was answered, and on the answer what it answers.

    Who agreed to shut down has so answered all who asked for that.
    """
    lock_team(names.system)
    request = _asked(names, message.kind, message.payload)
    if request is not None and request.pk != message.pk and not message.reply_to_id:
        message.reply_to, message.thread_id = request, request.root
        message.save(update_fields=["reply_to", "thread"])
        mark_answered(message.sender, request, message.sent_at)
    if message.kind == APPROVED:
        settle(message.sender, message)
