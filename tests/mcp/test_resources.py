from __future__ import annotations

import json

import pytest
from mcp.shared.exceptions import MCPError

from apps.messaging.actions import send_message
from apps.messaging.models import Delivery
from apps.tasks import actions
from tests.conftest import Cast
from tests.mcp.conftest import Agent, Connect, act


async def read(agent: Agent, uri: str) -> dict[str, object]:
    result = await agent.client.read_resource(uri)
    return json.loads(result.contents[0].text)


async def test_team_board_task_and_inbox_can_be_read(team: Cast, connect: Connect) -> None:
    await act(actions.create_task, team.alice, "Parse")
    await act(send_message, team.bob, to="hal", body="Look at #1.")
    async with connect(team.hal) as hal:
        listed = await hal.client.list_resources()
        templates = await hal.client.list_resource_templates()
        shown = {
            str(resource.uri): await read(hal, str(resource.uri)) for resource in listed.resources
        }
        task = await read(
            hal, templates.resource_templates[0].uri_template.replace("{number}", "1")
        )
    assert shown["teams://team"]["slug"] == "checkout"
    assert shown["teams://board"]["columns"][0]["count"] == 1
    assert shown["teams://inbox"][0]["body"] == "Look at #1."
    assert task["subject"] == "Parse"
    assert not await Delivery.objects.exclude(read_at=None).aexists()


@pytest.mark.parametrize("uri", ["teams://tasks/7", "teams://other", "file:///etc/passwd"])
async def test_other_addresses_are_not_found(team: Cast, connect: Connect, uri: str) -> None:
    async with connect(team.hal) as hal:
        with pytest.raises(MCPError, match="not_found"):
            await hal.client.read_resource(uri)


async def test_a_prompt_starts_a_worker(team: Cast, connect: Connect) -> None:
    async with connect(team.hal) as hal:
        listed = await hal.client.list_prompts()
        prompt = await hal.client.get_prompt("work", {"focus": "the parser"})
        with pytest.raises(MCPError, match="work"):
            await hal.client.get_prompt("wrk")
    assert [one.name for one in listed.prompts] == ["work"]
    text = prompt.messages[0].content.text
    assert text.startswith("You are hal, a member of the team “Checkout”.")
    assert "Look first for: the parser." in text
