"""Frames made once, written past the framing of the servers that are known."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from autobahn.websocket.protocol import PreparedMessage
from websockets.sync.client import connect

from apps.live import direct
from tests.benchmarks import harness
from tests.live.greeter import SIZES


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 1_000_000])
def test_a_frame_is_what_a_server_would_send(size: int) -> None:
    text = "é" + "x" * (size - 2) if size > 1 else "x" * size
    made: Any = PreparedMessage(text.encode(), isBinary=False, applyMask=False, doNotCompress=True)
    assert len(text.encode()) == size
    assert direct.frame(text) == made.payloadHybi


def test_other_servers_and_wrapped_sends_are_left_to_asgi() -> None:
    async def send(message: dict[str, Any]) -> None:
        return None

    class Protocol:
        async def send(self, message: dict[str, Any]) -> None:
            return None

    for one in (send, partial(send), partial(send, Protocol()), Protocol().send):
        assert direct.writer(one) is None
    assert direct.unsent(None) == 0


@pytest.mark.parametrize("server", [direct.DAPHNE, direct.UVICORN])
def test_a_version_that_is_not_as_expected_inside_is_left_to_asgi(server: str) -> None:
    class Protocol:
        async def send(self, message: dict[str, Any]) -> None:
            return None

    def writer() -> direct.Write | None:
        one = Protocol()
        return direct.writer(partial(one.send, one) if server == direct.DAPHNE else one.send)

    Protocol.__module__ = server
    for name in direct.INSIDE[server]:
        assert writer() is None
        setattr(Protocol, name, None)
    assert writer() is not None


@pytest.fixture(params=["daphne", "uvicorn"])
def greeter(request: pytest.FixtureRequest) -> Iterator[harness.Server]:
    application = "tests.live.greeter:application"
    with harness.start_server(server=request.param, application=application) as running:
        yield running


@pytest.mark.server
def test_a_real_socket_is_written_to_at_once_and_in_order(greeter: harness.Server) -> None:
    address = greeter.url.replace("http", "ws")
    with connect(f"{address}/direct", proxy=None) as socket:
        assert [socket.recv(5), socket.recv(5)] == ["Grüße, “past the server”", "True"]
    with connect(f"{address}/many", proxy=None, max_size=None, max_queue=None) as socket:
        time.sleep(0.2)  # meanwhile nothing of the large one is taken
        texts = [socket.recv(10) for _ in SIZES]
        assert texts == [str(number) * size for number, size in enumerate(SIZES)]
    with connect(f"{address}/direct", proxy=None) as socket:  # the server is past the other's end
        assert socket.recv(5)
    assert "Traceback" not in greeter.log
