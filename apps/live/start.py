"""What a server process runs beside its requests, begun once a loop."""

from __future__ import annotations

import asyncio

from apps.live.clock import Clock
from apps.live.hub import hub

_clocks: dict[asyncio.AbstractEventLoop, asyncio.Task[None]] = {}


def started() -> None:
    """Make sure that the hub and the clock of the running loop are going."""
    loop = asyncio.get_running_loop()
    if loop not in _clocks:
        _clocks[loop] = loop.create_task(Clock(hub()).run())
