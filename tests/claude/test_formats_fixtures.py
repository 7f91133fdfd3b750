"""Two captured teams, as they lie beside the checkout where it has them."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from apps.claude.formats import Epoch, TeamTree, dumps, read_json, roster, scan

HOME = Path(__file__).resolve().parents[3] / "shared" / "fixtures" / "claude-home"
pytestmark = pytest.mark.skipif(not HOME.is_dir(), reason="the captured teams are not here")


@pytest.fixture
def analysis() -> TeamTree:
    return scan(HOME)[0]


@pytest.fixture
def goose() -> TeamTree:
    return scan(HOME)[1]


def test_both_teams_are_found_without_a_problem() -> None:
    trees = scan(HOME)
    assert [tree.name for tree in trees] == ["analysis-team", "humble-chasing-goose"]
    assert all(tree.problems == () and tree.epoch is Epoch.CHOSEN for tree in trees)


def test_the_lead_of_the_analysis_heard_sixteen_times(analysis: TeamTree) -> None:
    rows = analysis.inboxes["team-lead"]
    assert Counter(row.kind for row in rows) == {
        "idle_notification": 8,
        "message": 4,
        "shutdown_approved": 4,
    }
    assert all(row.read and row.color for row in rows)
    assert [row.summary is not None for row in rows] == [row.payload is None for row in rows]


def test_the_analysis_has_four_tasks_and_a_tracker(analysis: TeamTree) -> None:
    assert [task.id for task in analysis.tasks] == ["1", "2", "3", "4", "6"]
    assert [(task.id, task.status) for task in analysis.work_tasks] == [
        (number, "completed") for number in "1234"
    ]


def test_the_four_analysts_have_stopped(analysis: TeamTree) -> None:
    found = roster(analysis)
    assert [(entry.name, entry.is_lead, entry.terminated) for entry in found] == [
        ("team-lead", True, False),
        ("task-analyst", False, True),
        ("config-analyst", False, True),
        ("message-analyst", False, True),
        ("lifecycle-analyst", False, True),
    ]
    assert not any(entry.phantom or entry.removed for entry in found)


def test_read_flags_are_as_captured(analysis: TeamTree) -> None:
    flags = {name: [row.read for row in rows] for name, rows in analysis.inboxes.items()}
    assert flags["config-analyst"] == [True, True, False, True]
    assert flags["lifecycle-analyst"] == flags["message-analyst"] == [False, True]


def test_nobody_of_the_goose_has_stopped(goose: TeamTree) -> None:
    assert len(goose.inboxes["team-lead"]) == 4
    assert [row.kind for row in goose.inboxes["docs-types"]] == ["shutdown_request"]
    assert [row.kind for row in goose.inboxes["docs-events"]] == ["shutdown_request"]
    assert goose.tasks == ()
    assert [(entry.is_lead, entry.terminated) for entry in roster(goose)] == [
        (True, False),
        (False, False),
        (False, False),
    ]


def test_the_made_id_of_a_captured_row_is_that_of_other_readers(goose: TeamTree) -> None:
    assert goose.inboxes["docs-events"][0].id == "inbox-5d850996f7dd644e"


def test_every_file_is_written_again_byte_for_byte(analysis: TeamTree, goose: TeamTree) -> None:
    for tree in (analysis, goose):
        team = HOME / "teams" / tree.name
        assert tree.config is not None
        assert dumps(tree.config.native()) == (team / "config.json").read_bytes()
        for name, rows in tree.inboxes.items():
            content = (team / "inboxes" / f"{name}.json").read_bytes()
            assert dumps([row.native() for row in rows]) == content
        for task in tree.tasks:
            path = HOME / "tasks" / tree.name / f"{task.id}.json"
            assert json.dumps(task.native()) == json.dumps(read_json(path, 10_000))
