"""How work flows, told from journal lines alone: plain data in, plain data out.

Lines come oldest first. The journal's beginning may have been pruned: what was under way before
it has no `since`, and what still goes on has no `until`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from apps.tasks.moves import Column
from apps.teams.models import Event

UNKNOWN = "?"
NOT_YET = ""
OPEN = frozenset({Column.TODO, Column.IN_PROGRESS})
FINISHED = frozenset({Column.DONE, Column.REVIEW, Column.APPROVED})
PLAN_ENDS = frozenset({"plan.approved", "plan.rejected", "plan.withdrawn"})


class Fact(NamedTuple):
    """A line of the journal; `task` is a card's number, `actor` a name."""

    at: datetime
    kind: str
    task: int | None
    data: Mapping[str, Any]
    actor: str = ""


class Interval(NamedTuple):
    """A stretch of time of a card, or of a plan without one.

    `who` worked, reviewed or is waited for where that is known. `what` says what the stretch ended
    with, as an event's kind, or for waiting: "question", "plan" or "review".
    """

    task: int | None
    since: datetime | None
    until: datetime | None
    who: str = ""
    what: str = ""

    def seconds(self, start: datetime, now: datetime) -> int:
        """How much of it lies between `start` and `now`."""
        since = max(self.since or start, start)
        return max(0, int((min(self.until or now, now) - since).total_seconds()))


def fact_of(event: Event) -> Fact:
    """An event with its actor loaded. What was seen elsewhere counts when it happened there."""
    name = event.actor.name if event.actor else ""
    return Fact(happened(event.at, event.data), event.kind, event.task, event.data, name)


def happened(at: datetime, data: Mapping[str, Any]) -> datetime:
    """When it happened: `seen_at` where it was recorded later than that, else `at`."""
    seen = data.get("seen_at")
    if seen is None:
        return at
    try:
        moment = datetime.fromisoformat(seen)
    except (TypeError, ValueError):
        return at
    return at if moment.tzinfo is None else min(at, moment)


def work_intervals(events: Iterable[Fact]) -> list[Interval]:
    """When cards were in progress, `who` owned them; a change of the owner begins a new one."""
    return _sorted(_stretches(events, Column.IN_PROGRESS, "owner"))


def review_intervals(events: Iterable[Fact]) -> list[Interval]:
    """When cards were in review, `who` reviewed them where somebody was chosen."""
    return _sorted(_stretches(events, Column.REVIEW, "reviewer"))


def waiting_intervals(
    events: Iterable[Fact], *, people: Collection[str] | None = None
) -> list[Interval]:
    """When cards waited for a person: for an answer, for the decision of a plan, or for a review.

    A review counts where its reviewer is one of `people`, or anybody's; by default all of them.
    """
    events = list(events)
    reviews = [
        review._replace(what="review")
        for review in review_intervals(events)
        if people is None or not review.who or review.who in people
    ]
    return _sorted([*_questions(events), *_plans(events), *reviews])


def _sorted(found: Iterable[Interval]) -> list[Interval]:
    """By beginning; what began before the journal comes first."""
    return sorted(found, key=lambda one: (one.since is not None, one.since or one.until))


def _columns(events: Iterable[Fact]) -> Iterator[tuple[Fact, int, str, str]]:
    """Each line that tells a card's place: the card, where it was before, where it is then."""
    known: dict[int, str] = {}
    for event in events:
        column = event.data.get("column")
        if event.task is None or not isinstance(column, str):
            continue
        was = event.data.get("from") or known.get(event.task) or UNKNOWN
        if event.kind == "task.created" or event.data.get("new"):
            was = NOT_YET
        known[event.task] = column
        yield event, event.task, was, column


def _stretches(events: Iterable[Fact], column: Column, role: str) -> Iterator[Interval]:
    running: dict[int, tuple[datetime | None, str]] = {}
    for event, task, was, now in _columns(events):
        name = str(event.data.get(role) or "")
        if now != column:
            if task in running or was == column:
                since, who = running.pop(task, (None, ""))
                yield _ended(task, since, event, who)
        elif task not in running:
            running[task] = (None if was in (UNKNOWN, column) else event.at, name)
        elif role in event.data and name != running[task][1]:
            since, who = running[task]
            if who:
                yield _ended(task, since, event, who)
            running[task] = (event.at if who else since, name)
    for task, (since, who) in running.items():
        yield Interval(task, since, None, who)


