"""Hooks of Claude Code that ask the board: they block with a reason, or let pass."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pytest_django.live_server_helper import LiveServer

from apps.claude.intake import take_in_home
from apps.claude.program import program
from apps.reviews.actions import decide_plan, propose_plan, request_changes, request_review
from apps.tasks.actions import ask
from apps.tasks.models import Task
from apps.teams.access import seat_of
from apps.teams.actions import create_token
from apps.teams.models import Member, Team, User
from tests.claude.trees import Home, member
from tests.conftest import make_cast

pytestmark = pytest.mark.django_db


class Gate:
    """A team from files, and its hooks."""

    def __init__(self, home: Home) -> None:
        alice = User.objects.create(username="alice", is_superuser=True)
        home.config(member("hal", planModeRequired=True), member("iris"))
        home.task(1, "Lay the floor", owner="hal", status="in_progress")
        home.task(2, "Paint", owner="iris", status="in_progress", blockedBy=["1"])
        home.task(3, "Clean")
        list(take_in_home(home.path))
        self.alice = seat_of(alice, "crew")
        self.token = create_token(self.alice, "alice")[1]

    def ask(self, event: str, name: str, *, token: str = "", **more: Any) -> str | None:
        """The reason against it."""
        answer = Client().post(
            "/api/v1/claude/hook",
            {"hook_event_name": event, "team_name": "crew", "teammate_name": name, **more},
            content_type="application/json",
            headers={
                "authorization": f"Bearer {token or self.token}",
                "accept": "application/json",
            },
        )
        assert answer.status_code == 200, answer.content
        found: str | None = answer.json()["block"]
        return found

    def seat(self, name: str) -> Member:
        return Member.objects.select_related("team").get(team__slug="crew", name=name)


@pytest.fixture
def gate(home: Home) -> Gate:
    return Gate(home)


def test_a_task_is_not_completed_without_its_plan(gate: Gate) -> None:
    assert "needs an approved plan" in (gate.ask("TaskCompleted", "hal", task_id="1") or "")
    plan = propose_plan(gate.seat("hal"), "How", "So.", task=1)
    assert "needs an approved plan" in (gate.ask("TaskCompleted", "hal", task_id="1") or "")
    decide_plan(gate.alice, plan.pk, "approve", version=1)
    assert gate.ask("TaskCompleted", "hal", task_id="1") is None


def test_a_blocked_task_and_one_with_a_question_are_not_completed(gate: Gate) -> None:
    assert "waits for #1" in (gate.ask("TaskCompleted", "iris", task_id="2") or "")
    Task.objects.filter(number=1).update(status="completed")
    assert gate.ask("TaskCompleted", "iris", task_id="2") is None
    ask(gate.seat("iris"), 2, "Which green?")
    assert "Which green?" in (gate.ask("TaskCompleted", "iris", task_id="2") or "")


def test_a_teammate_does_not_idle_beside_ready_work_but_is_told_once(gate: Gate) -> None:
    assert gate.ask("TeammateIdle", "iris") is None
    Task.objects.filter(number=2).update(status="completed")
    assert "#3 “Clean” is free" in (gate.ask("TeammateIdle", "iris") or "")
    assert gate.ask("TeammateIdle", "iris") is None


def test_requested_changes_come_before_idling(gate: Gate) -> None:
    Task.objects.filter(number=2).update(status="completed")
    request_review(gate.alice, 2)
    request_changes(gate.alice, 2, "The corner is bare.")
    assert "Changes were requested on #2" in (gate.ask("TeammateIdle", "iris") or "")


def test_what_the_board_does_not_know_passes(gate: Gate) -> None:
    assert gate.ask("TaskCompleted", "hal", task_id="99") is None
    assert gate.ask("TeammateIdle", "nobody") is None
    assert gate.ask("SomethingNew", "hal") is None
    assert gate.ask("TaskCompleted", "hal", task_id="1", team_name="elsewhere") is None


def test_who_does_not_sit_there_learns_nothing(gate: Gate) -> None:
    cast = make_cast()
    secret = create_token(cast.alice, "iris")[1]
    answer = Client().post(
        "/api/v1/claude/hook", {"hook_event_name": "TaskCompleted", "team_name": "crew"},
        content_type="application/json",
        headers={"authorization": f"Bearer {secret}", "accept": "application/json"},
    )  # fmt: skip
    assert answer.status_code == 404
    assert Client().post("/api/v1/claude/hook", {}).status_code == 401


def run(tmp_path: Path, server: str, token: str, event: dict[str, Any]) -> tuple[int, str]:
    """The program as a hook's command: its exit code and what it says."""
    archive = tmp_path / "follow.pyz"
    archive.write_bytes(program())
    done = subprocess.run(
        [sys.executable, "-I", str(archive), "hook", "--server", server, "--token", token],
        input=json.dumps(event), capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stderr


@pytest.mark.django_db(transaction=True)
def test_the_command_blocks_with_the_reason_and_passes_when_the_server_is_away(
    home: Home, tmp_path: Path, live_server: LiveServer
) -> None:
    gate = Gate(home)
    event = {"hook_event_name": "TaskCompleted", "team_name": "crew", "teammate_name": "hal",
             "task_id": "1"}  # fmt: skip
    code, reason = run(tmp_path, live_server.url, gate.token, event)
    assert (code, "needs an approved plan" in reason) == (2, True)
    assert run(tmp_path, live_server.url, gate.token, {**event, "task_id": "9"}) == (0, "")
    assert run(tmp_path, live_server.url, "at_wrong", event) == (0, "")
    assert run(tmp_path, "http://127.0.0.1:9", gate.token, event) == (0, "")
    assert Team.objects.filter(slug="crew").exists()
