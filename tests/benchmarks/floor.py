"""A bare asyncio websocket broadcast: the least that telling N browsers can cost.

    python tests/benchmarks/floor.py PORT

Every request that is not a handshake broadcasts its own body to all sockets and is answered 204.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import struct
import sys

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
sockets: set[asyncio.Transport] = set()


class Peer(asyncio.Protocol):
    """One connection: a socket after its handshake, else a sender."""

    def __init__(self) -> None:
        self.buffer = b""
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        assert self.transport is not None
        if self.transport in sockets:
            return
        self.buffer += data
        head, mark, body = self.buffer.partition(b"\r\n\r\n")
        lines = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if line)
        if not mark or len(body) < int(lines.get(b"content-length", b"0")):
            return
        self.buffer = b""
        if b"upgrade" in lines:
            key = head.split(b"Sec-WebSocket-Key: ")[1].split(b"\r\n")[0]
            accept = base64.b64encode(hashlib.sha1(key + GUID).digest())  # noqa: S324
            self.transport.write(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                b"Connection: Upgrade\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n"
            )
            sockets.add(self.transport)
            return
        size = len(body)
        length = bytes([size]) if size < 126 else b"\x7e" + struct.pack("!H", size)
        if size > 65535:
            length = b"\x7f" + struct.pack("!Q", size)
        frame = b"\x81" + length + body
        for transport in sockets:
            transport.write(frame)
        self.transport.write(b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n")

    def connection_lost(self, exc: Exception | None) -> None:
        sockets.discard(self.transport)  # type: ignore[arg-type]


async def main(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Peer, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
