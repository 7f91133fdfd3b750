"""A browser's socket, driven through the same ASGI application that a server runs."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore

from apps.live import hub as hubs
from apps.teams.models import Member, User
from teams_site.asgi import application
from tests.conftest import Cast, make_cast

CURSOR = re.compile(r'id="cursor" data-seq="(\d+)"')


class Browser:
    """One open socket: what it was sent, and how it ended."""

    def __init__(self) -> None:
        self.inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.texts: list[str] = []
        self.accepted = False
        self.closed: int | None = None
        self._news = asyncio.Event()

    async def send(self, message: dict[str, Any]) -> None:
        if message["type"] == "websocket.accept":
            self.accepted = True
        elif message["type"] == "websocket.send":
            self.texts.append(message["text"])
        else:
            self.closed = message["code"]
        self._news.set()

    @property
    def cursor(self) -> int:
        found = [int(n) for text in self.texts for n in CURSOR.findall(text)]
        return found[-1] if found else -1

    async def until(self, condition: Callable[[], bool], *, seconds: float = 5) -> None:
        async with asyncio.timeout(seconds):
            while not condition():
                self._news.clear()
                await self._news.wait()


def session_of(user: User) -> str:
    """A login, as the login page makes one."""
    store = SessionStore()
    store[SESSION_KEY] = str(user.pk)
    store[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    store[HASH_SESSION_KEY] = user.get_session_auth_hash()
    store.save()
    return str(store.session_key)


@asynccontextmanager
async def browser(
    user: User | None, path: str, *, query: str = "", origin: str = ""
) -> AsyncIterator[Browser]:
    """Open a socket at `path` as `user`, and leave at the end."""
    headers = [(b"host", b"testserver")]
    if user is not None:
        key = await sync_to_async(session_of)(user)
        headers.append((b"cookie", f"{settings.SESSION_COOKIE_NAME}={key}".encode()))
    if origin:
        headers.append((b"origin", origin.encode()))
    scope = {"type": "websocket", "path": path, "query_string": query.encode(), "headers": headers}
    page = Browser()
    await page.inbox.put({"type": "websocket.connect"})
    running = asyncio.create_task(application(scope, page.inbox.get, page.send))
    try:
        yield page
    finally:
        await page.inbox.put({"type": "websocket.disconnect", "code": 1001})
        async with asyncio.timeout(5):
            await running


@pytest.fixture
async def hub(transactional_db: None) -> AsyncIterator[hubs.Hub]:
    """The hub of the test's loop, stopped afterwards."""
    running = hubs.hub()
    yield running
    running.close()
    hubs._hubs.clear()


@pytest.fixture
async def live_cast(hub: hubs.Hub) -> Cast:
    """The cast, committed, so that every connection sees it."""
    return await sync_to_async(make_cast)()


async def fresh(member: Member) -> Member:
    """The seat as a new request would load it."""
    return await Member.objects.select_related("team").aget(pk=member.pk)
