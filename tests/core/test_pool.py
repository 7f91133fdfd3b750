"""Synchronous work from the event loop, outside of requests."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from apps.core.front import Front
from apps.core.pool import Landing, Pool, settle, tell
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


class Counted:
    """A loop that only counts how often it is woken."""

    def __init__(self) -> None:
        self.calls: list[Callable[[], object]] = []

    def is_closed(self) -> bool:
        return False

    def call_soon_threadsafe(self, callback: Callable[[], object]) -> None:
        self.calls.append(callback)


def test_several_land_at_one_wake_up(caplog: pytest.LogCaptureFixture) -> None:
    loop, landed = Counted(), []
    landing = Landing(loop)  # type: ignore[arg-type]
    landing.put(lambda: landed.append(1), soon=False)
    landing.put(lambda: landed.append(1 // 0), soon=False)
    assert not loop.calls
    landing.put(lambda: landed.append(3), soon=True)
    landing.put(lambda: landed.append(4), soon=True)
    assert len(loop.calls) == 1
    loop.calls[0]()
    assert landed == [1, 3, 4]
    assert "ZeroDivisionError" in caplog.text
    landing.put(lambda: landed.append(5), soon=True)
    assert len(loop.calls) == 2


def test_what_a_closed_loop_will_not_take_is_given_back() -> None:
    loop, unwanted = asyncio.new_event_loop(), []
    futures = [loop.create_future() for _ in range(3)]
    loop.close()
    for at, future in enumerate(futures):
        settle(future, at, unwanted=lambda: unwanted.append(1), soon=at > 0)
    assert len(unwanted) == 3


@pytest.fixture
async def woken(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What woke the running loop from other threads."""
    loop, calls = asyncio.get_running_loop(), []
    wake = loop.call_soon_threadsafe

    def count(callback: Callable[..., object], *args: object) -> object:
        calls.append(callback)
        return wake(callback, *args)

    monkeypatch.setattr(loop, "call_soon_threadsafe", count)
    return calls


async def test_results_that_wait_for_each_other_wake_the_loop_once(
    make_pool: Callable[..., Pool], woken: list[object]
) -> None:
    pool, gate = make_pool(1), threading.Event()
    jobs = [pool.submit(gate.wait, 10), *(pool.submit(int, str(at)) for at in range(40))]
    gate.set()
    assert await asyncio.gather(*jobs) == [True, *range(40)]
    assert len(woken) == 1


async def test_news_of_a_job_wakes_nobody_before_its_result(
    make_pool: Callable[..., Pool], woken: list[object]
) -> None:
    pool, loop, heard = make_pool(1), asyncio.get_running_loop(), []
    await pool.run(lambda: [tell(loop, lambda at=at: heard.append(at)) for at in range(5)])
    assert heard == list(range(5))
    assert len(woken) == 1


async def test_a_result_does_not_wait_for_a_last_job_without_one(
    make_pool: Callable[..., Pool],
) -> None:
    pool, gate = make_pool(1), threading.Event()
    result = pool.submit(gate.wait, 10)
    pool.put(lambda: None)
    gate.set()
    assert await asyncio.wait_for(result, 5)


async def test_another_leads_where_a_job_holds_the_lead_up(
    make_pool: Callable[..., Pool],
) -> None:
    pool, gate = make_pool(3, leading=1), threading.Event()
    held = [pool.submit(gate.wait, 10) for _ in range(2)]
    names = [await pool.run(lambda: threading.current_thread().name) for _ in range(3)]
    assert set(names) in ({"pool-2"}, {"pool-3"})
    assert not any(one.done() for one in held)
    gate.set()
    assert await asyncio.gather(*held) == [True, True]


async def test_who_was_held_up_leads_again_where_others_are(
    make_pool: Callable[..., Pool],
) -> None:
    pool, first, second = make_pool(2, leading=1), threading.Event(), threading.Event()
    one = pool.submit(first.wait, 10)
    await pool.run(int)
    two = pool.submit(second.wait, 10)
    behind = pool.submit(int, "7")
    first.set()
    assert await asyncio.wait_for(behind, 5) == 7
    assert await one
    assert not two.done()
    second.set()
    assert await two


async def test_one_thread_does_it_all_where_none_is_held_up(
    make_pool: Callable[..., Pool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.core.pool.PULSE_SECONDS", 60)  # on a slow machine all are held up
    pool = make_pool(4, leading=1)

    def work() -> str:
        threading.Event().wait(0.001)
        return threading.current_thread().name

    assert set(await asyncio.gather(*(pool.run(work) for _ in range(20)))) == {"pool-1"}


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
