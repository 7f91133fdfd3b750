"""`kanban-state.json`: what a supervising app keeps of review, apart from the task files."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from .disk import KANBAN_LIMIT, Problem, read_json
from .records import Key, Record, mapping, ref, string, string_or_blank
from .tasks import TaskFile
from .times import moment

OVERLAY = ("review", "approved")
COLUMNS = ("todo", "in_progress", "done", *OVERLAY)
OURS = {"review": "review", "approved": "approved", "needsFix": "needs_fix", "none": "none"}
# Which persisted review states still mean something under a status.
SURVIVING = {"pending": {"needs_fix"}, "completed": {"review", "approved"}}


@dataclass(frozen=True, kw_only=True)
class KanbanEntry(Record):
    """A task that stands in REVIEW or APPROVED; the last two fields are of older files."""

    column: str
    moved_at: str
    reviewer: str | None = None
    review_status: str | None = None
    error_description: str | None = None

    KEYS = (
        Key("column", ("column",), string_or_blank, always=True),
        Key("reviewer", ("reviewer",), string),
        Key("moved_at", ("movedAt",), string_or_blank, always=True),
        Key("review_status", ("reviewStatus",), string),
        Key("error_description", ("errorDescription",), string),
    )

    @property
    def at(self) -> datetime | None:
        """When the task was moved there, in UTC."""
        return moment(self.moved_at)


def entries_of(value: Any) -> dict[str, KanbanEntry]:
    """The usable entries by task id; one without a known column and a time is dropped."""
    return {task: KanbanEntry.parse(row) for task, row in mapping(value).items() if _usable(row)}


def _usable(row: Any) -> bool:
    known = isinstance(row, dict) and row.get("column") in OVERLAY
    return known and isinstance(row.get("movedAt"), str)


def orders_of(value: Any) -> dict[str, tuple[str, ...]]:
    """The ids of each known column in their manual order; empty columns are left out."""
    lists = {column: mapping(value).get(column) for column in COLUMNS}
    found = {column: _ids(ids) for column, ids in lists.items() if isinstance(ids, list)}
    return {column: ids for column, ids in found.items() if ids}


def _ids(value: list[Any]) -> tuple[str, ...]:
    return tuple(item for item in map(ref, value) if item)


def _reviewers(value: Any) -> tuple[str, ...]:
    rows = value if isinstance(value, list) else []
    return tuple(row for row in rows if isinstance(row, str) and row.strip())


def _entries_written(entries: dict[str, KanbanEntry]) -> dict[str, Any]:
    return {task: entry.native() for task, entry in entries.items()}


def _orders_written(orders: dict[str, tuple[str, ...]]) -> dict[str, list[str]]:
    return {column: list(ids) for column, ids in orders.items() if ids}


@dataclass(frozen=True, kw_only=True)
class Kanban(Record):
    """The whole file; an empty one is the state of a team that never had it."""

    team_name: str = ""
    reviewers: tuple[str, ...] = ()
    tasks: dict[str, KanbanEntry] = field(default_factory=dict, hash=False)
    column_order: dict[str, tuple[str, ...]] = field(default_factory=dict, hash=False)

    KEYS = (
        Key("team_name", ("teamName",), string_or_blank, always=True),
        Key("reviewers", ("reviewers",), _reviewers, list, always=True),
        Key("tasks", ("tasks",), entries_of, _entries_written, always=True),
        Key("column_order", ("columnOrder",), orders_of, _orders_written),
    )


def parse_kanban(value: Any, path: Path) -> Kanban | Problem:
    """The state from its JSON value."""
    if not isinstance(value, dict):
        return Problem(path, "wrong_shape", "A board file is an object.")
    return Kanban.parse(value)


def read_kanban(path: Path, *, within: Path | None = None) -> Kanban | Problem:
    """`teams/<team>/kanban-state.json`; links may lead anywhere in the folder of `teams`."""
    value = read_json(path, KANBAN_LIMIT, within=within or path.parent.parent.parent)
    return value if isinstance(value, Problem) else parse_kanban(value, path)


def stale_problems(kanban: Kanban, live: Collection[str], path: Path) -> tuple[Problem, ...]:
    """What the board file says of tasks that are gone; `live` must be all that exist."""
    gone = [task for task in kanban.tasks if task not in live]
    ordered = {task for ids in kanban.column_order.values() for task in ids}
    lost = sorted(ordered.difference(live))
    found = [("stale_kanban_task", "review state", gone), ("stale_kanban_order", "order", lost)]
    return tuple(
        Problem(path, code, f"The board keeps the {what} of tasks that are gone: {_listed(ids)}.")
        for code, what, ids in found
        if ids
    )


def _listed(ids: list[str]) -> str:
    more = f" and {len(ids) - 10} more" if len(ids) > 10 else ""
    return ", ".join(f"#{task:.40}" for task in ids[:10]) + more


def review_state(task: TaskFile, entry: KanbanEntry | None) -> str:
    """`none`, `review`, `needs_fix` or `approved`, from the task's history, itself, the board.

    A board entry outlives a status that the agent changed behind it: that is a conflict to show.
    """
    if task.status == "deleted":
        return "none"
    decided = _from_history(task.history_events)
    if decided is not None:
        return decided
    kept = OURS.get(task.review_state or "", "none")
    if kept in SURVIVING.get(task.status, set()):
        return kept
    return entry.column if entry else "none"


def _from_history(events: tuple[dict[str, Any], ...]) -> str | None:
    for index in range(len(events) - 1, -1, -1):
        event = events[index]
        if _is_review(event):
            return _target(event)
        target = event.get("to") if event.get("type") == "status_changed" else None
        if target in ("in_progress", "deleted"):
            return "none"
        if target == "pending":
            return _before_reset(events[:index])
    return None


def _before_reset(events: tuple[dict[str, Any], ...]) -> str:
    for event in reversed(events):
        if _is_review(event):
            return "needs_fix" if _target(event) == "needs_fix" else "none"
        if event.get("type") == "status_changed" and event.get("to") != "completed":
            return "none"
    return "none"


def _is_review(event: dict[str, Any]) -> bool:
    return str(event.get("type", "")).startswith("review_")


def _target(event: dict[str, Any]) -> str:
    target = event.get("to")
    return OURS.get(target, "none") if isinstance(target, str) else "none"
