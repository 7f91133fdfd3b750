"""The journal: record a line, read on after a number, prune by age, tell whoever listens."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.transaction import TransactionManagementError

from apps.core.actions import action
from apps.core.prepared import NUMBER, OTHER, Prepared
from apps.core.statements import fetch, here
from apps.core.storing import insert
from apps.teams.models import Event, Member, Team

log = logging.getLogger(__name__)
Listener = Callable[[int], None]
_listeners: list[Listener] = []
BATCH = 500
MOST_NEWS = 1_000
NEWS = Prepared(
    Event,
    lambda events: (
        events.filter(team_id=NUMBER, seq__gt=OTHER)
        .select_related("actor")
        .order_by("seq")[:MOST_NEWS]
    ),
)


class Line(NamedTuple):
    """One line still to be written, for `record_all`."""

    actor: Member
    kind: str
    data: dict[str, Any]
    task: int | None = None


def record(actor: Member, kind: str, /, *, task: int | None = None, **data: Any) -> Event:
    """Append `kind` to the journal of the actor's team and wake listeners after the commit.

    Must run inside an action: taking the number locks the team's row until the commit, so numbers
    are commit order and a rollback leaves no gap. `task` is a card's number.
    """
    database = here()
    if not database.in_atomic_block:
        raise TransactionManagementError("Only an action writes to the journal.")
    if task is not None:
        data = {"task": task, **data}
    event = Event(
        team_id=actor.team_id,
        seq=_next_seq(actor.team_id),
        kind=kind,
        actor=actor,
        task=task,
        data=data,
    )
    insert([event])
    team_id = actor.team_id
    database.on_commit(lambda: _tell(team_id), robust=True)
    return event


def moved(was: str, to: str) -> dict[str, Any]:
    """The data of an event that leads from one place or state to another."""
    return {"from": str(was), "to": str(to)}


def record_all(team: Team, lines: Sequence[Line]) -> None:
    """Append many lines at once, in order; otherwise as `record`."""
    if not connection.in_atomic_block:
        raise TransactionManagementError("Only an action writes to the journal.")
    if not lines:
        return
    first = _next_seq(team.pk, len(lines)) - len(lines) + 1
    rows = [
        Event(team_id=team.pk, seq=seq, kind=line.kind, actor=line.actor, task=line.task,
              data=line.data if line.task is None else {"task": line.task, **line.data})
        for seq, line in enumerate(lines, first)
    ]  # fmt: skip
    Event.objects.bulk_create(rows, batch_size=BATCH)
    team_id = team.pk
    transaction.on_commit(lambda: _tell(team_id), robust=True)


def _next_seq(team_id: int, count: int = 1) -> int:
    table = Team._meta.db_table
    statement = f"UPDATE {table} SET seq = seq + %s WHERE id = %s RETURNING seq"  # noqa: S608
    ((seq,),) = fetch(here(), statement, [count, team_id])
    return int(seq)


def listen(listener: Listener) -> Callable[[], None]:
    """Call `listener(team_id)` after each commit with news of this process; returns the undo."""
    _listeners.append(listener)
    return lambda: _listeners.remove(listener)


def _tell(team_id: int) -> None:
    for listener in list(_listeners):
        try:
            listener(team_id)
        except Exception:  # what is committed stands, and the other listeners must hear of it
            log.exception("A listener failed at the news of team %s.", team_id)


def after(
    team: Team, seq: int, *, kinds: Sequence[str] = (), limit: int | None = None
) -> list[Event]:
    """The team's events with a number over `seq`, in order, each with its actor."""
    found = Event.objects.filter(team=team, seq__gt=seq).select_related("actor").order_by("seq")
    if kinds:
        found = found.filter(kind__in=kinds)
    return list(found[:limit])


def news(team_id: int, seq: int) -> list[Event]:
    """The next events after `seq` in order, each with its actor, at most `MOST_NEWS` of them."""
    return NEWS.objects(team_id, seq)


def floor(team: Team) -> int:
    """The lowest cursor that can still be followed: everything after it is kept."""
    oldest = Event.objects.filter(team=team).order_by("seq").values_list("seq", flat=True).first()
    return team.seq if oldest is None else oldest - 1


@action
def prune(team: Team, *, before: datetime) -> int:
    """Delete events older than `before` from the journal's start; returns how many.

    The last event stays in any case, numbers go on from where they are, and a cursor older than
    the rest is told to reload.
    """
    keep = (
        Event.objects.filter(team=team, at__gte=before)
        .order_by("seq")
        .values_list("seq", flat=True)
        .first()
    )
    limit = team.seq if keep is None else keep
    deleted, _ = Event.objects.filter(team=team, seq__lt=limit).delete()
    return deleted