def _ended(task: int | None, since: datetime | None, event: Fact, who: str) -> Interval:
    until = event.at if since is None else max(event.at, since)
    return Interval(task, since, until, who, event.kind)


def _questions(events: Iterable[Fact]) -> Iterator[Interval]:
    asked: dict[int, datetime] = {}
    for event in events:
        if event.task is None:
            continue
        if event.kind == "task.asked" and event.data.get("of") == "human":
            asked.setdefault(event.task, event.at)
        elif event.kind == "task.answered" and event.data.get("of") == "human":
            waited = timedelta(seconds=int(event.data.get("waited", 0)))
            since = asked.pop(event.task, event.at - waited)
            yield _ended(event.task, since, event, event.actor)._replace(what="question")
        elif event.task in asked and _drops_question(event):
            since = asked.pop(event.task)
            yield _ended(event.task, since, event, "")._replace(what="question")
    for task, since in asked.items():
        yield Interval(task, since, None, "", "question")


def _drops_question(event: Fact) -> bool:
    if event.kind in ("task.asked", "task.deleted", "task.restored"):
        return True
    return event.kind == "task.observed" and "needs_input" in event.data.get("changed", ())


def _plans(events: Iterable[Fact]) -> Iterator[Interval]:
    waiting: dict[Any, tuple[int | None, datetime]] = {}
    for event in events:
        plan = event.data.get("plan")
        if event.kind == "plan.submitted":
            waiting.setdefault(plan, (event.task, event.at))
        elif event.kind in PLAN_ENDS and event.data.get("final", True):
            task, since = waiting.pop(plan, (event.task, None))
            yield _ended(task, since, event, event.actor)._replace(what="plan")
    for task, since in waiting.values():
        yield Interval(task, since, None, "", "plan")


class Finish(NamedTuple):
    """A card that came to `column`, which is done or approved; `actor` brought it there."""

    at: datetime
    task: int
    column: str
    actor: str


def finishes(events: Iterable[Fact]) -> list[Finish]:
    """Each time that a card was completed, and each time that one was approved."""
    found = []
    for event, task, was, now in _columns(events):
        if was in OPEN and now in FINISHED:
            found.append(Finish(event.at, task, Column.DONE.value, event.actor))
        if now == Column.APPROVED and was not in (now, NOT_YET, UNKNOWN):
            found.append(Finish(event.at, task, now, event.actor))
    return found


def columns_at(
    moments: Sequence[datetime], events: Sequence[Fact], columns: Mapping[int, str]
) -> list[Counter[str]]:
    """How many cards each column held at each of `moments`, which ascend.

    Told backwards from `columns`, where the cards are now, so that nothing before the first line
    has to be known. A moment before that line reads as the journal's beginning.
    """
    place = dict(columns)
    undone = len(events)
    counts: list[Counter[str]] = []
    for moment in reversed(moments):
        while undone and events[undone - 1].at > moment:
            undone -= 1
            _undo(place, events[undone])
        counts.append(Counter(column for column in place.values() if column != Column.TRASH))
    return counts[::-1]


def _undo(place: dict[int, str], event: Fact) -> None:
    if event.task not in place:
        return
    if event.kind == "task.created" or event.data.get("new"):
        del place[event.task]
    elif "from" in event.data and "column" in event.data:
        place[event.task] = event.data["from"]


def total(intervals: Iterable[Interval], start: datetime, now: datetime) -> int:
    """Seconds between `start` and `now` that at least one of the intervals covers."""
    clipped = sorted(
        (max(one.since or start, start), min(one.until or now, now)) for one in intervals
    )
    covered, reached = 0.0, start
    for since, until in clipped:
        if until > reached:
            covered += (until - max(since, reached)).total_seconds()
            reached = until
    return int(covered)
