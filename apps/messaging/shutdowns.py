"""Which requests to shut down wait for an answer, and what settled those that got none."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import Exists, F, OuterRef

from apps.messaging.models import Message
from apps.messaging.models.message import MessageQuerySet
from apps.teams.models import Event, Member

REQUEST, APPROVED, REJECTED = "shutdown_request", "shutdown_approved", "shutdown_rejected"
ANSWERS = (APPROVED, REJECTED)
KINDS = frozenset({REQUEST, *ANSWERS})


def waiting(member: Member) -> MessageQuerySet:
    """What `member` was asked and has not decided, newest first.

    With its consent to one request its run ended, and so all that it was asked before are decided.
    """
    consent = Message.objects.filter(
        sender=member, kind=APPROVED, pk__gt=OuterRef("pk"), sent_at__gte=OuterRef("sent_at")
    )
    asked = Message.objects.filter(
        team_id=member.team_id, kind=REQUEST, deliveries__recipient=member
    )
    return asked.exclude(replies__kind__in=ANSWERS).filter(~Exists(consent)).order_by("-pk")


def open_request(member: Member) -> Message | None:
    """The request that `member` still has before it, its sender loaded, or None.

    One that it put away or answered in plain words it is no longer told of, and one that it got
    in an earlier run was not about this one.
    """
    told = waiting(member).filter(
        deliveries__recipient=member, deliveries__answered_at=None, deliveries__archived_at=None
    )
    latest = told.select_related("sender").first()
    if latest is None or _began_since(member, latest):
        return None
    return latest


def _began_since(member: Member, request: Message) -> bool:
    starts = Event.objects.filter(team_id=member.team_id, actor=member, kind="session.started")
    return starts.filter(at__gt=request.sent_at).exists()


def settled(requests: Collection[Message]) -> dict[int | None, Message]:
    """By request: the first consent of whom it asked that came after it; not all have one."""
    if not requests:
        return {}
    copy = "sender__deliveries__message"
    consents = Message.objects.filter(
        kind=APPROVED, pk__gt=F(copy), sent_at__gte=F(f"{copy}__sent_at"),
        sender__deliveries__message__in=requests,
    )  # fmt: skip
    pairs = consents.order_by("-pk").values_list(copy, "pk")
    first: dict[int, int] = dict(pairs)
    known = Message.objects.in_bulk(set(first.values()))
    return {request: known[consent] for request, consent in first.items()}
