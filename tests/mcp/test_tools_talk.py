from __future__ import annotations

import asyncio
import time

from apps.messaging.actions import send_message
from apps.messaging.models import Delivery, Message
from apps.tasks import actions as tasks
from apps.teams.actions import end_seat, revoke_token
from apps.teams.models import Token
from tests.conftest import Cast
from tests.mcp.conftest import Connect, act


async def test_a_message_reaches_its_reader_once(team: Cast, connect: Connect) -> None:
    async with connect(team.hal) as hal, connect(team.iris) as iris:
        sent = await hal.do("send_message", to="iris", body="Parser done, see #1.", message_id="a")
        again = await hal.do("send_message", to="iris", body="Parser done, see #1.", message_id="a")
        other = await hal.refused("send_message", to="iris", body="Not done.", message_id="a")
        first = await iris.do("check_inbox")
        second = await iris.do("check_inbox")
    assert sent["message"]["id"] == again["message"]["id"]
    assert other["code"] == "message_id_conflict"
    assert [message["body"] for message in first["messages"]] == ["Parser done, see #1."]
    assert first["messages"][0]["from"] == "hal"
    assert (first["unread"], second["messages"]) == (0, [])
    copy = await Delivery.objects.aget(message_id=sent["message"]["id"])
    assert copy.read_at is not None
    assert copy.via == "mcp"


async def test_what_is_answered_unopened_came_by_this_door(team: Cast, connect: Connect) -> None:
    async with connect(team.hal) as hal, connect(team.iris) as iris:
        asked = await hal.do("send_message", to="iris", body="Ready?")
        await iris.do("send_message", body="Yes.", reply_to=asked["message"]["id"])
    copy = await Delivery.objects.aget(message_id=asked["message"]["id"])
    assert copy.delivered_at == copy.answered_at is not None
    assert copy.via == "mcp"


async def test_an_unknown_recipient_is_refused_with_the_closest_name(
    team: Cast, connect: Connect
) -> None:
    async with connect(team.hal) as hal:
        error = await hal.refused("send_message", to=["irs"], body="Hello.")
    assert "iris" in str(error)
    assert await Message.objects.acount() == 0


async def test_what_came_last_decides_what_is_next(team: Cast, connect: Connect) -> None:
    await act(tasks.create_task, team.alice, "Parse", owner="hal")
    await act(tasks.create_task, team.alice, "Report", owner="hal")
    async with connect(team.hal) as hal:
        both = await hal.do("check_inbox")
    assert both["next"] == "get_task(number=2). Then briefing() for the rest."


async def test_nobody_is_sent_to_answer_the_system(team: Cast, connect: Connect) -> None:
    await act(tasks.create_task, team.alice, "Parse", owner="hal")
    await act(tasks.create_task, team.alice, "Report", owner="iris", blocked_by=[1])
    async with connect(team.hal) as hal, connect(team.iris) as iris:
        await iris.do("check_inbox")
        await hal.do("claim_task", number=1)
        await hal.do("finish_task", number=1)
        told = await iris.do("check_inbox")
        error = await iris.refused("send_message", reply_to=told["messages"][0]["id"], body="Yes.")
    assert [message["from"] for message in told["messages"]] == ["system"]
    assert told["next"] == "briefing()"
    assert set(error["fields"]) == {"to"}
    assert error["hint"].startswith("The system sent it")


async def test_what_is_kept_unread_comes_again(team: Cast, connect: Connect) -> None:
    await act(send_message, team.bob, to="hal", body="Look at #3.")
    async with connect(team.hal) as hal:
        kept = await hal.do("check_inbox", keep_unread=True)
        again = await hal.do("check_inbox", **{"from": "bob"})
        read = await hal.do("check_inbox", unread=False)
        error = await hal.refused("check_inbox", kind="gossip")
    assert kept["unread"] == 1
    assert len(again["messages"]) == len(read["messages"]) == 1
    assert error["code"] == "invalid"


async def test_a_wait_ends_with_the_message(team: Cast, connect: Connect) -> None:
    async with connect(team.hal) as hal, connect(team.iris, mode="legacy") as iris:
        waits = [asyncio.create_task(agent.do("check_inbox", wait=20)) for agent in (hal, iris)]
        await asyncio.sleep(0.3)
        assert not any(wait.done() for wait in waits)
        start = time.monotonic()
        await act(send_message, team.bob, broadcast=True, body="Stop.")
        inboxes = await asyncio.gather(*waits)
    assert time.monotonic() - start < 2
    assert [inbox["messages"][0]["body"] for inbox in inboxes] == ["Stop.", "Stop."]


async def test_a_wait_ends_empty(team: Cast, connect: Connect) -> None:
    async with connect(team.hal) as hal:
        start = time.monotonic()
        inbox = await hal.do("check_inbox", wait=0.4)
    assert 0.4 <= time.monotonic() - start < 2
    assert inbox["messages"] == []


async def test_a_revoked_token_ends_the_wait(team: Cast, connect: Connect) -> None:
    async with connect(team.hal) as hal:
        wait = asyncio.create_task(hal.refused("check_inbox", wait=20))
        follow = asyncio.create_task(hal.refused("wait_for_events", wait=20, kinds=["plan"]))
        await asyncio.sleep(0.3)
        token = await Token.objects.aget(member=team.hal)
        await act(revoke_token, team.alice, token.pk)
        async with asyncio.timeout(3):
            errors = [await wait, await follow]
    assert [error["code"] for error in errors] == ["token_revoked", "token_revoked"]


async def test_the_end_of_a_seat_ends_the_wait(team: Cast, connect: Connect) -> None:
    async with connect(team.hal) as hal:
        wait = asyncio.create_task(hal.refused("check_inbox", wait=20))
        await asyncio.sleep(0.3)
        await act(end_seat, team.alice, "hal")
        async with asyncio.timeout(3):
            assert (await wait)["code"] == "token_revoked"
