"""Synchronous work from the event loop, outside of requests."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from apps.core.front import Front
from apps.core.pool import Landing, Pool, tell
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


@pytest.fixture
def make_pool() -> Iterator[Callable[..., Pool]]:
    """Pools that end with the test."""
    pools: list[Pool] = []

    def make(threads: int, **options: int) -> Pool:
        pools.append(Pool(threads, **options))
        return pools[-1]

    yield make
    for pool in pools:
        pool.close()


async def test_several_land_at_one_wake_up(caplog: pytest.LogCaptureFixture) -> None:
    loop = asyncio.get_running_loop()
    calls: list[Callable[[], object]] = []
    landed: list[int] = []

    class Counting:
        def call_soon_threadsafe(self, callback: Callable[[], object]) -> None:
            calls.append(callback)

    landing = Landing(Counting())  # type: ignore[arg-type]
    landing.put(lambda: landed.append(1), soon=False)
    landing.put(lambda: landed.append(1 // 0), soon=False)
    assert not calls
    landing.put(lambda: landed.append(3), soon=True)
    landing.put(lambda: landed.append(4), soon=True)
    assert len(calls) == 1
    await loop.run_in_executor(None, calls[0])
    assert landed == [1, 3, 4]
    assert "ZeroDivisionError" in caplog.text
    landing.put(lambda: landed.append(5), soon=True)
    assert len(calls) == 2


async def test_others_help_where_the_eager_thread_is_held_up(
    make_pool: Callable[..., Pool],
) -> None:
    pool, gate = make_pool(3, eager=1), threading.Event()
    held = [pool.submit(gate.wait, 10) for _ in range(2)]
    names = [await pool.run(lambda: threading.current_thread().name) for _ in range(3)]
    assert set(names) in ({"pool-2"}, {"pool-3"})
    assert not any(one.done() for one in held)
    gate.set()
    assert await asyncio.gather(*held) == [True, True]


async def test_one_thread_does_it_all_where_none_is_held_up(make_pool: Callable[..., Pool]) -> None:
    pool = make_pool(4, eager=1)
    names = await asyncio.gather(
        *(pool.run(lambda: threading.current_thread().name) for _ in range(50))
    )
    assert set(names) == {"pool-1"}


async def test_a_result_waits_for_others_but_for_no_long_job(
    make_pool: Callable[..., Pool],
) -> None:
    pool, first, second = make_pool(1), threading.Event(), threading.Event()
    jobs = [pool.submit(first.wait, 10), pool.submit(int, "7"), pool.submit(second.wait, 10)]
    first.set()
    assert await asyncio.wait_for(asyncio.shield(jobs[1]), 5) == 7
    assert jobs[0].done()
    assert not jobs[2].done()
    second.set()
    assert await jobs[2]


async def test_what_a_job_tells_comes_before_its_result(make_pool: Callable[..., Pool]) -> None:
    pool, loop, heard = make_pool(1), asyncio.get_running_loop(), []
    assert await pool.run(lambda: tell(loop, lambda: heard.append("news"))) is None
    assert heard == ["news"]
    thread = threading.Thread(target=tell, args=(loop, lambda: heard.append("more")))
    thread.start()
    thread.join()
    while len(heard) < 2:
        await asyncio.sleep(0)
    assert heard == ["news", "more"]
