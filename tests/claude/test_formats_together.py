"""Tasks that stand in one file together."""

from __future__ import annotations

from typing import Any

import pytest

from apps.claude.formats import read_team
from tests.claude.trees import Home, put


@pytest.mark.parametrize("wrapped", [False, True])
def test_tasks_may_stand_in_one_file_together(home: Home, wrapped: bool) -> None:
    rows: list[Any] = [
        {"id": 1, "title": "Lay the floor", "status": "completed"},
        {"id": "2", "title": "Paint", "status": "pending", "dependencies": [1]},
        {"id": "2", "title": "A second one", "status": "pending"},
        {"id": "../3", "title": "Out", "status": "pending"}, {"id": "4", "status": "odd"}, 7,
    ]  # fmt: skip
    home.config()
    put(home.work / "tasks.json", {"tasks": rows} if wrapped else rows)
    home.task(1, "Its own file")
    tree = read_team(home.path, "crew")
    assert {task.id: task.subject for task in tree.tasks} == {"1": "Its own file", "2": "Paint"}
    assert tree.tasks[1].blocked_by == ("1",)
    assert [(problem.code, problem.path.name) for problem in tree.problems] == [
        ("bad_rows", "tasks.json")
    ]


def test_a_task_may_be_called_tasks(home: Home) -> None:
    home.config()
    home.task("tasks", "All of them")
    tree = read_team(home.path, "crew")
    assert [(task.id, task.subject) for task in tree.tasks] == [("tasks", "All of them")]
