from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from apps.claude.formats import (
    Kanban,
    KanbanEntry,
    Problem,
    TaskFile,
    parse_kanban,
    review_state,
    stale_problems,
)

WHERE = Path("kanban-state.json")
MOVED = "2026-03-01T12:00:00.000Z"
STATE = {
    "teamName": "shop",
    "reviewers": ["iris", "", 5],
    "tasks": {
        "12": {"column": "review", "reviewer": None, "movedAt": MOVED},
        "15": {"column": "approved", "movedAt": MOVED},
        "16": {"column": "done", "movedAt": MOVED},
        "17": {"column": "review", "movedAt": 5},
        "18": {
            "column": "review",
            "reviewer": "iris",
            "reviewStatus": "error",
            "errorDescription": "Sticks",
            "movedAt": MOVED,
        },
        "19": "junk",
    },
    "columnOrder": {"todo": ["3", 1], "review": ["12"], "done": [], "later": ["9"]},
}


def kanban(raw: dict[str, Any]) -> Kanban:
    found = parse_kanban(raw, WHERE)
    assert isinstance(found, Kanban)
    return found


def test_usable_entries_are_read_and_the_rest_left_out() -> None:
    found = kanban(STATE)
    assert found.reviewers == ("iris",)
    assert {task: entry.column for task, entry in found.tasks.items()} == {
        "12": "review",
        "15": "approved",
        "18": "review",
    }
    assert found.column_order == {"todo": ("3", "1"), "review": ("12",)}


def test_older_files_say_what_was_wrong() -> None:
    entry = kanban(STATE).tasks["18"]
    assert (entry.reviewer, entry.review_status) == ("iris", "error")
    assert entry.error_description == "Sticks"
    assert entry.at is not None


def test_what_was_read_is_written_again() -> None:
    assert json.dumps(kanban(STATE).native()) == json.dumps(STATE)


def test_a_change_drops_only_what_was_not_usable() -> None:
    found = kanban(STATE | {"version": 2})
    left = {task: entry for task, entry in found.tasks.items() if task != "15"}
    written = replace(found, tasks=left).native()
    assert list(written["tasks"]) == ["12", "18"]
    assert written["tasks"]["12"] == STATE["tasks"]["12"]  # type: ignore[index]
    assert written["columnOrder"] == STATE["columnOrder"]
    assert written["version"] == 2


@pytest.mark.parametrize("raw", [None, [], "x", 5])
def test_a_broken_file_is_said(raw: Any) -> None:
    found = parse_kanban(raw, WHERE)
    assert isinstance(found, Problem)
    assert found.code == "wrong_shape"


def test_an_empty_file_is_an_empty_state() -> None:
    assert kanban({}) == Kanban()
    assert Kanban(team_name="shop").native() == {"teamName": "shop", "reviewers": [], "tasks": {}}


def test_refs_to_tasks_that_are_gone_are_said() -> None:
    found = stale_problems(kanban(STATE), {"3", "12", "18"}, WHERE)
    assert [problem.code for problem in found] == ["stale_kanban_task", "stale_kanban_order"]
    assert "#15" in found[0].sentence
    assert "#1." in found[1].sentence
    assert stale_problems(kanban(STATE), {"1", "3", "12", "15", "18"}, WHERE) == ()


def changed(to: str) -> dict[str, str]:
    return {"type": "status_changed", "to": to}


REQUESTED = {"type": "review_requested", "to": "review"}
STARTED = {"type": "review_started", "to": "review"}
APPROVED = {"type": "review_approved", "to": "approved"}
REJECTED = {"type": "review_changes_requested", "to": "needsFix"}
CREATED = {"type": "task_created", "status": "pending"}
OWNER = {"type": "owner_changed", "to": "hal"}

HISTORIES: list[tuple[list[dict[str, str]], str]] = [
    ([CREATED, changed("completed"), REQUESTED], "review"),
    ([CREATED, changed("completed"), REQUESTED, STARTED, OWNER], "review"),
    ([CREATED, changed("completed"), REQUESTED, APPROVED], "approved"),
    ([CREATED, REQUESTED, REJECTED], "needs_fix"),
    ([CREATED, REQUESTED, REJECTED, changed("pending")], "needs_fix"),
    ([CREATED, REQUESTED, REJECTED, changed("pending"), changed("in_progress")], "none"),
    ([CREATED, REQUESTED, APPROVED, changed("pending")], "none"),
    ([CREATED, REJECTED, changed("in_progress"), changed("pending")], "none"),
    ([CREATED, REQUESTED, changed("deleted")], "none"),
    ([CREATED, REQUESTED, changed("completed")], "review"),
    ([CREATED, changed("pending")], "none"),
    ([{"type": "review_requested", "to": "nowhere"}], "none"),
]


@pytest.mark.parametrize(("events", "expected"), HISTORIES)
def test_history_decides_the_review_state(events: list[dict[str, str]], expected: str) -> None:
    task = TaskFile(id="1", status="completed", history_events=tuple(events))
    contrary = KanbanEntry(column="approved" if expected != "approved" else "review", moved_at="")
    assert review_state(task, contrary) == expected
    assert review_state(replace(task, status="deleted"), contrary) == "none"


@pytest.mark.parametrize(
    ("status", "kept", "column", "expected"),
    [
        ("completed", "review", None, "review"),
        ("completed", "approved", "review", "approved"),
        ("completed", "needsFix", None, "none"),
        ("completed", "needsFix", "approved", "approved"),
        ("completed", None, "approved", "approved"),
        ("completed", "none", None, "none"),
        ("completed", "unheard", None, "none"),
        ("pending", "needsFix", None, "needs_fix"),
        ("pending", "review", None, "none"),
        ("pending", None, "review", "review"),
        ("in_progress", "review", None, "none"),
        ("in_progress", "needsFix", "review", "review"),
        ("deleted", "approved", "approved", "none"),
    ],
)
def test_without_history_the_task_then_the_board_decides(
    status: str, kept: str | None, column: str | None, expected: str
) -> None:
    task = TaskFile(id="1", status=status, review_state=kept)
    entry = KanbanEntry(column=column, moved_at=MOVED) if column else None
    assert review_state(task, entry) == expected
