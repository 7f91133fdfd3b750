"""The official client, speaking to the same ASGI application that a server runs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import httpx2
import pytest
from asgiref.sync import sync_to_async
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client

from apps.live import hub as hubs
from apps.mcp import service
from apps.teams.actions import create_token
from apps.teams.models import Member
from teams_site.asgi import application
from tests.conftest import Cast, make_cast

URL = "http://testserver/mcp"
Connect = Callable[..., AbstractAsyncContextManager["Agent"]]


class Agent:
    """A connected member: `do` expects a result, `refused` a refusal."""

    def __init__(self, client: Client, secret: str) -> None:
        self.client = client
        self.secret = secret

    async def do(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The result of a tool, as data."""
        result = await self.client.call_tool(tool, arguments)
        assert not result.is_error, result.content
        assert result.structured_content is not None
        return result.structured_content

    async def refused(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Why a tool refused: code, message, hint."""
        result = await self.client.call_tool(tool, arguments)
        assert result.is_error
        error = result.structured_content["error"]
        assert result.content[0].text.startswith(f"{error['code']}: {error['message']}")
        return error


@pytest.fixture
async def door(transactional_db: None) -> AsyncIterator[None]:
    """The door of the test's loop and the hub behind it, closed afterwards."""
    hubs.hub()
    yield
    await service.close()
    for hub in hubs._hubs.values():
        hub.close()
    hubs._hubs.clear()


@pytest.fixture
async def team(door: None) -> Cast:
    """The cast, committed, so that every connection sees it."""
    return await sync_to_async(make_cast)()


@pytest.fixture
def connect(team: Cast) -> Connect:
    """Connect a member of the cast with a fresh token."""

    @asynccontextmanager
    async def as_member(member: Member, *, mode: str = "auto") -> AsyncIterator[Agent]:
        maker = member if member.user_id else team.alice
        _, secret = await sync_to_async(create_token)(maker, member.name)
        async with (
            http(secret) as door,
            Client(streamable_http_client(URL, http_client=door), mode=mode) as client,
        ):
            yield Agent(client, secret)

    return as_member


def http(secret: str = "", **headers: str) -> httpx2.AsyncClient:
    """A plain HTTP client to the application."""
    if secret:
        headers["Authorization"] = f"Bearer {secret}"
    transport = httpx2.ASGITransport(app=application)
    return httpx2.AsyncClient(transport=transport, base_url="http://testserver", headers=headers)


async def act(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call an action from a test that runs on the loop."""
    return await sync_to_async(function)(*args, **kwargs)
