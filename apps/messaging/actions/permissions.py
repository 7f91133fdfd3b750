from __future__ import annotations

from typing import Any

from apps.core.actions import action
from apps.core.errors import Conflict, Invalid, NotAllowed, NotFound
from apps.messaging.actions.posting import mark_answered, post
from apps.messaging.draft import BODY_LENGTH, NOT_STORABLE, storable
from apps.messaging.kinds import granted
from apps.messaging.models import Message
from apps.teams.actions import lock_team
from apps.teams.lifecycle import Allows
from apps.teams.models import Member
from apps.teams.permissions import Permission

REQUEST, RESPONSE = "permission_request", "permission_response"


@action
def answer_permission(actor: Member, message_id: int, *, approve: bool, note: str = "") -> Message:
    """Allow or deny what an agent asked leave for, once; who got the request may answer it."""
    if len(note) > BODY_LENGTH or not storable(note):
        raise Invalid(fields={"note": NOT_STORABLE if len(note) <= BODY_LENGTH else "Too long."})
    team = lock_team(actor)
    actor.require(Permission.SEND_MESSAGES)
    team.require(Allows.MESSAGES)
    request = Message.objects.visible_to(actor).numbered(message_id)
    _check(actor, request)
    reply = post(
        actor, RESPONSE, [request.sender], body=note, reply_to=request,
        payload=_payload(actor, request, approve=approve, note=note),
    )  # fmt: skip
    mark_answered(actor, request, reply.sent_at)
    return reply


def _check(actor: Member, request: Message) -> None:
    if request.kind != REQUEST:
        raise NotFound("There is no such request.", code="permission_not_found")
    if not request.deliveries.filter(recipient=actor).exists():
        raise NotAllowed("Only who was asked answers this request.", code="not_asked")
    first = request.replies.filter(kind=RESPONSE).select_related("sender").first()
    if first is not None:
        says = {True: "allowed", False: "denied", None: "answered"}[granted(first.payload)]
        raise Conflict(
            f"{first.sender.name} has already {says} this request.",
            code="already_answered",
            answered_by=first.sender.name,
        )
    if request.sender.left_at is not None:
        raise Conflict(
            f"The seat of {request.sender.name} has ended; nobody waits for the answer.",
            code="seat_ended",
        )


def _payload(actor: Member, request: Message, *, approve: bool, note: str) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "request_id": str((request.payload or {}).get("request_id") or request.pk),
        "approve": approve,
    }
    if approve:
        return {**answer, "subtype": "success", "response": {}}
    return {**answer, "subtype": "error", "error": note.strip() or f"Denied by {actor.name}."}
