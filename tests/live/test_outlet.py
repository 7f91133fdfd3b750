"""A socket's way out: never blocks, keeps the order, gives up on who does not read."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from apps.live.outlet import Outlet


async def test_a_ready_socket_is_written_to_at_once() -> None:
    sent: list[str] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message["text"])

    outlet = Outlet(send)
    assert all(outlet.offer(text) for text in "abc")
    assert sent == ["a", "b", "c"]
    assert outlet.backlog == 0


async def test_a_busy_socket_gets_the_rest_later_in_order() -> None:
    sent: list[str] = []
    free = asyncio.Event()

    async def send(message: dict[str, Any]) -> None:
        await free.wait()
        await asyncio.sleep(0)
        sent.append(message["text"])

    outlet = Outlet(send)
    assert all(outlet.offer(text) for text in ("one", "two", "three"))
    assert (sent, outlet.backlog) == ([], 8)
    free.set()
    for _ in range(20):
        await asyncio.sleep(0)
    assert sent == ["one", "two", "three"]
    assert outlet.backlog == 0
    assert outlet.offer("four")


async def test_what_is_not_taken_is_bounded() -> None:
    async def send(message: dict[str, Any]) -> None:
        await asyncio.get_running_loop().create_future()

    outlet = Outlet(send, most_bytes=10)
    taken = [outlet.offer("xxxx") for _ in range(6)]
    assert taken == [True, True, True, True, False, False]
    outlet.abort()
    assert outlet.backlog == 0
    await asyncio.sleep(0)


async def test_the_buffer_of_a_twisted_transport_counts() -> None:
    class Transport:
        dataBuffer = b"x" * 30  # noqa: N815 as Twisted spells it
        offset = 10
        _tempDataLen = 5  # noqa: N815
        aborted = False

        def abortConnection(self) -> None:  # noqa: N802
            self.aborted = True

    class Protocol:
        transport = Transport()

    async def reply(protocol: Protocol, message: dict[str, Any]) -> None:
        return None

    outlet = Outlet(partial(reply, Protocol()), most_bytes=20)
    assert outlet.backlog == 25
    assert not outlet.offer("late")
    outlet.abort()
    assert Protocol.transport.aborted


async def test_a_failing_socket_does_not_reach_the_hub() -> None:
    async def send(message: dict[str, Any]) -> None:
        raise ConnectionError

    outlet = Outlet(send)
    assert not outlet.offer("text")
