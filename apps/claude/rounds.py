"""Rounds of review that the files tell of, as rounds of the board's own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils import timezone

from apps.claude import formats
from apps.claude.card_values import Told
from apps.claude.plain import cut
from apps.claude.seats import Names
from apps.core.actions import action
from apps.reviews.models import Review
from apps.reviews.models.review import NOTE_LENGTH
from apps.tasks.models import Task
from apps.tasks.moves import ReviewState
from apps.teams.models import Member

BATCH = 500
VERDICTS = {
    "review_approved": Review.Outcome.APPROVED,
    "review_changes_requested": Review.Outcome.CHANGES,
}
RESETS = frozenset({"in_progress", "pending", "deleted"})
Event = dict[str, Any]


@dataclass
class SeenRound:
    """One round: the event that asked for it, and the one that ended it."""

    asked: Event = field(default_factory=dict)
    ended: Event = field(default_factory=dict)
    outcome: str = ""


def rounds_of(told: Told) -> list[SeenRound]:
    """Every round that the history tells of, oldest first; without a history the board's one."""
    found: list[SeenRound] = []
    for event in told.task.history_events:
        kind, is_open = str(event.get("type")), bool(found) and not found[-1].outcome
        if kind == "review_requested":
            found.append(SeenRound(asked=event))
        elif kind in VERDICTS and is_open:
            found[-1].ended, found[-1].outcome = event, VERDICTS[kind]
        elif kind == "status_changed" and event.get("to") in RESETS and is_open:
            found[-1].ended, found[-1].outcome = event, Review.Outcome.WITHDRAWN
    if not found and told.rounds:
        moved = {"timestamp": told.entry.moved_at} if told.entry else {}
        approved = told.review_state == ReviewState.APPROVED
        outcome = Review.Outcome.APPROVED if approved else ""
        found.append(SeenRound(moved, moved if approved else {}, outcome))
    return found


@action
def keep_rounds(cards: Iterable[tuple[Task, Told]], names: Names) -> None:
    """Add the rounds that the board does not know, and the verdicts that it lacks.

    A round that is open outside, while the board's last one of that number is closed, is the next.
    The journal has it in the `task.observed` line of the card.
    """
    cards = [(task, told) for task, told in cards if told.rounds]
    known = _known([task for task, _ in cards])
    fresh: list[Review] = []
    for task, told in cards:
        seen = rounds_of(told)
        for number, one in enumerate(seen, 1):
            row = known.get((task.pk, number))
            if row is None:
                fresh.append(_review(task, number, one, told, names))
            elif one.outcome and not row.outcome:
                _end(row, one, told, names)
                row.save(update_fields=["outcome", "decided_by", "decided_at", "note"])
        last = known.get((task.pk, task.review_round))
        if task.review_state == ReviewState.REVIEW and last is not None and last.outcome:
            task.review_round += 1
            task.save(update_fields=["review_round"])
            fresh.append(_review(task, task.review_round, seen[-1], told, names))
    Review.objects.bulk_create(fresh, batch_size=BATCH)


def _known(tasks: list[Task]) -> dict[tuple[int, int], Review]:
    rows: dict[tuple[int, int], Review] = {}
    for at in range(0, len(tasks), BATCH):
        for row in Review.objects.filter(task__in=tasks[at : at + BATCH]):
            rows[row.task_id, row.round] = row
    return rows


def _review(task: Task, number: int, seen: SeenRound, told: Told, names: Names) -> Review:
    reviewer = seen.asked.get("reviewer")
    row = Review(
        task=task, round=number, requested_at=_time(seen.asked, told),
        requested_by=_seat(seen.asked.get("actor"), names),
        reviewer=_seat(reviewer, names) if reviewer else task.reviewer,
    )  # fmt: skip
    if seen.outcome:
        _end(row, seen, told, names)
    return row


def _end(row: Review, seen: SeenRound, told: Told, names: Names) -> None:
    row.outcome, row.decided_by = seen.outcome, _seat(seen.ended.get("actor"), names)
    row.decided_at = max(_time(seen.ended, told), row.requested_at)
    note = seen.ended.get("note")
    row.note = cut(note, NOTE_LENGTH) if isinstance(note, str) else ""


def _time(event: Event, told: Told) -> datetime:
    now = timezone.now()
    return min(formats.moment(event.get("timestamp")) or told.task.seen_at or now, now)


def _seat(name: Any, names: Names) -> Member | None:
    return names.seat(name) if isinstance(name, str) and name else None
