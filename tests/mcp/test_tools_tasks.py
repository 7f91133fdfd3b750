from __future__ import annotations

import pytest

from apps.tasks import actions
from apps.tasks.models import Task
from tests.conftest import Cast
from tests.mcp.conftest import Connect, act


async def test_an_agent_lists_what_it_could_start(team: Cast, connect: Connect) -> None:
    first = await act(actions.create_task, team.alice, "Parse the grammar", labels=["parser"])
    await act(actions.create_task, team.alice, "Write the report", blocked_by=[first.number])
    async with connect(team.hal) as hal:
        ready = await hal.do("list_tasks", ready=True)
        every = await hal.do("list_tasks", label="parser", column="To Do")
    assert [task["number"] for task in ready["tasks"]] == [1]
    assert [task["labels"] for task in every["tasks"]] == [["parser"]]
    assert ready["cursor"] is None


async def test_labels_are_one_whatever_their_case(team: Cast, connect: Connect) -> None:
    await act(actions.create_task, team.alice, "Parse", labels=["Parser"])
    async with connect(team.hal) as hal:
        made = await hal.do("create_task", subject="Report", labels="PARSER, docs")
        whole = await hal.do("get_task", number=made["task"]["number"])
        found = await hal.do("list_tasks", label="parser")
    assert whole["task"]["labels"] == ["Parser", "docs"]
    assert [task["number"] for task in found["tasks"]] == [1, 2]


async def test_a_wrong_column_is_refused(team: Cast, connect: Connect) -> None:
    async with connect(team.hal) as hal:
        error = await hal.refused("list_tasks", column="doing")
    assert error["code"] == "invalid"
    assert "column" in error["fields"]


async def test_a_task_is_read_whole(team: Cast, connect: Connect) -> None:
    await act(actions.create_task, team.alice, "Parse", description="All of it.")
    await act(actions.comment, team.bob, 1, "Mind the tabs.")
    async with connect(team.hal) as hal:
        found = await hal.do("get_task", number="#1")
    assert found["task"]["description"] == "All of it."
    assert [(remark["author"], remark["body"]) for remark in found["comments"]] == [
        ("bob", "Mind the tabs.")
    ]
    assert found["next"] == "claim_task(number=1)"


async def test_an_unknown_task_is_not_found(team: Cast, connect: Connect) -> None:
    async with connect(team.hal) as hal:
        error = await hal.refused("get_task", number=99)
    assert error["code"] == "task_not_found"


async def test_an_agent_creates_a_task_with_forgiving_values(team: Cast, connect: Connect) -> None:
    await act(actions.create_task, team.alice, "Parse")
    async with connect(team.hal) as hal:
        made = await hal.do(
            "create_task", subject="Report", priority="HIGH", blocked_by="#1", labels="docs, api"
        )
        whole = await hal.do("get_task", number=made["task"]["number"])
    assert whole["task"]["priority"] == "high"
    assert whole["task"]["blocked_by"] == [1]
    assert whole["task"]["labels"] == ["api", "docs"]


async def test_me_is_who_calls(team: Cast, connect: Connect) -> None:
    async with connect(team.hal) as hal:
        made = await hal.do("create_task", subject="Report", owner="me")
        given = await hal.do("update_task", number=made["task"]["number"], owner="iris")
        back = await hal.do("create_task", subject="Other")
        taken = await hal.do("update_task", number=back["task"]["number"], owner="Me")
    assert made["task"]["owner"] == taken["task"]["owner"] == "hal"
    assert given["task"]["owner"] == "iris"


async def test_an_observer_creates_nothing(team: Cast, connect: Connect) -> None:
    async with connect(team.vera) as vera:
        error = await vera.refused("create_task", subject="Report")
    assert error["code"] == "not_allowed"
    assert await Task.objects.acount() == 0


async def test_the_second_claimant_is_refused(team: Cast, connect: Connect) -> None:
    await act(actions.create_task, team.alice, "Parse")
    async with connect(team.hal) as hal, connect(team.iris, mode="legacy") as iris:
        mine = await hal.do("claim_task", number=1)
        error = await iris.refused("claim_task", number=1)
    assert mine["task"]["owner"] == "hal"
    assert mine["task"]["column"] == "in_progress"
    assert error["code"] == "task_taken"
    assert error["hint"]


