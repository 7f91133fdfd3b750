"""What a task file says, in a form to compare, and as the values of a card."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from django.utils import timezone

from apps.claude import formats
from apps.claude.formats import KanbanEntry, TaskFile, TeamTree
from apps.claude.plain import clean, cut, short
from apps.claude.seats import FACTS, Names
from apps.tasks.models import Task
from apps.tasks.models.task import DESCRIPTION_LENGTH, SUBJECT_LENGTH, Asked
from apps.tasks.moves import Column, ReviewState, Status
from apps.teams.actions.observe import KNOWN_AS
from apps.teams.models import Member

ASKED = {"lead": Asked.LEAD, "user": Asked.HUMAN}
IN_REVIEW = (ReviewState.REVIEW, ReviewState.APPROVED)


class Told:
    """What one task file says, with what the board file says of it."""

    def __init__(self, task: TaskFile, tree: TeamTree) -> None:
        self.task = task
        self.kanban = tree.kanban
        self.said = self._said()

    @property
    def entry(self) -> KanbanEntry | None:
        """The task's place in REVIEW or APPROVED on the board file."""
        return self.kanban.tasks.get(self.task.id) if self.kanban else None

    @property
    def review_state(self) -> str:
        """One of `ReviewState`, from history, file and board file."""
        return formats.review_state(self.task, self.entry)

    def _said(self) -> dict[str, Any]:
        task, entry = self.task, self.entry
        return {
            "subject": short(task.subject),
            "description": short(task.description),
            "status": task.status,
            "owner": short(task.owner or ""),
            "active_form": short(task.active_form or ""),
            "blocks": clean(task.blocks),
            "blocked_by": clean(task.blocked_by),
            "related": clean(task.related),
            "internal": task.is_internal,
            "asks": short(task.needs_clarification or ""),
            # What reviewers wrote, and nothing that follows from the status: an agent that
            # changes the status says nothing about the review.
            "review": [
                entry.column if entry else "", short(entry.reviewer or "") if entry else "",
                short(task.review_state or ""), len(self._review_events()),
            ],
            "comments": short(str([(c.id, c.text) for c in task.comments])),
            "rest": short(str((task.metadata, task.extra, task.display_id, task.created_by))),
        }  # fmt: skip

    def _review_events(self) -> list[dict[str, Any]]:
        events = self.task.history_events
        return [event for event in events if str(event.get("type", "")).startswith("review_")]

    @property
    def rounds(self) -> int:
        """How often a review was asked for."""
        asked = [e for e in self._review_events() if e.get("type") == "review_requested"]
        return len(asked) or (1 if self.review_state in IN_REVIEW else 0)

    def reviewer(self, names: Names) -> Member | None:
        """Who was asked last for a review."""
        asked = [e.get("reviewer") for e in self._review_events() if e.get("reviewer")]
        name = (self.entry.reviewer if self.entry else None) or (asked[-1] if asked else None)
        return names.seat(name) if isinstance(name, str) else None

    def rank(self) -> tuple[Any, ...]:
        """Where the card stands in its column: as the board file orders, then by id."""
        column = self._column()
        order = self.kanban.column_order.get(column, ()) if self.kanban else ()
        place = order.index(self.task.id) if self.task.id in order else len(order)
        return (place, formats.natural_key(self.task.id))

    def _column(self) -> str:
        if self.review_state in IN_REVIEW:
            return self.review_state
        return {Status.PENDING: Column.TODO, Status.COMPLETED: Column.DONE}.get(
            Status(self.task.status), Column.IN_PROGRESS
        )

    def times(self, system: Member) -> dict[str, Any]:
        """When a new card was made, begun and ended, as well as its file tells."""
        task, now = self.task, timezone.now()
        seen = min(task.seen_at or now, now)
        starts = [start for start, _ in task.work_intervals]
        ends = [end for _, end in task.work_intervals if end]
        pairs = [(start, end) for start, end in task.work_intervals if end and end >= start]
        times: dict[str, datetime | None] = {
            "created_at": min(task.created_at or seen, now),
            "updated_at": seen,
            "started_at": _last(starts) or (seen if task.status == Status.IN_PROGRESS else None),
            "completed_at": (_last(ends) or seen) if task.status == Status.COMPLETED else None,
            "deleted_at": (task.deleted_at or seen) if task.status == Status.DELETED else None,
        }
        worked = sum((end - start).total_seconds() for start, end in pairs)
        return {**times, "worked_seconds": min(int(worked), 10**9)}


def on_board(card: Task, blockers: Iterable[str]) -> dict[str, Any]:
    """What our board says of a card, in the words of its file, in a form to compare."""
    owner = str(card.owner.metadata.get(KNOWN_AS) or card.owner.name) if card.owner else ""
    return {
        "subject": short(card.subject),
        "description": short(card.description),
        "status": card.status,
        "owner": owner,
        "active_form": card.active_form,
        "blocked_by": sorted(blockers),
    }


def values_of(
    told: Told, keys: Collection[str], names: Names, *, number: int,
    metadata: Mapping[str, Any] | None = None, rounds: int = 0,
) -> dict[str, Any]:  # fmt: skip
    """The values of a card for those of `told.said` that are news.

    `metadata` and `rounds` are what the card has already.
    """
    task = told.task
    values: dict[str, Any] = {}
    if "subject" in keys:
        values["subject"] = cut(task.display_subject, SUBJECT_LENGTH)
    if "description" in keys:
        values["description"] = cut(task.display_description, DESCRIPTION_LENGTH)
    if "status" in keys:
        values["status"] = task.status
    if "owner" in keys:
        values["owner"] = names.seat(task.owner) if task.owner else None
    if "active_form" in keys:
        values["active_form"] = cut(task.active_form, SUBJECT_LENGTH)
    if "internal" in keys:
        values["internal"] = task.is_internal
    if "asks" in keys:
        asked = ASKED.get(task.needs_clarification or "", Asked.NOBODY)
        values |= {"needs_input": asked, "asked_at": task.seen_at if asked else None}
    if "review" in keys:
        values |= _review(told, names, rounds)
    facts = _facts(told, names, number)
    kept = {k: v for k, v in (metadata or {}).items() if k != FACTS}
    if facts or FACTS in (metadata or {}):
        values["metadata"] = {**kept, **({FACTS: facts} if facts else {})}
    return values


def _review(told: Told, names: Names, rounds: int) -> dict[str, Any]:
    state = told.review_state
    values: dict[str, Any] = {
        "review_state": state,
        "review_round": max(told.rounds, rounds),
        "reviewer": told.reviewer(names) if state in IN_REVIEW else None,
    }
    asked = told.entry.at if told.entry else None
    waiting = state == ReviewState.REVIEW
    values["review_requested_at"] = (asked or told.task.seen_at) if waiting else None
    return values


def _facts(told: Told, names: Names, number: int) -> dict[str, Any]:
    """What a card has no field for."""
    task = told.task
    free_owner = task.owner if task.owner and names.seat(task.owner) is None else None
    long_subject = task.subject if len(task.display_subject) > SUBJECT_LENGTH else None
    found = {
        "id": task.id if task.id != str(number) else None,
        "owner": free_owner,
        "subject": long_subject,
        "display_id": task.display_id if task.display_id != task.id else None,
        "created_by": task.created_by,
        "metadata": {k: v for k, v in task.metadata.items() if k != "_internal"},
        "more": task.extra,
    }
    return {key: clean(value) for key, value in found.items() if value}


def _last(times: list[datetime]) -> datetime | None:
    return max(times, default=None)
