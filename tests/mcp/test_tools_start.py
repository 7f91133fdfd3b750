from __future__ import annotations

import asyncio

from apps.messaging.actions import request_shutdown
from apps.tasks import actions
from tests.conftest import Cast
from tests.mcp.conftest import Connect, act


async def test_a_briefing_says_who_and_what_next(team: Cast, connect: Connect) -> None:
    await act(actions.create_task, team.alice, "Parse the grammar")
    async with connect(team.hal) as hal:
        told = await hal.do("briefing")
        result = await hal.client.call_tool("briefing", {})
    assert told["text"].startswith("You are hal")
    assert told["next"].startswith("claim_task(number=1)")
    assert result.content[0].text.startswith("You are hal")
    await team.team.arefresh_from_db()
    assert told["seq"] <= team.team.seq


async def test_a_briefing_may_wait_for_work(team: Cast, connect: Connect) -> None:
    async with connect(team.hal) as hal:
        wait = asyncio.create_task(hal.do("briefing", wait=20))
        await asyncio.sleep(0.3)
        await act(actions.create_task, team.alice, "Parse")
        async with asyncio.timeout(3):
            told = await wait
        error = await hal.refused("briefing", wait=600)
    assert told["next"].startswith("claim_task(number=1)")
    assert "wait" in error["fields"]


async def test_who_shut_down_is_told_to_stop_and_comes_back_with_a_new_run(
    team: Cast, connect: Connect
) -> None:
    await act(actions.create_task, team.alice, "Parse")
    await act(request_shutdown, team.alice, "hal")
    async with connect(team.hal) as hal:
        asked = await hal.do("briefing")
        agreed = await hal.do("send_message", kind="shutdown_approved")
        stopped = await hal.do("briefing")
        begun = await hal.do("begin_run")
        again = await hal.do("briefing")
    assert asked["next"].startswith('send_message(kind="shutdown_approved", reply_to=')
    assert agreed["next"] == "You have shut down: stop here, and call nothing more."
    assert stopped["next"].startswith("begin_run(): you have shut down: stop here.")
    assert begun["next"] == "briefing()"
    assert again["next"].startswith("claim_task(number=1)")
    session = await team.hal.sessions.aget(ended_at=None)
    assert session.backend == "mcp"
    await team.hal.arefresh_from_db()
    assert team.hal.terminated_at is None


async def test_the_journal_is_followed_without_gaps(team: Cast, connect: Connect) -> None:
    start = team.team.seq
    for number in range(3):
        await act(actions.create_task, team.alice, f"Card {number}")
    async with connect(team.hal) as hal:
        first = await hal.do("wait_for_events", after=start, limit=2)
        rest = await hal.do("wait_for_events", after=first["last"], kinds=["task"])
        wait = asyncio.create_task(hal.do("wait_for_events", after=rest["last"], kinds="task"))
        await asyncio.sleep(0.3)
        await act(actions.claim_task, team.bob, 2)
        async with asyncio.timeout(3):
            news = await wait
    seen = [event["seq"] for event in first["events"] + rest["events"]]
    assert seen == [start + 1, start + 2, start + 3]
    assert [(event["kind"], event["actor"]) for event in news["events"]] == [
        ("task.claimed", "bob")
    ]
    assert news["next"] == f'wait_for_events(after={news["last"]}, kinds=["task"])'


async def test_an_event_of_another_kind_does_not_end_the_wait(team: Cast, connect: Connect) -> None:
    async with connect(team.hal) as hal:
        wait = asyncio.create_task(hal.do("wait_for_events", kinds=["plan"], wait=0.8))
        await asyncio.sleep(0.2)
        await act(actions.create_task, team.alice, "Parse")
        news = await wait
        error = await hal.refused("wait_for_events", kinds=["tsk"])
    await team.team.arefresh_from_db()
    assert (news["events"], news["last"]) == ([], team.team.seq)
    assert error["fields"]["kinds"] == "There is no kind “tsk”. Did you mean task?"