async def test_the_next_ready_task_is_claimed(team: Cast, connect: Connect) -> None:
    await act(actions.create_task, team.alice, "Later", priority="low")
    await act(actions.create_task, team.alice, "Now", priority="critical")
    async with connect(team.hal) as hal:
        assert (await hal.do("claim_task"))["task"]["subject"] == "Now"
        assert (await hal.do("claim_task"))["task"]["subject"] == "Later"
        refused = await hal.refused("claim_task")
    assert refused["code"] == "nothing_ready"
    assert refused["hint"].endswith("briefing(wait=50)")


async def test_a_question_needs_words(team: Cast, connect: Connect) -> None:
    async with connect(team.hal) as hal:
        result = await hal.client.call_tool("finish_task", {"number": 1, "outcome": "ask"})
    assert result.is_error
    assert result.content[0].text == "invalid: Write your question.\n- note: Write your question."


async def test_an_update_keeps_what_it_does_not_name(team: Cast, connect: Connect) -> None:
    await act(actions.create_task, team.alice, "Parse", description="All of it.", owner="hal")
    async with connect(team.hal) as hal:
        changed = await hal.do("update_task", number=1, active_form="Parsing", owner="none")
        error = await hal.refused("update_task", number=1, subject="Parse it", version=1)
    task = await Task.objects.aget(number=1)
    assert (task.description, task.owner_id, task.active_form) == ("All of it.", None, "Parsing")
    assert changed["task"]["owner"] is None
    assert error["code"] == "stale"


async def test_a_status_is_no_value_to_update(team: Cast, connect: Connect) -> None:
    await act(actions.create_task, team.alice, "Parse")
    async with connect(team.hal) as hal:
        error = await hal.refused("update_task", number=1, status="completed")
    assert "finish_task" in error["fields"]["status"]


@pytest.mark.parametrize(
    ("arguments", "column"),
    [
        ({"outcome": "done", "note": "All tests pass."}, "done"),
        ({"outcome": "release", "note": "Somebody else."}, "todo"),
        ({"outcome": "ask", "note": "Which grammar?", "of": "lead"}, "in_progress"),
    ],
)
async def test_work_is_finished_in_three_ways(
    team: Cast, connect: Connect, arguments: dict[str, str], column: str
) -> None:
    await act(actions.create_task, team.alice, "Parse")
    async with connect(team.hal) as hal:
        await hal.do("claim_task", number=1)
        finished = await hal.do("finish_task", number=1, **arguments)
    assert finished["task"]["column"] == column
    task = await Task.objects.aget(number=1)
    assert task.column == column
    assert task.question == ("Which grammar?" if arguments["outcome"] == "ask" else "")
    assert task.comment_count == (1 if arguments["outcome"] == "done" else 0)


async def test_who_does_not_own_a_task_finishes_nothing_and_says_nothing(
    team: Cast, connect: Connect
) -> None:
    await act(actions.create_task, team.alice, "Parse")
    async with connect(team.hal) as hal, connect(team.iris) as iris:
        await hal.do("claim_task", number=1)
        error = await iris.refused("finish_task", number=1, note="Done by me.")
    assert error["code"] == "not_allowed"
    assert (await Task.objects.aget(number=1)).comment_count == 0


async def test_who_comments_on_running_work_goes_on_with_it(team: Cast, connect: Connect) -> None:
    await act(actions.create_task, team.alice, "Parse")
    async with connect(team.hal) as hal:
        await hal.do("claim_task")
        said = await hal.do("comment", number=1, body="Half of it is there.")
    assert said["next"] == 'Go on with #1, then finish_task(number=1, outcome="complete").'


async def test_a_comment_is_added(team: Cast, connect: Connect) -> None:
    await act(actions.create_task, team.alice, "Parse")
    async with connect(team.hal) as hal:
        said = await hal.do("comment", number=1, body="Half of it is there.")
        error = await hal.refused("comment", number=1, body="  ")
    assert said["comment"]["body"] == "Half of it is there."
    assert said["next"].startswith("claim_task() for the next one")
    assert error["code"] == "invalid"


async def test_the_lead_answers_a_question(team: Cast, connect: Connect) -> None:
    await act(actions.create_task, team.alice, "Parse")
    async with connect(team.hal) as hal, connect(team.alice) as alice:
        await hal.do("claim_task", number=1)
        await hal.do("finish_task", number=1, outcome="ask", note="Tabs?", of="lead")
        await alice.do("comment", number=1, body="Spaces.", answer=True)
        inbox = await hal.do("check_inbox")
        error = await hal.refused("comment", number=1, body="Spaces.", answer=True)
    assert [message["body"] for message in inbox["messages"]] == ["Spaces."]
    assert error["code"] == "not_allowed"
