"""The flow of work as pictures and tables: places, sizes and sums for the page's template."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from statistics import median
from typing import Any, NamedTuple

from apps.tasks import flow
from apps.tasks.flow import Interval
from apps.tasks.flow_reading import CardNow, Flow
from apps.tasks.moves import Column
from apps.teams.models import Member

VERDICTS = ("review.approved", "review.changes_requested")
# From the bottom of the picture upwards: what is over lies below.
STACK = (Column.APPROVED, Column.DONE, Column.REVIEW, Column.IN_PROGRESS, Column.TODO)
HEIGHT, SLOT = 100, 10
USUAL_DAYS = 14
MOST_ROWS = 25


class Day(NamedTuple):
    """A day in numbers: how many cards the columns held at its end, and what was finished."""

    day: date
    counts: list[int]
    completed: int
    approved: int


class Bar(NamedTuple):
    """A mark in a picture that is stretched to fit, in its own units."""

    x: float
    y: float
    width: float
    height: float


class Slot(NamedTuple):
    """A day's place in both pictures."""

    day: Day
    x: int
    completed: Bar
    approved: Bar


class Span(NamedTuple):
    """A stretch of a card's lane, in percent of the whole time shown."""

    kind: str
    x: str
    width: str
    words: str


class Lane(NamedTuple):
    """A card with where its time went, in seconds."""

    card: CardNow
    spans: list[Span]
    work: int
    review: int
    waiting: int


class Open(NamedTuple):
    """Something under way now; `share` is its age in percent of the oldest one's."""

    card: CardNow
    kind: str
    who: str
    since: datetime
    share: str


class Work(NamedTuple):
    """What a member did in the time shown; `share` compares the time worked."""

    member: Member
    worked: int
    share: str
    completed: int
    judged: int
    answered: int


def charts_for(found: Flow) -> dict[str, Any]:
    """Everything on the page, by the names that its template uses."""
    days = daily(found)
    (rows, left_out), now = lanes(found), under_way(found)
    return {
        "found": found,
        "numbers": numbers(found),
        "stack": [column.label for column in STACK],
        "slots": slots(days),
        "areas": areas(days),
        "width": len(days) * SLOT,
        "highest": max((sum(day.counts) for day in days), default=0),
        "busiest": max((max(day.completed, day.approved) for day in days), default=0),
        "lanes": rows,
        "lanes_left_out": left_out,
        "under_way": now[:MOST_ROWS],
        "under_way_left_out": max(0, len(now) - MOST_ROWS),
        "members": by_member(found),
    }


def daily(found: Flow) -> list[Day]:
    """Each day since the start, the columns in the order of `STACK`."""
    first, last = found.start.date(), found.now.date()
    dates = [first + timedelta(days=index) for index in range((last - first).days + 1)]
    tz = found.now.tzinfo
    ends = [datetime.combine(day + timedelta(days=1), datetime.min.time(), tz) for day in dates]
    columns = {card.number: card.column for card in found.cards.values()}
    counts = flow.columns_at(ends, found.events, columns)
    done = Counter((one.at.date(), one.column) for one in found.finishes)
    return [
        Day(
            day, [held[column] for column in STACK],
            done[day, Column.DONE.value], done[day, Column.APPROVED.value],
        )
        for day, held in zip(dates, counts, strict=True)
    ]  # fmt: skip


def slots(days: Sequence[Day]) -> list[Slot]:
    """The days side by side, with bars as high as the busiest day allows."""
    most = max((max(day.completed, day.approved) for day in days), default=0) or 1

    def bar(x: float, count: int) -> Bar:
        height = round(HEIGHT * count / most, 2)
        return Bar(x, HEIGHT - height, 3.6, height)

    return [
        Slot(day, index * SLOT, bar(index * SLOT + 1.2, day.completed),
             bar(index * SLOT + 5.2, day.approved))
        for index, day in enumerate(days)
    ]  # fmt: skip


def areas(days: Sequence[Day]) -> list[tuple[Column, str]]:
    """Each column as the points of a polygon, stacked; a day's value is in the middle of it."""
    most = max((sum(day.counts) for day in days), default=0) or 1
    floor, found = [0] * len(days), []
    for index, column in enumerate(STACK):
        top = [base + day.counts[index] for base, day in zip(floor, days, strict=True)]
        edge = [*_edge(top, most), *reversed(_edge(floor, most))]
        found.append((column, " ".join(edge)))
        floor = top
    return found


def _edge(values: Sequence[int], most: int) -> list[str]:
    """A line from the left end to the right end through the middles of the slots."""
    marks = [(index + 0.5) * SLOT for index in range(len(values))]
    xs = [0.0, *marks, float(len(values) * SLOT)]
    ys = [HEIGHT * (1 - value / most) for value in [*values[:1], *values, *values[-1:]]]
    return [f"{x:g},{y:.2f}" for x, y in zip(xs, ys, strict=True)]


