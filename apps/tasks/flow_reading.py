"""The journal and the cards of a team, read for the page about the flow of work. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import NamedTuple

from django.db.models import Q
from django.utils import timezone

from apps.tasks import flow
from apps.tasks.flow import Fact, Finish, Interval
from apps.tasks.models import Task
from apps.tasks.moves import Column
from apps.teams.models import Event, Member, Team

SPANS = (7, 14, 30)
MOST_EVENTS = 40_000
KINDS = (
    "task.created", "task.claimed", "task.started", "task.completed", "task.released",
    "task.deleted", "task.restored", "task.asked", "task.answered", "task.observed",
    "review.requested", "review.reassigned", "review.approved", "review.changes_requested",
    "review.withdrawn", "review.reopened", "plan.submitted", "plan.approved", "plan.rejected",
    "plan.withdrawn",
)  # fmt: skip


class CardNow(NamedTuple):
    """A card as it is now, as far as charts need it."""

    number: int
    subject: str
    column: str
    owner: str | None
    reviewer: str | None
    started_at: datetime | None
    review_requested_at: datetime | None
    asked_at: datetime | None
    needs_input: str
    stalled_at: datetime | None
    owner_ended_at: datetime | None

    @property
    def label(self) -> str:
        """What the column is called."""
        return Column(self.column).label


@dataclass(frozen=True)
class Flow:
    """The charts of a team from `start` to `now`; `start` is later where the journal begins later.

    Everything is reckoned from journal lines; what was under way before them is completed from the
    times that the cards themselves keep.
    """

    now: datetime
    start: datetime
    days: int
    is_cut: bool
    events: Sequence[Fact]
    cards: Mapping[int, CardNow]
    members: Sequence[Member]

    @cached_property
    def work(self) -> list[Interval]:
        """Time in progress."""
        found = self._still(flow.work_intervals(self.events), Column.IN_PROGRESS)
        known = {one.task for one in found if one.until is None}
        return found + [
            Interval(card.number, card.started_at, None, card.owner or "")
            for card in self._in(Column.IN_PROGRESS)
            if card.number not in known
        ]

    @cached_property
    def reviews(self) -> list[Interval]:
        """Time in review."""
        found = self._still(flow.review_intervals(self.events), Column.REVIEW)
        known = {one.task for one in found if one.until is None}
        return found + [
            Interval(card.number, card.review_requested_at, None, card.reviewer or "")
            for card in self._in(Column.REVIEW)
            if card.number not in known
        ]

    @cached_property
    def waits(self) -> list[Interval]:
        """Time that something waited for a person."""
        people = self.people
        found = flow.waiting_intervals(self.events, people=people)
        questions = {one.task for one in found if one.until is None and one.what == "question"}
        old = [
            one._replace(what="review")
            for one in self.reviews
            if one.until is None and (not one.who or one.who in people)
        ]
        kept = [one for one in found if one.what != "review" or one.until is not None]
        asking = [
            Interval(card.number, card.asked_at, None, "", "question")
            for card in self.cards.values()
            if card.needs_input == "human" and card.number not in questions
        ]
        return [*kept, *old, *asking]

    @cached_property
    def people(self) -> frozenset[str]:
        """The names of those who are no agents."""
        return frozenset(m.name for m in self.members if m.kind == Member.Kind.HUMAN)

    @cached_property
    def finishes(self) -> list[Finish]:
        """What was completed and approved since the start."""
        return [one for one in flow.finishes(self.events) if one.at >= self.start]

    def _in(self, column: str) -> list[CardNow]:
        return [card for card in self.cards.values() if card.column == column]

    def _still(self, found: Iterable[Interval], column: str) -> list[Interval]:
        """Without stretches of cards that are gone, or that ended without a line."""
        kept = [one for one in found if one.task in self.cards]
        return [
            one for one in kept
            if one.until is not None or self.cards[one.task or 0].column == column
        ]  # fmt: skip

    def seconds(self, intervals: Iterable[Interval]) -> int:
        """Time that at least one of them covers."""
        return flow.total(intervals, self.start, self.now)


def read_flow(team: Team, days: int) -> Flow:
    """The last `days` days of the team, today included; five queries."""
    now = timezone.now()
    start = _midnight(now)
    start = max(start - timedelta(days=days - 1), _midnight(team.created_at))
    events, is_cut = _events(team, start)
    if is_cut:
        start = max(start, events[0].at)
    rows = Task.objects.filter(team=team).on_board().order_by("number")
    cards = [
        CardNow(*row)
        for row in rows.values_list(
            "number", "subject", "board_column", "owner__name", "reviewer__name", "started_at",
            "review_requested_at", "asked_at", "needs_input", "stalled_at",
            "owner__terminated_at",
        )
    ]  # fmt: skip
    members = list(team.members.exclude(kind=Member.Kind.SYSTEM))
    by_number = {card.number: card for card in cards}
    return Flow(now, start, days, is_cut, events, by_number, members)


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _events(team: Team, start: datetime) -> tuple[list[Fact], bool]:
    """The lines since `start` that move work, by when they happened; whether some are missing."""
    kept = Event.objects.filter(team=team)
    older = kept.filter(at__lt=start).order_by("-seq").values_list("seq", flat=True).first()
    moving = Q(kind__in=KINDS) | Q(kind="task.edited", data__has_key="owner")
    found = kept.filter(moving, seq__gt=older or 0).order_by("-seq")
    rows = list(found.values_list("at", "kind", "task", "data", "actor__name")[: MOST_EVENTS + 1])
    facts = [
        Fact(flow.happened(at, data), kind, task, data, actor or "")
        for at, kind, task, data, actor in rows[:MOST_EVENTS][::-1]
    ]
    pruned = older is None and not kept.filter(seq=1).exists()
    facts.sort(key=lambda fact: fact.at)
    return facts, bool(facts) and (pruned or len(rows) > MOST_EVENTS)
