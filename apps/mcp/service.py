"""The SDK's server, brought up by the first request: its modules are many, and daphne tells no
application when it starts."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING

from apps.core.front import shared

if TYPE_CHECKING:
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

    Starting = asyncio.Future[StreamableHTTPSessionManager]

log = logging.getLogger(__name__)
_services: dict[asyncio.AbstractEventLoop, Starting] = {}
_running: dict[asyncio.AbstractEventLoop, asyncio.Task[None]] = {}


async def service() -> StreamableHTTPSessionManager:
    """The session manager of the running loop, which runs from now on."""
    loop = asyncio.get_running_loop()
    if loop not in _services:
        _services[loop] = loop.create_future()
        _running[loop] = loop.create_task(_run(_services[loop]))
    return await asyncio.shield(_services[loop])


async def _run(starting: Starting) -> None:
    """Hold the manager open as long as the loop lives; the loop goes on while it is imported."""
    try:
        server = await shared().run(import_module, "apps.mcp.server")
        manager = server.new_manager()
        async with manager.run():
            starting.set_result(manager)
            await asyncio.get_running_loop().create_future()
    except Exception as error:  # whoever waits for the service hears why there is none
        _services.pop(asyncio.get_running_loop(), None)
        if starting.done():
            log.exception("The MCP service ended; the next request starts another one.")
        else:
            starting.set_exception(error)


async def close() -> None:
    """Stop the service of the running loop; only tests need it."""
    loop = asyncio.get_running_loop()
    _services.pop(loop, None)
    if task := _running.pop(loop, None):
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
