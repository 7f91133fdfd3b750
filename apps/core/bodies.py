"""Request bodies: read into a file up to a limit, refused beyond it without being kept."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import ExitStack, suppress
from tempfile import SpooledTemporaryFile
from typing import IO, Any, TypeAlias

from django.conf import settings
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import get_script_prefix

from apps.core.errors import TooLarge

Message: TypeAlias = Mapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

MIB = 1024 * 1024
# Clients that read no answer before all is sent would see a reset; beyond this they may.
DRAIN_BYTES, DRAIN_SECONDS = 64 * MIB, 30
PAGE = """<!doctype html>
<html lang="en">
<meta name="viewport" content="width=device-width">
<title>Too large</title>
<h1>Too large</h1>
<p>{message}</p>
<p>Go back, and send less at once.</p>
</html>
"""


async def incoming(receive: Receive) -> AsyncIterator[bytes]:
    """The body in the pieces it comes in; `RequestAborted` once the client is gone."""
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise RequestAborted
        yield message.get("body", b"")
        more = message.get("more_body", False)


async def read_body(scope: Message, receive: Receive, send: Send) -> IO[bytes] | None:
    """The body, on disk if it is large; None if the client left or had to be refused."""
    headers = dict(scope["headers"])
    upload = headers.get(b"content-type", b"").lower().startswith(b"multipart/form-data")
    limit = (settings.MAX_UPLOAD_MB + 1) * MIB if upload else settings.MAX_BODY_BYTES
    declared = headers.get(b"content-length", b"")
    pieces = incoming(receive)
    with suppress(RequestAborted):
        fits = not declared.isdigit() or int(declared) <= limit
        if fits and (body := await keep(pieces, limit)):
            return body
        await refuse(scope, pieces, send)
    return None


async def keep(pieces: AsyncIterator[bytes], limit: int) -> IO[bytes] | None:
    """`pieces` in a temporary file; None, and nothing kept, once they pass `limit` bytes."""
    with ExitStack() as otherwise:
        memory = settings.FILE_UPLOAD_MAX_MEMORY_SIZE
        body = otherwise.enter_context(SpooledTemporaryFile(max_size=memory))
        size = 0
        async for piece in pieces:
            size += len(piece)
            if size > limit:
                return None
            body.write(piece)
        body.seek(0)
        otherwise.pop_all()
        return body


async def refuse(scope: Message, pieces: AsyncIterator[bytes], send: Send) -> None:
    """Answer 413 at once, then take what the client still sends, within reason."""
    start, body = too_large(scope)
    await send(start)
    await send({"type": "http.response.body", "body": body, "more_body": True})
    taken = 0
    with suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_SECONDS):
            async for piece in pieces:
                taken += len(piece)
                if taken > DRAIN_BYTES:
                    break
    await send({"type": "http.response.body"})


def too_large(scope: Message) -> tuple[Message, bytes]:
    """The answer to a body over the limit: JSON for programs, a page for people."""
    error = TooLarge(
        f"A file may have up to {settings.MAX_UPLOAD_MB} MB,"
        f" any other request up to {settings.MAX_BODY_BYTES / MIB:g} MB.",
        hint="Send less at once; files go as multipart/form-data.",
    )
    path = scope["path"].removeprefix(get_script_prefix(scope))
    kind, text = "text/html; charset=utf-8", PAGE.format(message=error.message)
    if path.startswith(("/api/", "/mcp")):
        kind, text = "application/json", json.dumps(error.as_dict())
    body = text.encode()
    headers = {
        "Content-Type": kind,
        "Content-Length": str(len(body)),
        "Content-Security-Policy": settings.CONTENT_SECURITY_POLICY,
        "Connection": "close",
    }
    lines = [(name.encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http.response.start", "status": error.status, "headers": lines}, body
