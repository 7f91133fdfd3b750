"""Synchronous work from the event loop, outside of requests."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable

import pytest

from apps.core.front import Front
from tests.core.front_site import seen


async def test_run_gives_results_and_exceptions(front: Front) -> None:
    def name(prefix: str) -> str:
        return prefix + threading.current_thread().name

    assert (await front.run(name, "in ")).startswith("in pool-")
    with pytest.raises(ValueError, match="invalid literal"):
        await front.run(int, "x")
    with pytest.raises(RuntimeError, match="StopIteration"):
        await front.run(next, iter(()))
    with pytest.raises(RuntimeError, match="SystemExit"):
        await front.run(sys.exit)
    assert await front.run(int, "7") == 7


async def test_what_is_cancelled_before_its_turn_is_never_run(
    make_front: Callable[[int], Front],
) -> None:
    front = make_front(1)
    ran: list[int] = []
    hold = asyncio.create_task(front.run(seen["gate"].wait, 10))
    await asyncio.sleep(0.02)
    late = asyncio.create_task(front.run(ran.append, 1))
    await asyncio.sleep(0.02)
    late.cancel()
    await asyncio.gather(late, return_exceptions=True)
    seen["gate"].set()
    await hold
    await front.run(ran.append, 2)
    assert ran == [2]