def lanes(found: Flow, most: int = MOST_ROWS) -> tuple[list[Lane], int]:
    """The cards on which most time was spent, the longest first; and how many more there are."""
    by_card: dict[int, list[tuple[str, Interval]]] = {}
    spent: Counter[int] = Counter()
    kinds = (("work", found.work), ("review", found.reviews), ("waiting", found.waits))
    for kind, intervals in kinds:
        for one in intervals:
            seconds = one.seconds(found.start, found.now)
            if one.task in found.cards and seconds:
                by_card.setdefault(one.task or 0, []).append((kind, one))
                spent[one.task or 0] += seconds
    first = sorted(spent, key=lambda number: (-spent[number], number))[:most]
    rows = [_lane(found, found.cards[number], by_card[number]) for number in first]
    return rows, len(spent) - len(rows)


def _lane(found: Flow, card: CardNow, stretches: list[tuple[str, Interval]]) -> Lane:
    length = (found.now - found.start).total_seconds() or 1

    def span(kind: str, one: Interval) -> Span:
        since = max(one.since or found.start, found.start)
        seconds = one.seconds(found.start, found.now)
        x = 100 * (since - found.start).total_seconds() / length
        words = one.what if kind == "waiting" else ""
        return Span(kind, f"{x:.2f}%", f"{max(0.4, 100 * seconds / length):.2f}%", words or one.who)

    def spent(wanted: str) -> int:
        return found.seconds(one for kind, one in stretches if kind == wanted)

    spans = [span(kind, one) for kind, one in stretches]
    return Lane(card, spans, spent("work"), spent("review"), spent("waiting"))


def under_way(found: Flow) -> list[Open]:
    """Work, reviews and questions to people that are open now, the oldest first."""
    rows: list[tuple[CardNow, str, str, datetime]] = []
    for card in found.cards.values():
        if card.column == Column.IN_PROGRESS and card.started_at:
            rows.append((card, "work", card.owner or "", card.started_at))
        if card.column == Column.REVIEW and card.review_requested_at:
            rows.append((card, "review", card.reviewer or "", card.review_requested_at))
        if card.needs_input == "human" and card.asked_at:
            rows.append((card, "waiting", "", card.asked_at))
    rows.sort(key=lambda row: row[3])
    oldest = (found.now - rows[0][3]).total_seconds() if rows else 1
    return [
        Open(*row, f"{max(1, 100 * (found.now - row[3]).total_seconds() / (oldest or 1)):.1f}%")
        for row in rows
    ]


def by_member(found: Flow) -> list[Work]:
    """What each member did, who worked longest first; those who did nothing are left out."""
    completed = Counter(one.actor for one in found.finishes if one.column == Column.DONE)
    recent = [fact for fact in found.events if fact.at >= found.start]
    judged = Counter(fact.actor for fact in recent if fact.kind in VERDICTS)
    answered = Counter(fact.actor for fact in recent if fact.kind == "task.answered")
    worked: Counter[str] = Counter()
    for one in found.work:
        owner = one.who or found.cards[one.task or 0].owner or ""
        worked[owner] += one.seconds(found.start, found.now)
    most = max(worked.values(), default=0) or 1
    rows = [
        Work(member, worked[member.name], f"{100 * worked[member.name] / most:.1f}%",
             completed[member.name], judged[member.name], answered[member.name])
        for member in found.members
    ]  # fmt: skip
    rows = [row for row in rows if any((row.worked, row.completed, row.judged, row.answered))]
    return sorted(rows, key=lambda row: (-row.worked, row.member.name))


class Numbers(NamedTuple):
    """The few numbers on top; a median is in seconds, None where nothing ended yet."""

    completed: int
    approved: int
    work: float | None
    review: float | None
    waiting: float | None
    open_waits: int


def numbers(found: Flow) -> Numbers:
    """Over the time shown; medians are of stretches that ended in it, from their true beginning."""

    def middle(intervals: Iterable[Interval]) -> float | None:
        ended = [
            (one.until - one.since).total_seconds()
            for one in intervals
            if one.until is not None and one.since is not None and one.until >= found.start
        ]
        return median(ended) if ended else None

    count = Counter(one.column for one in found.finishes)
    return Numbers(
        completed=count[Column.DONE.value],
        approved=count[Column.APPROVED.value],
        work=middle(found.work),
        review=middle(found.reviews),
        waiting=middle(found.waits),
        open_waits=sum(one.until is None for one in found.waits),
    )
