"""Writing to one socket without waiting for it, and knowing when it falls behind."""

from __future__ import annotations

import asyncio
import logging
import types
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Generator
from functools import partial
from typing import Any

from apps.live import direct

log = logging.getLogger(__name__)
Message = dict[str, Any]
Send = Callable[[Message], Awaitable[None]]

MOST_BYTES = 4 * 1024 * 1024


@types.coroutine
def _rest(step: Coroutine[Any, Any, None], waiting: Any) -> Generator[Any, Any, None]:
    """Go on with a coroutine whose first step was already taken and waits for `waiting`."""
    while True:
        try:
            value = yield waiting
        except BaseException as error:
            proceed = partial(step.throw, error)
        else:
            proceed = partial(step.send, value)
        try:
            waiting = proceed()
        except StopIteration:
            return


class Outlet:
    """A socket's way out. `offer` never blocks; what the client does not take is bounded.

    A task for every socket at every message would cost more than the writing itself, so the
    server's `send` is taken through its first step here, and that is nearly always all of it.
    """

    def __init__(self, send: Send, *, most_bytes: int = MOST_BYTES) -> None:
        self._send = send
        self._most = most_bytes
        self._queue: deque[str] = deque()
        self._queued = 0
        self._writer: asyncio.Task[None] | None = None
        self._direct = direct.writer(send)
        self._transport = getattr(direct.protocol_of(send), "transport", None)

    def offer(self, text: str) -> bool:
        """Write `text`, or queue it behind what is being written; False: too slow, or gone."""
        if self.backlog > self._most:
            return False
        if self._writer is not None:
            self._queue.append(text)
            self._queued += len(text)
            return True
        if self._direct is not None and self._direct(direct.frame(text)):
            return True
        step: Any = self._send({"type": "websocket.send", "text": text})
        try:
            waiting = step.send(None)
        except StopIteration:
            return True
        except Exception:  # whatever this server says of a socket that is no more
            return False
        self._writer = asyncio.create_task(self._write_on(step, waiting))
        return True

    @property
    def backlog(self) -> int:
        """Bytes that the client has not taken yet, as far as this process can see."""
        return self._queued + direct.unsent(self._transport)

    def abort(self) -> None:
        """Cut the connection at once: a close frame would queue behind what is not taken."""
        if self._writer is not None:
            self._writer.cancel()
        self._queue.clear()
        self._queued = 0
        for name in ("abortConnection", "abort"):  # Twisted's, and asyncio's
            if hasattr(self._transport, name):
                getattr(self._transport, name)()
                return

    async def _write_on(self, step: Any, waiting: Any) -> None:
        try:
            await _rest(step, waiting)
            while self._queue:
                text = self._queue.popleft()
                self._queued -= len(text)
                await self._send({"type": "websocket.send", "text": text})
        except Exception as error:
            log.debug("A socket went away while it was written to: %s", error)
        finally:
            self._writer = None
