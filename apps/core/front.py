"""Django's synchronous request path behind an ASGI server.

Django's own ASGI handler makes a thread and a database connection for every request. Here the
event loop reads the body and writes the answer, and threads that live on do the work between.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import cache, partial
from os import SEEK_END
from typing import IO, Any, NamedTuple, TypeVar, TypeVarTuple

from django.conf import settings
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.core.signals import request_started
from django.db import connection
from django.http import FileResponse, HttpRequest
from django.urls import set_script_prefix

from apps.core.bodies import Message, Receive, Send, read_body
from apps.core.pool import Lane, Pool, fail, settle

R = TypeVar("R")
Args = TypeVarTuple("Args")

STALL_SECONDS = 60  # A client that takes no chunk for so long is given up.


class Stream:
    """A streaming response whose chunks are made in `lane` as the loop asks for them."""

    def __init__(self, response: Any, pool: Pool) -> None:
        self.response = response
        # A file can be read by any thread, so that a slow download holds none. Another iterator
        # may hold a database cursor, which is bound to its thread: that one stays to the end.
        self.bound = getattr(response, "file_to_stream", None) is None
        self.lane: Lane = Lane() if self.bound else pool

    def close(self) -> None:
        """Have the response closed after the chunk that is being made, if any."""
        self.lane.put(self.response.close)
        if self.bound:
            self.lane.end()

    async def send(self, receive: Receive, send: Send) -> None:
        """Send chunk by chunk, none made before the last is sent, until the client is gone."""
        gone = asyncio.ensure_future(disconnected(receive))
        try:
            chunks = await self.lane.submit(iter, self.response)
            more = True
            while more and not gone.done():
                chunk = await self.lane.submit(next, chunks, None)
                more = chunk is not None
                message = {"type": "http.response.body", "body": chunk or b"", "more_body": more}
                async with asyncio.timeout(STALL_SECONDS):
                    await send(message)
        finally:
            gone.cancel()


class Reply(NamedTuple):
    """What a pool thread made of a request."""

    start: Message
    body: bytes = b""
    stream: Stream | None = None

    def close(self) -> None:
        """Release what a stream holds; anything else is closed already."""
        if self.stream:
            self.stream.close()


class Front(ASGIHandler):
    """An ASGI application for HTTP that serves synchronous views in `pool`."""

    def __init__(self, threads: int | None = None) -> None:
        self.load_middleware()
        # SQLite does its work in the thread that asks: two at once would mostly take turns.
        leading = 1 if connection.vendor == "sqlite" else None
        self.pool = Pool(threads or settings.HTTP_THREADS, leading=leading)
        self._open = 0

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request; a body over its limit gets 413 before it is kept anywhere."""
        if scope["type"] != "http":
            raise ValueError(f"This serves HTTP only, not {scope['type']}.")
        body = await read_body(scope, receive, send)
        reply = await self._reply(scope, body, receive) if body else None
        if not reply:
            return
        try:
            await send(reply.start)
            if reply.stream:
                await reply.stream.send(receive, send)
                return
            await send({"type": "http.response.body", "body": reply.body})
        finally:
            reply.close()

    async def run(self, function: Callable[[*Args], R], *args: *Args) -> R:
        """Call a synchronous function in the pool, where it may use the database."""
        return await self.pool.run(function, *args)

    async def _reply(self, scope: Message, body: IO[bytes], receive: Receive) -> Reply | None:
        """Queue the request and await its reply; None if the client left before its turn."""
        reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self.pool.put(partial(self._serve, scope, body, reply))
        self._open += 1
        gone = None
        if self._open > len(self.pool.threads):  # watching costs, so only where many wait
            gone = asyncio.ensure_future(disconnected(receive))
            gone.add_done_callback(lambda _: reply.cancel())
        try:
            return await reply
        except asyncio.CancelledError:
            if gone and gone.done():
                return None
            raise
        finally:
            self._open -= 1
            if gone:
                gone.cancel()

    def _serve(self, scope: Message, body: IO[bytes], future: asyncio.Future[Reply]) -> None:
        """In a pool thread: the whole of a request, up to the closed response."""
        with body:
            if future.cancelled():
                return
            try:
                reply = self._respond(scope, body)
            except BaseException as error:
                fail(future, error, soon=self.pool.is_last)
                return
            settle(future, reply, unwanted=reply.close, soon=self.pool.is_last)
            if reply.stream and reply.stream.bound:
                reply.stream.lane.work()

    def _respond(self, scope: Message, body: IO[bytes]) -> Reply:
        set_script_prefix(get_script_prefix(scope))
        request_started.send(sender=type(self), scope=scope)
        request, refusal = self.create_request(scope, body)
        if request and "HTTP_TRANSFER_ENCODING" in request.META:
            # Django takes a form of unknown size for an empty one.
            request.META.setdefault("CONTENT_LENGTH", str(body.seek(0, SEEK_END)))
            body.seek(0)
        response: Any = self.get_response(request) if request else refusal
        response._handler_class = type(self)
        if isinstance(response, FileResponse):
            response.block_size = self.chunk_size
        stream = None
        try:
            start = response_start(response)
            if response.streaming and scope["method"] != "HEAD":
                stream = Stream(response, self.pool)
                return Reply(start, stream=stream)
            return Reply(start, b"" if scope["method"] == "HEAD" else response.content)
        finally:
            if not stream:
                response.close()
                if request:
                    forget(request)


@cache
def shared() -> Front:
    """The front of this process, made at the first call, when Django is set up."""
    return Front()


def response_start(response: Any) -> Message:
    """Status and headers, a `Set-Cookie` line for each cookie."""
    headers = [(name.encode("ascii"), text.encode("latin-1")) for name, text in response.items()]
    for cookie in response.cookies.values():
        headers.append((b"Set-Cookie", cookie.output(header="").strip().encode("ascii")))
    return {"type": "http.response.start", "status": response.status_code, "headers": headers}


def forget(request: HttpRequest) -> None:
    """Free what an answered request holds.

    Its user and its session refer back to it, so that all would stay until garbage is looked for,
    and the next request take memory that is cold.
    """
    vars(request).clear()


async def disconnected(receive: Receive) -> None:
    """Return once the client is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
