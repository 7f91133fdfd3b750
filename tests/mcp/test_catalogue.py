from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from apps.mcp import server, tools
from apps.mcp.catalogue import TOOLS
from apps.mcp.fields import Args, Ids, Numbers, Object, Owner, Words
from apps.mcp.slim import slim
from tests.conftest import Cast
from tests.mcp.conftest import Connect

NAMES = [
    "briefing", "begin_run", "wait_for_events", "list_tasks", "get_task", "create_task",
    "claim_task", "update_task", "finish_task", "comment", "submit_plan", "report_step",
    "request_review", "resolve_conflict", "review_task", "send_message", "check_inbox", "discuss",
    "add_artifact",
]  # fmt: skip


async def test_a_client_is_shown_every_tool_at_a_bearable_price(
    team: Cast, connect: Connect
) -> None:
    async with connect(team.hal) as hal:
        listed = await hal.client.list_tools()
    shown = [
        tool.model_dump(by_alias=True, mode="json", exclude_none=True) for tool in listed.tools
    ]
    assert [tool["name"] for tool in shown] == NAMES
    assert len(json.dumps(shown)) <= 16_000


def test_every_tool_says_what_it_does_takes_and_answers() -> None:
    tools.load()
    for tool in server.catalogue().tools:
        assert len(tool.description or "") > 30, tool.name
        assert tool.input_schema["type"] == "object"
        assert "next" in tool.output_schema["required"]
        assert "$ref" not in json.dumps(tool.model_dump(mode="json"))


def test_descriptions_name_only_tools_that_exist() -> None:
    tools.load()
    words = " ".join(tool.description for tool in TOOLS.values())
    mentioned = {word.strip(".,:;()") for word in words.split() if "_" in word}
    known = {
        *TOOLS,
        "request_changes",
        "max_rounds",
        "plan_required",
        "nothing_ready",
        "message_id",
    }
    assert mentioned <= known, mentioned - known


async def test_unknown_tools_and_arguments_get_the_closest(team: Cast, connect: Connect) -> None:
    async with connect(team.hal) as hal:
        tool = await hal.refused("clame_task")
        argument = await hal.refused("claim_task", numbr=3)
        missing = await hal.refused("comment", number=3)
    assert tool["code"] == "unknown_tool"
    assert "claim_task" in tool["hint"]
    assert argument["fields"] == {"numbr": "There is no such argument. Did you mean number?"}
    assert missing["fields"] == {"body": "This is needed."}
    assert missing["hint"].startswith("comment takes number (needed), body (needed)")


async def test_a_failure_says_nothing_of_its_cause(
    team: Cast, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> None:
        raise RuntimeError("a secret path")

    monkeypatch.setattr("apps.tasks.actions.create_task", fails)
    async with connect(team.hal) as hal:
        error = await hal.refused("create_task", subject="Parse")
    assert error["code"] == "internal_error"
    assert "secret" not in str(error)


class Sample(Args):
    """All the forgiving types."""

    numbers: Numbers = []
    ids: Ids = []
    words: Words = []
    thing: Object = {}
    owner: Owner = None
    text: str = ""


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ({"numbers": "#3, 4"}, {"numbers": [3, 4]}),
        ({"numbers": "[3, 4]"}, {"numbers": [3, 4]}),
        ({"numbers": 3}, {"numbers": [3]}),
        ({"numbers": ["#3"]}, {"numbers": [3]}),
        ({"words": "a, b"}, {"words": ["a", "b"]}),
        ({"words": '["a, b"]'}, {"words": ["a, b"]}),
        ({"thing": '{"a": 1}'}, {"thing": {"a": 1}}),
        ({"owner": "None"}, {"owner": None}),
        ({"text": 5}, {"text": "5"}),
    ],
)
def test_arguments_are_read_in_many_spellings(given: dict[str, Any], read: dict[str, Any]) -> None:
    assert Sample.model_validate(given).given() == read


@pytest.mark.parametrize("given", [{"numbers": "three"}, {"ids": 0}, {"thing": "text"}])
def test_what_is_no_such_value_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Sample.model_validate(given)


class Inner(BaseModel):
    """For readers of the code."""

    title: str


class Outer(BaseModel):
    """For readers of the code."""

    inner: Inner
    maybe: int | None = None


def test_a_slim_schema_keeps_what_a_caller_needs() -> None:
    full = Outer.model_json_schema()
    assert slim(full, nulls=False) == {
        "type": "object",
        "properties": {
            "inner": {
                "type": "object",
                "properties": {"title": {"type": "string"}},
                "required": ["title"],
            },
            "maybe": {"type": "integer"},
        },
        "required": ["inner"],
    }
    assert slim(full, nulls=True)["properties"]["maybe"] == {
        "anyOf": [{"type": "integer"}, {"type": "null"}]
    }
