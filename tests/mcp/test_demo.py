from __future__ import annotations

import random
import stat
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db.models import F, Q
from django.utils import timezone
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from apps.api.rates import buckets
from apps.mcp.demo import beside, crew, story, team
from apps.mcp.demo.agents import Agent
from apps.mcp.demo.lead import MOST_APPROVED, MOST_OPEN, Lead
from apps.messaging.actions import request_shutdown
from apps.reviews import actions as reviews
from apps.reviews.models import Plan
from apps.tasks import actions
from apps.tasks.models import Task
from apps.tasks.moves import BOARD
from apps.teams.access import seat_of_token
from apps.teams.actions import end_seat, transition_team
from apps.teams.models import Event, Member, Team, User
from tests.mcp.conftest import URL, act, http


@pytest.fixture
def home(settings: Any, tmp_path: Path) -> Path:
    """A data directory of the test, and no limit on how fast agents may be."""
    settings.DATA_DIR = tmp_path
    settings.API_RATE = 10_000
    buckets.cache_clear()
    return tmp_path


def test_the_team_is_made_once_with_every_column_and_things_to_decide(db: None, home: Path) -> None:
    tokens = team.ensure()
    assert team.ensure() == tokens
    demo = Team.objects.get(slug=story.SLUG)
    assert demo.state == "active"
    assert {task.column for task in Task.objects.filter(team=demo)} == set(BOARD)
    assert Task.objects.filter(needs_input="human").count() == 1
    assert Plan.objects.pending().count() == 1
    assert {name: seat_of_token(secret)[0].name for name, secret in tokens.items()} == {
        name: name for name in ("hal", "iris", "rae", "juno")
    }
    assert stat.S_IMODE((home / team.KEYS).stat().st_mode) == 0o600


def test_an_administrator_leads_it(db: None, home: Path) -> None:
    admin = User.objects.create_superuser("alice", password=None)
    team.ensure()
    assert Member.objects.get(team__slug=story.SLUG, user=admin).role == "leader"


def test_an_ended_seat_gets_no_token_and_a_broken_file_new_ones(db: None, home: Path) -> None:
    first = team.ensure()
    hal, _ = seat_of_token(first["hal"])
    end_seat(hal, "rae")
    (home / team.KEYS).write_text("{")
    second = team.ensure()
    assert set(second) == {"hal", "iris", "juno"}
    assert second["hal"] != first["hal"]


def test_without_the_option_nothing_happens(db: None) -> None:
    said: list[str] = []
    beside.demonstrate(address="http://x", options={"demo": False}, write=said.append)
    assert said == []
    assert not Team.objects.exists()


@asynccontextmanager
async def at_work() -> AsyncIterator[list[Agent]]:
    """The agents of the demonstration, connected; their luck is always the same."""
    tokens = await sync_to_async(team.ensure)()
    async with AsyncExitStack() as stack:
        found: list[Agent] = []
        for number, seat in enumerate(story.SEATS):
            web = await stack.enter_async_context(http(tokens[seat.name]))
            transport = streamable_http_client(URL, http_client=web)
            client = await stack.enter_async_context(Client(transport))
            luck = random.Random(number)  # noqa: S311
            lead = seat.role == "leader"
            found.append(
                Lead(seat.name, client, luck, web) if lead else Agent(seat.name, client, luck)
            )
        yield found


async def test_the_agents_keep_the_board_moving_within_bounds(door: None, home: Path) -> None:
    async with at_work() as agents:
        moved = [await crew.anybody_moves(agents) for _ in range(120)]
        board = await agents[0].board()
    kinds = {kind async for kind in Event.objects.values_list("kind", flat=True)}
    assert sum(moved) > 110
    assert {
        "task.claimed", "task.completed", "comment.added", "plan.submitted", "plan.approved",
        "plan.step", "review.requested", "review.approved", "task.created",
    } <= kinds  # fmt: skip
    assert board.open <= MOST_OPEN + 1
    assert len(board.of("approved")) <= MOST_APPROVED + 2
    assert await Plan.objects.pending().acount() >= 1
    moot = Plan.objects.pending().exclude(task__owner=F("author")).exclude(task__owner=None)
    assert not await moot.aexists(), "somebody works on what another one waits to begin"
    assert await Task.objects.filter(needs_input="human").acount() == 1


async def test_they_go_on_when_a_person_answers_and_decides(door: None, home: Path) -> None:
    async with at_work() as agents:
        admin = await act(User.objects.create_superuser, "alice", password=None)
        await act(team.ensure)
        lead = await Member.objects.select_related("team", "user").aget(user=admin)
        plan = await Plan.objects.aget()
        await act(actions.answer, lead, 7, "Every line.")
        await act(reviews.decide_plan, lead, plan.pk, "approve", version=1)
        assert await agents[0].people() == ["alice"]
        waiting = Task.objects.filter(
            Q(number=7, board_column="in_progress") | Q(number=9, board_column="todo")
        )
        for _ in range(250):
            if not await waiting.aexists():
                return
            await crew.anybody_moves(agents)
    pytest.fail("They left the answer, or the approved plan.")


async def test_who_agreed_to_shut_down_stops_until_a_new_run(
    door: None, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with at_work() as agents:
        hal = await Member.objects.select_related("team", "user").aget(name="hal")
        rae = await Member.objects.aget(name="rae")
        worker = next(agent for agent in agents if agent.name == "rae")
        await act(request_shutdown, hal, "rae")
        assert await worker.turn()
        last = await Event.objects.alatest("seq")
        await rae.arefresh_from_db()
        assert (rae.presence(), last.kind) == ("terminated", "task.released")
        assert not await worker.turn()
        assert not await Event.objects.filter(actor=rae, seq__gt=last.seq).aexists()
        monkeypatch.setattr(worker, "back_at", 0.0)
        assert await worker.turn()
        await rae.arefresh_from_db()
        assert rae.presence() == "active"
        assert await worker.turn()


async def test_who_was_shut_down_by_other_means_stops_as_well(door: None, home: Path) -> None:
    async with at_work() as agents:
        await Member.objects.filter(name="rae").aupdate(terminated_at=timezone.now())
        worker = next(agent for agent in agents if agent.name == "rae")
        assert not await worker.turn()
        assert worker.back_at is not None


async def test_they_rest_while_the_team_is_paused(door: None, home: Path) -> None:
    async with at_work() as agents:
        hal = await Member.objects.select_related("team", "user").aget(name="hal")
        await act(transition_team, hal, "paused")
        for _ in range(5):
            await crew.anybody_moves(agents)
    started = Event.objects.filter(kind__in=["task.claimed", "task.completed"])
    paused = await Event.objects.aget(kind="team.moved")
    assert not await started.filter(seq__gt=paused.seq).aexists()


def test_no_story_is_told_twice_at_once() -> None:
    subjects = [card.subject for card in story.CARDS]
    assert len(set(subjects)) == len(subjects)
