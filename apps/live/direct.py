"""Past the server's own framing: bytes that are alike for many sockets, written as they are.

A frame to a browser is not masked (RFC 6455, 5.1), so that one frame serves every socket. What is
reached for here is the inside of two servers; where it does not look as expected, or is busy, the
answer is False and ASGI's `send` does the work, as with any other server.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

Write = Callable[[bytes], bool]
DAPHNE = "daphne.ws_protocol"
UVICORN = "uvicorn.protocols.websockets.websockets_sansio_impl"
# What is reached for; a version that calls it otherwise is another server.
INSIDE = {
    DAPHNE: ("transport", "state", "STATE_OPEN", "send_queue"),
    UVICORN: ("transport", "handshake_complete", "close_sent", "writable"),
}


@lru_cache(maxsize=4)
def frame(text: str) -> bytes:
    """The whole text message as a server sends it (RFC 6455, 5.2); made once for many sockets."""
    payload = text.encode()
    size = len(payload)
    if size < 126:
        return struct.pack("!BB", 0x81, size) + payload
    if size < 1 << 16:
        return struct.pack("!BBH", 0x81, 126, size) + payload
    return struct.pack("!BBQ", 0x81, 127, size) + payload


def protocol_of(send: Any) -> Any:
    """The object of daphne or uvicorn behind an ASGI `send`; any other, or None, elsewhere."""
    if isinstance(send, partial):
        return send.args[0] if send.args else None
    return getattr(send, "__self__", None)


def writer(send: Any) -> Write | None:
    """What writes a frame at once to the socket behind an ASGI `send`; None for other servers."""
    protocol = protocol_of(send)
    server = type(protocol).__module__
    if server not in INSIDE or not all(hasattr(protocol, name) for name in INSIDE[server]):
        return None
    return partial(_daphne if server == DAPHNE else _uvicorn, protocol)


def _daphne(protocol: Any, data: bytes) -> bool:
    """Twisted would wait for the reactor's next round, with two system calls more a socket."""
    transport = protocol.transport
    is_plain = type(transport).__module__ == "twisted.internet.tcp" and not transport.TLS
    if not is_plain or protocol.state != protocol.STATE_OPEN or protocol.send_queue:
        return False
    if transport.disconnecting or unsent(transport):
        return False
    written = transport.writeSomeData(data)
    if not isinstance(written, int):  # lost; the next read tells the server
        return False
    if written < len(data):
        transport.write(data[written:])
    return True


def _uvicorn(protocol: Any, data: bytes) -> bool:
    if not protocol.handshake_complete or protocol.close_sent or not protocol.writable.is_set():
        return False
    if protocol.transport.is_closing():
        return False
    protocol.transport.write(data)
    return True


def unsent(transport: Any) -> int:
    """Bytes that wait in a server's own buffer, which ASGI does not show."""
    if transport is None:
        return 0
    if hasattr(transport, "get_write_buffer_size"):
        return int(transport.get_write_buffer_size())
    head = len(getattr(transport, "dataBuffer", b"")) - getattr(transport, "offset", 0)
    return int(head + getattr(transport, "_tempDataLen", 0))
