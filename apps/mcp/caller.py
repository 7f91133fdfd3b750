"""Who calls a tool, and how long a call may wait without holding a thread or a connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from apps.core.bodies import Receive
from apps.core.front import disconnected, shared
from apps.teams import waiting
from apps.teams.access import seat_of_token
from apps.teams.interest import Interest
from apps.teams.models import Member

T = TypeVar("T")
# Many clients give a call up after a minute; an answer that says "nothing yet" comes before that.
LONGEST = 55.0
VIA = "mcp"


@dataclass(frozen=True)
class Caller:
    """The member behind a request, the header that says so, and the way to hear it hang up."""

    member: Member
    authorization: str
    receive: Receive

    async def run(self, read: Callable[[Member], T]) -> T:
        """Call `read` with the member in the pool, where it may use the database."""
        return await shared().run(read, self.member)

    async def until(
        self,
        read: Callable[[Member], T],
        *,
        enough: Callable[[T], bool],
        seconds: float,
        interest: Interest,
    ) -> T:
        """What `read` says as soon as that is `enough`, at the latest after `seconds`.

        Each reading looks at the token again, so a revoked one ends the wait with the refusal.
        """
        if seconds <= 0:
            return await self.run(read)
        loop = asyncio.get_running_loop()
        end = loop.time() + min(seconds, LONGEST)
        gone = asyncio.ensure_future(disconnected(self.receive))
        try:
            while True:
                async with waiting.watch(interest.team_id, interest.wants) as waiter:
                    found = await shared().run(self._read_again, read)
                    left = end - loop.time()
                    if enough(found) or left <= 0:
                        return found
                    news = asyncio.ensure_future(waiter.came(left))
                    await asyncio.wait([gone, news], return_when=asyncio.FIRST_COMPLETED)
                    news.cancel()
                    if gone.done():  # what is read now would reach nobody
                        return found
        finally:
            gone.cancel()

    def _read_again(self, read: Callable[[Member], T]) -> T:
        member, _ = seat_of_token(self.authorization.partition(" ")[2], via=VIA)
        return read(member)
