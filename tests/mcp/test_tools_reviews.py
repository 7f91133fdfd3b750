from __future__ import annotations

import pytest

from apps.tasks import actions
from apps.tasks.models import Task
from apps.teams.models import Event
from tests.conftest import Cast
from tests.mcp.conftest import Agent, Connect, act


async def done(team: Cast, hal: Agent) -> None:
    """Hal did #1."""
    await act(actions.create_task, team.alice, "Parse")
    await hal.do("claim_task", number=1)
    await hal.do("finish_task", number=1)


async def test_two_agents_review_in_rounds(team: Cast, connect: Connect) -> None:
    async with connect(team.hal) as hal, connect(team.iris) as iris:
        await done(team, hal)
        asked = await hal.do("request_review", number=1, reviewer="iris")
        assert asked["task"]["reviewer"] == "iris"
        assert asked["next"].startswith("iris was told. Go on with claim_task()")
        request = await iris.do("check_inbox")
        assert request["next"] == "get_task(number=1), then review_task."
        await iris.do("review_task", number=1, decision="Request Changes", note="Tabs too.")
        answer = await hal.do("check_inbox")
        assert answer["next"].startswith("claim_task(number=1)")
        await hal.do("claim_task", number=1)
        await hal.do("finish_task", number=1)
        await hal.do("request_review", number=1, reviewer="iris")
        judged = await iris.do("review_task", number=1, decision="approve")
    assert judged["task"]["column"] == "approved"
    assert (await Task.objects.aget(number=1)).review_round == 2


async def test_only_finished_work_is_reviewed(team: Cast, connect: Connect) -> None:
    await act(actions.create_task, team.alice, "Parse")
    async with connect(team.hal) as hal:
        await hal.do("claim_task", number=1)
        error = await hal.refused("request_review", number=1)
    assert error["code"] == "wrong_state"


async def test_nobody_approves_their_own_work(team: Cast, connect: Connect) -> None:
    async with connect(team.hal) as hal:
        await done(team, hal)
        await hal.do("request_review", number=1, reviewer="iris")
        error = await hal.refused("review_task", number=1, decision="approve")
    assert error["code"] == "own_task"
    assert (await Task.objects.aget(number=1)).column == "review"


async def test_a_review_needs_a_task_and_changes_need_a_reason(
    team: Cast, connect: Connect
) -> None:
    async with connect(team.iris) as iris:
        nothing = await iris.refused("review_task", decision="approve")
        silent = await iris.refused("review_task", number=1, decision="request_changes")
    assert "number" in nothing["fields"]
    assert "note" in silent["fields"]


async def test_a_named_reviewer_takes_an_open_review_over(team: Cast, connect: Connect) -> None:
    await act(actions.create_task, team.alice, "Parse", owner="hal")
    await act(actions.claim_task, team.hal, 1)
    await act(actions.complete_task, team.hal, 1)
    async with connect(team.hal) as hal:
        await hal.do("request_review", number=1, reviewer="iris")
        same = await hal.do("request_review", number=1, reviewer="Iris")
        other = await hal.do("request_review", number=1, reviewer="bob")
        error = await hal.refused("request_review", number=1, reviewer="hal")
    assert (same["task"]["reviewer"], other["task"]["reviewer"]) == ("iris", "bob")
    assert set(error["fields"]) == {"reviewer"}


async def conflict(team: Cast, hal: Agent, *, status: str = "in_progress") -> None:
    """Hal did #1, iris reviews it, and its work was changed outside."""
    await done(team, hal)
    await hal.do("request_review", number=1, reviewer="iris")
    await Task.objects.filter(number=1).aupdate(status=status)


@pytest.mark.parametrize(
    ("status", "column"), [("in_progress", "in_progress"), ("pending", "todo")]
)
async def test_whoever_meets_a_conflict_is_told_the_tool_that_settles_it(
    status: str, column: str, team: Cast, connect: Connect
) -> None:
    does = "resolve_conflict(number=1)"
    async with connect(team.hal) as hal, connect(team.iris) as iris:
        await conflict(team, hal, status=status)
        judged = await iris.refused("review_task", number=1, decision="approve")
        moved = await hal.refused("finish_task", number=1)
        told = [
            await hal.do("list_tasks"),
            await hal.do("get_task", number=1),
            await hal.do("update_task", number=1, priority="high"),
            await hal.do("request_review", number=1),
        ]
        settled = await hal.do("resolve_conflict", number=1)
        again = await hal.do("resolve_conflict", number=1)
        whole = await hal.do("get_task", number=1)
    assert judged["hint"].endswith(does)
    assert moved["hint"].endswith(does)
    assert [answer["next"].endswith(f"{does}.") for answer in told] == [True] * 4
    assert settled["task"]["column"] == again["task"]["column"] == column
    assert does not in settled["next"]
    assert "conflict" not in whole["task"]
    kinds = [event.kind async for event in Event.objects.filter(kind__startswith="review.")]
    assert kinds.count("review.withdrawn") == 1


async def test_a_conflict_is_not_settled_by_who_may_neither_review_nor_manage(
    team: Cast, connect: Connect
) -> None:
    async with connect(team.hal) as hal, connect(team.vera) as vera:
        await conflict(team, hal)
        told = await vera.do("get_task", number=1)
        error = await vera.refused("resolve_conflict", number=1)
    assert (told["task"]["conflict"], told["next"]) == (True, "briefing()")
    assert error["code"] == "not_allowed"
    assert (await Task.objects.aget(number=1)).column == "review"


async def test_a_leads_briefing_names_the_tool_for_a_conflict(team: Cast, connect: Connect) -> None:
    async with connect(team.hal) as hal, connect(team.alice) as alice:
        await conflict(team, hal)
        told = await alice.do("briefing")
    assert told["next"].startswith("resolve_conflict(number=1): ")
