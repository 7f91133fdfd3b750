"""The other end of a websocket, as thin as it can be: so that the server is measured, not this."""

from __future__ import annotations

import asyncio
import base64
import os
import struct
import time
from collections.abc import Callable
from urllib.parse import urlsplit


class Socket(asyncio.Protocol):
    """A client that counts frames and calls `heard(socket, payload)` for each."""

    def __init__(self, request: bytes, heard: Callable[[Socket, bytes], None]) -> None:
        self.request = request
        self.heard = heard
        self.buffer = bytearray()
        self.open: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self.closed = False
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if not self.open.done():
            head, mark, rest = bytes(self.buffer).partition(b"\r\n\r\n")
            if not mark:
                return
            if b" 101 " not in head.split(b"\r\n")[0]:
                self.open.set_exception(ConnectionError(head.decode("latin-1")))
                return
            self.open.set_result(time.perf_counter())
            self.buffer = bytearray(rest)
        while (frame := self._frame()) is not None:
            opcode, payload = frame
            if opcode == 1:
                self.heard(self, payload)
            elif opcode == 9 and self.transport:
                self.transport.write(b"\x8a\x80" + os.urandom(4))
            elif opcode == 8:
                self.closed = True

    def _frame(self) -> tuple[int, bytes] | None:
        buffer = self.buffer
        if len(buffer) < 2:
            return None
        size, start = buffer[1] & 127, 2
        if size == 126:
            if len(buffer) < 4:
                return None
            size, start = struct.unpack_from("!H", buffer, 2)[0], 4
        elif size == 127:
            if len(buffer) < 10:
                return None
            size, start = struct.unpack_from("!Q", buffer, 2)[0], 10
        if len(buffer) < start + size:
            return None
        opcode, payload = buffer[0] & 15, bytes(buffer[start : start + size])
        del buffer[: start + size]
        return opcode, payload

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        if not self.open.done():
            self.open.set_exception(ConnectionError("closed before it was open"))

    def close(self) -> None:
        if self.transport:
            self.transport.abort()


async def open_socket(
    url: str, path: str, heard: Callable[[Socket, bytes], None], *, headers: str = ""
) -> Socket:
    """Connect and finish the handshake."""
    address = urlsplit(url)
    key = base64.b64encode(os.urandom(16)).decode()
    request = (
        f"GET {path} HTTP/1.1\r\nHost: {address.netloc}\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
        f"{headers}\r\n"
    ).encode()
    loop = asyncio.get_running_loop()
    _, socket = await loop.create_connection(
        lambda: Socket(request, heard), address.hostname, address.port
    )
    await socket.open
    return socket
