"""The one ASGI application: pages and REST in a pool of threads, sockets and waits on the loop."""

from __future__ import annotations

import gc
import os
from typing import Any

from django.core.asgi import get_asgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "teams_site.settings")
get_asgi_application()

from apps.core.server import prepare_daphne  # noqa: E402
from apps.live import gate, sockets  # noqa: E402
from apps.live.start import started  # noqa: E402
from apps.mcp import door  # noqa: E402

prepare_daphne()

# Code that is loaded stays to the end: looking through all of it for garbage now and again would
# stop every request for a tenth of a second.
get_resolver().check()
gc.collect()
gc.freeze()


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Route by protocol."""
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
        return
    started()
    if scope["type"] == "websocket":
        await sockets.application(scope, receive, send)
        return
    if scope["path"] in door.PATHS:
        await door.application(scope, receive, send)
        return
    await gate.application(scope, receive, send)


async def lifespan(receive: Any, send: Any) -> None:
    """Servers that announce start and end are answered; daphne does not."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            started()
            await send({"type": "lifespan.startup.complete"})
        else:
            await send({"type": "lifespan.shutdown.complete"})
            return
