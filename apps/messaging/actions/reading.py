from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import Case, F, QuerySet, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone

from apps.core.actions import action
from apps.core.storing import LARGEST_ID
from apps.messaging.models import Delivery
from apps.teams import events
from apps.teams.actions import lock_team
from apps.teams.models import Member

# An event names at most so many messages; beyond that it only counts them.
MOST_NAMED = 200


def deliver(actor: Member, copies: Sequence[Delivery]) -> None:
    """Note that these copies were handed to `actor` now, through the door that `actor` came by.

    The given rows say so too. Costs nothing where all had been handed over before.
    """
    fresh = [copy for copy in copies if copy.delivered_at is None and copy.recipient_id == actor.pk]
    if fresh and not actor.team.is_readonly:
        _deliver(actor, fresh)


@action
def _deliver(actor: Member, fresh: Sequence[Delivery]) -> None:
    lock_team(actor)
    now = timezone.now()
    waiting = actor.deliveries.filter(pk__in=[copy.pk for copy in fresh], delivered_at=None)
    if waiting.update(delivered_at=now, via=actor.via):
        pairs = [(copy.message_id, copy.message.thread_id) for copy in fresh]
        events.record(actor, "message.delivered", via=actor.via, **_which(pairs))
    for copy in fresh:
        copy.delivered_at, copy.via = now, actor.via


@action
def mark_read(actor: Member, ids: int | Iterable[int]) -> list[int]:
    """Mark the actor's copies of these messages as read; what it never got is passed over.

    Returns the messages that were unread until now.
    """
    lock_team(actor)
    return _read(actor, _own(actor, ids))


@action
def mark_all_read(actor: Member, *, upto: int | None = None) -> int:
    """Mark everything in the actor's inbox as read, or up to message `upto`; returns how many."""
    lock_team(actor)
    copies = actor.deliveries.filter(archived_at=None)
    if upto is not None:
        copies = copies.filter(message_id__lte=upto)
    return len(_read(actor, copies))


def _read(actor: Member, copies: QuerySet[Delivery]) -> list[int]:
    unread = copies.filter(read_at=None)
    pairs = _pairs(unread)
    if not pairs or actor.team.is_readonly:
        return []
    now = timezone.now()
    unread.update(
        read_at=now,
        delivered_at=Coalesce(F("delivered_at"), Value(now)),
        via=Case(When(delivered_at=None, then=Value(actor.via)), default=F("via")),
    )
    events.record(actor, "message.read", **_which(pairs))
    return [message for message, _ in pairs]


@action
def archive(actor: Member, ids: int | Iterable[int]) -> list[int]:
    """Put the actor's copies away; nothing is lost, and unread ones stay unread there."""
    lock_team(actor)
    return _put(actor, _own(actor, ids).filter(archived_at=None), away=True)


@action
def unarchive(actor: Member, ids: int | Iterable[int]) -> list[int]:
    """Take the actor's copies back into the inbox."""
    lock_team(actor)
    return _put(actor, _own(actor, ids).exclude(archived_at=None), away=False)


@action
def clear_inbox(actor: Member) -> int:
    """Put away everything in the actor's inbox; returns how many."""
    lock_team(actor)
    return len(_put(actor, actor.deliveries.filter(archived_at=None), away=True))


def _put(actor: Member, copies: QuerySet[Delivery], *, away: bool) -> list[int]:
    pairs = _pairs(copies)
    if not pairs or actor.team.is_readonly:
        return []
    copies.update(archived_at=timezone.now() if away else None)
    events.record(actor, "message.archived", away=away, **_which(pairs))
    return [message for message, _ in pairs]


def _own(actor: Member, ids: int | Iterable[int]) -> QuerySet[Delivery]:
    wanted = [ids] if isinstance(ids, int) else ids
    return actor.deliveries.filter(message_id__in={pk for pk in wanted if 0 < pk <= LARGEST_ID})


def _pairs(copies: QuerySet[Delivery]) -> list[tuple[int, int | None]]:
    return list(copies.order_by("pk").values_list("message_id", "message__thread_id"))


def _which(pairs: Sequence[tuple[int, int | None]]) -> dict[str, Any]:
    """What an event says of messages, given each with its thread."""
    if len(pairs) > MOST_NAMED:
        return {"count": len(pairs)}
    messages = [message for message, _ in pairs]
    threads = list(dict.fromkeys(thread or message for message, thread in pairs))
    return {"count": len(pairs), "messages": messages, "threads": threads}
