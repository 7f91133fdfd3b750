"""A long wait, held in front of the pool: no thread and no connection while nothing happens.

`?wait=30` on a REST read serves the request at once; where the answer says "nothing yet", it is
held until the hub has news for the member, then served again as any other request.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from apps.core.errors import DomainError
from apps.core.front import shared
from apps.live.hub import hub
from apps.teams.access import seat_of_token
from apps.teams.interest import Interest
from apps.teams.models import Team

WAITABLE = re.compile(r"/api/v1/teams/(?P<slug>[^/]+)/(?P<what>inbox|events|briefing)")
EMPTY = (b"x-wait", b"empty")
LONGEST = 60.0


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """HTTP: most requests go straight to the pool."""
    match = WAITABLE.fullmatch(scope["path"]) if scope["method"] == "GET" else None
    seconds = _seconds(scope) if match else 0.0
    interest = await shared().run(_interest, scope, match) if match and seconds else None
    if interest is None:
        await shared()(scope, receive, send)
        return
    await _held(scope, receive, send, interest, seconds)


async def _held(
    scope: dict[str, Any], receive: Any, send: Any, interest: Interest, seconds: float
) -> None:
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    gone = asyncio.ensure_future(_gone(receive))
    try:
        while True:
            async with hub().watch(interest.team_id, interest.wants) as waiter:
                answer = await _answer(scope)
                left = until - loop.time()
                if not answer.is_empty or left <= 0:
                    break
                news = asyncio.ensure_future(waiter.came(left))
                await asyncio.wait([gone, news], return_when=asyncio.FIRST_COMPLETED)
                news.cancel()
                if gone.done():
                    return
    finally:
        gone.cancel()
    for message in answer.messages:
        await send(message)


class Answer:
    """A response kept back until it is known whether it says anything."""

    def __init__(self) -> None:
        self.messages: list[Mapping[str, Any]] = []
        self.is_empty = False

    async def take(self, message: Mapping[str, Any]) -> None:
        """An ASGI `send`."""
        if message["type"] == "http.response.start":
            self.is_empty = any((k.lower(), v) == EMPTY for k, v in message["headers"])
            headers = [(k, v) for k, v in message["headers"] if k.lower() != EMPTY[0]]
            message = {**message, "headers": headers}
        self.messages.append(message)


async def _answer(scope: dict[str, Any]) -> Answer:
    answer = Answer()
    body = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> dict[str, Any]:
        if body:
            return body.pop()
        return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]

    await shared()(dict(scope), receive, answer.take)
    return answer


async def _gone(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _seconds(scope: dict[str, Any]) -> float:
    """The wait asked for; a wrong value is left to the view, which refuses it."""
    raw = parse_qs(scope["query_string"].decode("latin-1")).get("wait", ["0"])[-1]
    try:
        seconds = float(raw)
    except ValueError:
        return 0.0
    return seconds if 0 < seconds <= LONGEST else 0.0


def _interest(scope: dict[str, Any], match: re.Match[str]) -> Interest | None:
    """In the pool: whose wait this is; None where the request will be refused anyway."""
    scheme, _, secret = dict(scope["headers"]).get(b"authorization", b"").partition(b" ")
    if scheme.lower() != b"bearer":
        return None
    try:
        member, _ = seat_of_token(secret.decode("latin-1"))
        if Team.objects.at(match["slug"]).pk != member.team_id:
            return None
    except DomainError:
        return None
    return Interest(member.team_id, member.name, match["what"])
