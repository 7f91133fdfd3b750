"""A small ASGI application whose sockets are greeted, past the server where that is known."""

from __future__ import annotations

import asyncio
from typing import Any

from apps.live import direct
from apps.live.outlet import Outlet

SIZES = (5, 200, 70_000, *[900_000] * 6, 7)
"""Of the texts sent in a row, in characters: each form of length, and one that fills any buffer."""


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """At /direct one frame by hand; else through an outlet, more than a socket takes at once."""
    if scope["type"] != "websocket":
        return
    await receive()
    await send({"type": "websocket.accept"})
    if scope["path"] == "/direct":
        await asyncio.sleep(0.1)  # what accepts the socket is under way
        write = direct.writer(send)
        taken = write is not None and write(direct.frame("Grüße, “past the server”"))
        await send({"type": "websocket.send", "text": f"{taken}"})
    else:
        outlet = Outlet(send, most_bytes=8_000_000)
        for number, size in enumerate(SIZES):
            assert outlet.offer(str(number) * size)
    while (await receive())["type"] != "websocket.disconnect":
        pass
    write = direct.writer(send)
    assert write is None or not write(direct.frame("gone")), "written after the end"
