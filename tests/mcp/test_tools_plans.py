from __future__ import annotations

import asyncio

from apps.reviews import actions as reviews
from apps.reviews.models import Plan
from apps.tasks import actions
from apps.tasks.models import Task
from apps.teams.actions import change_member
from tests.conftest import Cast
from tests.mcp.conftest import Connect, act


async def gated(team: Cast) -> None:
    """Hal needs plans, and #1 is to do."""
    await act(change_member, team.alice, "hal", plan_mode_required=True)
    await act(actions.create_task, team.alice, "Parse")


async def test_a_plan_opens_the_task(team: Cast, connect: Connect) -> None:
    await gated(team)
    async with connect(team.hal) as hal:
        refused = await hal.refused("claim_task", number=1)
        assert refused["code"] == "plan_required"
        assert refused["hint"].endswith("submit_plan(task=1), or check_inbox(wait=50)")
        asked = await hal.do("submit_plan", task=1, title="Parser", steps=["Read", "Write"])
        plan = asked["plan"]
        assert (plan["state"], plan["task"]) == ("pending_review", 1)
        assert [(step["index"], step["title"]) for step in plan["steps"]] == [
            (0, "Read"), (1, "Write"),
        ]  # fmt: skip
        await act(reviews.decide_plan, team.alice, plan["id"], "approve", version=1)
        inbox = await hal.do("check_inbox")
        claimed = await hal.do("claim_task", number=1)
    assert inbox["messages"][0]["kind"] == "plan_approval_response"
    assert inbox["next"] == "claim_task(number=1)"
    assert "report_step" in claimed["next"]


async def test_who_decides_is_told_the_plan_and_the_version(team: Cast, connect: Connect) -> None:
    async with connect(team.hal) as hal, connect(team.alice) as alice:
        plan = (await hal.do("submit_plan", title="Parser", steps=["Read"]))["plan"]["id"]
        await alice.do("check_inbox")
        told = await alice.do("briefing")
        read = await alice.do("check_inbox", kind="plan_approval_request", unread=False)
        await alice.do("review_task", plan=plan, version=1, decision="approve")
    assert told["next"].startswith(
        'check_inbox(kind="plan_approval_request", unread=false, limit=200) to read it,'
        f" then review_task(plan={plan}, version=1) with your decision: "
    )
    assert read["messages"][0]["payload"]["plan_id"] == plan


async def test_a_plan_for_a_task_is_read_there(team: Cast, connect: Connect) -> None:
    await gated(team)
    async with connect(team.hal) as hal, connect(team.alice) as alice:
        plan = await hal.do("submit_plan", task=1, steps=["Read"], body="Because of tabs.")
        await alice.do("check_inbox")
        told = await alice.do("briefing")
        read = await alice.do("get_task", number=1)
    assert told["next"].startswith(
        f"get_task(number=1) to read it, then review_task(plan={plan['plan']['id']}, version=1)"
    )
    assert read["plans"][0]["body"] == "Because of tabs."


async def test_a_rejected_plan_is_revised(team: Cast, connect: Connect) -> None:
    await gated(team)
    async with connect(team.hal) as hal:
        plan = (await hal.do("submit_plan", task=1, steps=["Guess"]))["plan"]
        await act(reviews.decide_plan, team.alice, plan["id"], "reject", version=1, note="How?")
        inbox = await hal.do("check_inbox")
        assert inbox["next"].startswith(f"Revise the plan: submit_plan(plan={plan['id']})")
        again = (await hal.do("submit_plan", plan=plan["id"], steps=["Read", "Write"]))["plan"]
    assert (again["version"], again["state"], again["title"]) == (2, "pending_review", "Guess")
    assert [step["title"] for step in again["steps"]] == ["Read", "Write"]


async def test_a_plan_without_steps_is_refused(team: Cast, connect: Connect) -> None:
    async with connect(team.hal) as hal:
        error = await hal.refused("submit_plan", title="Parser")
    assert error["code"] == "invalid"
    assert await Plan.objects.acount() == 0


async def test_steps_are_reported_by_plan_or_by_task(team: Cast, connect: Connect) -> None:
    await gated(team)
    async with connect(team.hal) as hal:
        plan = (await hal.do("submit_plan", task=1, steps=["Read", "Write"]))["plan"]
        early = await hal.refused("report_step", task=1, step=0)
        await act(reviews.decide_plan, team.alice, plan["id"], "approve", version=1)
        first = await hal.do("report_step", plan=plan["id"], step=0, state="Done")
        last = await hal.do("report_step", task="1", step="1", state="skipped")
        error = await hal.refused("report_step", task=1, step=2)
    assert early["code"] == "wrong_state"
    assert first["next"].startswith("Next step 1: Write.")
    assert last["next"] == "finish_task(number=1)"
    assert error["code"] == "step_not_found"
    assert (await Task.objects.aget(number=1)).plan_done == 2


async def test_a_lead_decides_plans(team: Cast, connect: Connect) -> None:
    await gated(team)
    async with connect(team.hal) as hal, connect(team.alice) as alice:
        plan = (await hal.do("submit_plan", task=1, steps=["Read"]))["plan"]
        blind = await alice.refused("review_task", plan=plan["id"], decision="approve")
        done = await alice.do("review_task", plan=plan["id"], version=1, decision="approve")
        twice = await alice.refused(
            "review_task", plan=plan["id"], version=1, decision="reject", note="Too late."
        )
    assert blind["code"] == "invalid"
    assert done["plan"]["state"] == "approved"
    assert twice["code"] == "already_decided"


async def test_the_standard_job_takes_seven_calls(team: Cast, connect: Connect) -> None:
    await gated(team)
    async with connect(team.hal) as hal:
        told = await hal.do("briefing")
        assert told["next"].startswith("submit_plan(task=1)")
        plan = (await hal.do("submit_plan", task=1, title="Parser", steps=["Write it"]))["plan"]
        wait = asyncio.create_task(hal.do("check_inbox", wait=20))
        await asyncio.sleep(0.2)
        await act(reviews.decide_plan, team.alice, plan["id"], "approve", version=1)
        assert (await wait)["next"] == "claim_task(number=1)"
        await hal.do("claim_task", number=1)
        await hal.do("report_step", task=1, step=0)
        finished = await hal.do("finish_task", number=1, note="All tests pass.")
        assert finished["next"].startswith("request_review(number=1)")
        await hal.do("request_review", number=1)
    assert (await Task.objects.aget(number=1)).column == "review"
