"""Between server processes: "team 7 has news", and nothing more, over the channel layer."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable
from typing import Any

from channels.layers import InMemoryChannelLayer, get_channel_layer

log = logging.getLogger(__name__)
GROUP = "teams.news"
RETRY_SECONDS = 2.0


class Wire:
    """One subscription a process. Without a shared layer it does nothing: the hub's own check
    of the journal finds what other processes wrote."""

    def __init__(self, news: Callable[[int], None]) -> None:
        self._news = news
        self._me = uuid.uuid4().hex
        self._due: set[int] = set()
        self._telling: asyncio.Task[None] | None = None
        layer = get_channel_layer()
        self._layer: Any = None if isinstance(layer, InMemoryChannelLayer) else layer

    def tell(self, team_id: int) -> None:
        """Tell the other processes; several pieces of news while one is sent go as one."""
        if self._layer is None:
            return
        self._due.add(team_id)
        if self._telling is None:
            self._telling = asyncio.get_running_loop().create_task(self._tell())

    async def _tell(self) -> None:
        try:
            while self._due:
                due, self._due = self._due, set()
                message = {"type": "news", "teams": sorted(due), "from": self._me}
                await self._layer.group_send(GROUP, message)
        except Exception as error:
            log.warning("The channel layer took no news (%s); others will notice shortly.", error)
        finally:
            self._telling = None

    async def listen(self) -> None:
        """Pass on what other processes tell, for ever; a broken connection is tried again."""
        if self._layer is None:
            return
        while True:
            try:
                channel = await self._layer.new_channel()
                await self._layer.group_add(GROUP, channel)
                while True:
                    message = await self._layer.receive(channel)
                    if message["from"] != self._me:
                        for team_id in message["teams"]:
                            self._news(team_id)
            except asyncio.CancelledError:
                raise
            except Exception as error:
                log.warning("The channel layer is away (%s); trying again.", error)
                await asyncio.sleep(RETRY_SECONDS)
