from __future__ import annotations

from datetime import timedelta

from apps.mcp import advice
from apps.messaging.actions import sweep_deadlocks
from apps.messaging.models import Discussion
from apps.teams.models import Event
from tests.conftest import Cast
from tests.mcp.conftest import Connect, act


async def test_two_agents_discuss_until_one_concludes(team: Cast, connect: Connect) -> None:
    async with connect(team.hal) as hal, connect(team.iris) as iris:
        opened = await hal.do(
            "discuss", topic="Grammar", participants="hal, iris", max_rounds=2, body="LALR?"
        )
        told = await iris.do("check_inbox")
        number = opened["discussion"]["id"]
        assert told["next"] == f"discuss(discussion={number}) to read it and take part."
        read = await iris.do("discuss", discussion=number)
        assert read["next"].startswith(f"discuss(discussion={number}) with your turn")
        assert read["next"].endswith("One turn is left.")
        last = await iris.do("discuss", discussion=number, body="PEG.")
        late = await hal.refused("discuss", discussion=number, body="LALR!")
        ended = await hal.do(
            "discuss", discussion=number, conclusion="PEG", agreed_by=["hal", "iris"]
        )
        again = await hal.refused("discuss", discussion=number, conclusion="LALR")
    assert opened["next"].startswith('wait_for_events(kinds=["discussion"])')
    assert [turn["from"] for turn in read["discussion"]["turns"]] == ["hal"]
    assert last["next"] == f"No turn is left: discuss(discussion={number}) with a conclusion."
    assert (late["code"], again["code"]) == ("max_rounds", "wrong_state")
    assert again["message"] == "The discussion is already concluded."
    assert ended["discussion"]["state"] == "concluded"
    kinds = [event.kind async for event in Event.objects.filter(kind__startswith="discussion.")]
    assert kinds == ["discussion.opened", *["discussion.turn"] * 2, "discussion.concluded"]


async def test_only_who_was_chosen_takes_turns(team: Cast, connect: Connect) -> None:
    async with connect(team.hal) as hal, connect(team.iris) as iris:
        opened = await hal.do("discuss", topic="Grammar", participants=["alice", "bob"])
        number = opened["discussion"]["id"]
        turn = await iris.refused("discuss", discussion=number, body="PEG.")
        end = await iris.refused("discuss", discussion=number, conclusion="PEG.")
        alone = await iris.refused("discuss", topic="Me", participants=["iris"])
        nothing = await iris.refused("discuss")
        read = await iris.do("discuss", discussion=number)
        mine = await hal.do("discuss", discussion=number)
    assert (turn["code"], end["code"]) == ("not_a_participant", "not_a_participant")
    assert "participants" in alone["fields"]
    assert "topic" in nothing["fields"]
    assert read["next"] == advice.MORE_WORK
    assert mine["next"].startswith("wait_for_events(")
    assert await Discussion.objects.acount() == 1


async def test_who_takes_part_in_a_deadlock_is_told_to_end_it(team: Cast, connect: Connect) -> None:
    async with connect(team.hal) as hal:
        opened = await hal.do("discuss", topic="Grammar", participants=["hal", "iris"], body="LR?")
        number = opened["discussion"]["id"]
        await act(sweep_deadlocks, team.team, stale=timedelta(0))
        told = await hal.do("discuss", discussion=number)
        ended = await hal.do("discuss", discussion=number, conclusion="LR")
    assert told["next"] == f"Nobody went on: discuss(discussion={number}) with a conclusion."
    assert ended["next"] == advice.MORE_WORK
