"""A few long-lived threads that do synchronous work for the event loop, in order of arrival.

A thread that gives the interpreter up to another one costs as much as a statement of the database,
so they change as seldom as can be: results land on the loop together, and where all work is done in
this process, as with SQLite, one thread does it and the others help out only where it is held up.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any, TypeVar, TypeVarTuple
from weakref import WeakKeyDictionary

from django.db import close_old_connections, connections

logger = logging.getLogger(__name__)

R = TypeVar("R")
Args = TypeVarTuple("Args")
Job = Callable[[], object]

# How long a result waits at most for others to land with, and after how long (once to twice that)
# a job counts as held up.
PULSE_SECONDS = 0.010


class Landing:
    """Callbacks on their way from threads to an event loop, several at one wake-up of it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._due: deque[Job] = deque()
        self._called = False

    def put(self, callback: Job, *, soon: bool) -> None:
        """Call `callback` on the loop, with those before it; if not `soon`, when somebody lands."""
        self._due.append(callback)
        if soon and not self._called:
            self._called = True
            self._loop.call_soon_threadsafe(self.land)

    def land(self) -> None:
        """On the loop: call what is due."""
        self._called = False  # first: who puts from now on calls again
        while self._due:
            callback = self._due.popleft()
            try:
                callback()
            except Exception:  # the others are owed theirs
                logger.exception("What a thread left for the event loop failed.")


_landings: WeakKeyDictionary[asyncio.AbstractEventLoop, Landing] = WeakKeyDictionary()


def landing(loop: asyncio.AbstractEventLoop) -> Landing:
    """The one landing of `loop`."""
    found = _landings.get(loop)
    return found or _landings.setdefault(loop, Landing(loop))


def tell(loop: asyncio.AbstractEventLoop, callback: Job) -> None:
    """From any thread: call `callback` on `loop`; from a job of the pool, before its result."""
    landing(loop).put(callback, soon=not isinstance(threading.current_thread(), Worker))


def settle(
    future: asyncio.Future[R], result: R, *, unwanted: Callable[[], object], soon: bool = True
) -> None:
    """From any thread: give `future` its result; call `unwanted` if nobody waits for it."""

    def land() -> None:
        if future.cancelled():
            unwanted()
            return
        future.set_result(result)

    try:
        landing(future.get_loop()).put(land, soon=soon)
    except RuntimeError:  # the loop is closed
        unwanted()


def fail(future: asyncio.Future[Any], error: BaseException, *, soon: bool = True) -> None:
    """From any thread: make whoever awaits `future` get `error`, as an `Exception` at any rate."""
    if isinstance(error, StopIteration) or not isinstance(error, Exception):
        # A future refuses the first; SystemExit and its like would end the event loop.
        error, cause = RuntimeError(f"{type(error).__name__} in a pool thread."), error
        error.__cause__ = cause
    outcome = error

    def land() -> None:
        if not future.cancelled():
            future.set_exception(outcome)

    try:
        landing(future.get_loop()).put(land, soon=soon)
    except RuntimeError:
        logger.error("Nobody waits for this failure any more.", exc_info=outcome)


class Lane:
    """Jobs on their way to whichever threads work here."""

    def __init__(self) -> None:
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()

    @property
    def is_last(self) -> bool:
        """Whether nothing waits behind what is done now."""
        return True

    def put(self, job: Job) -> None:
        """Have `job` called, its result ignored and its exception logged."""
        self._jobs.put(job)

    def submit(self, function: Callable[[*Args], R], *args: *Args) -> asyncio.Future[R]:
        """Have `function` called for the running loop; not at all if cancelled before its turn."""
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()

        def job() -> None:
            if future.cancelled():
                return
            try:
                result = function(*args)
            except BaseException as error:
                fail(future, error, soon=self.is_last)
            else:
                settle(future, result, unwanted=lambda: None, soon=self.is_last)

        self.put(job)
        return future

    def take(self) -> Job | None:
        """The next job, waited for; None where the lane ends for the calling thread."""
        return self._jobs.get()

    def work(self) -> None:
        """Do jobs in the calling thread until the lane ends for it."""
        while (job := self.take()) is not None:
            do(job)

    def end(self) -> None:
        """Let one thread stop working here once it has done what is queued."""
        self._jobs.put(None)


def do(job: Job) -> None:
    """Call `job`; not even SystemExit may end a thread of the pool."""
    try:
        job()
    except BaseException:
        logger.exception("A job of the pool failed.")


class Worker(threading.Thread):
    """A thread of the pool; it keeps its database connections from job to job."""

    def __init__(self, name: str, lane: Lane) -> None:
        super().__init__(name=name, daemon=True)
        self.lane = lane
        self.done = 0

    def run(self) -> None:
        """Work until the lane ends."""
        try:
            while (job := self.lane.take()) is not None:
                do(job)
                self.done += 1
        finally:
            connections.close_all()


class Pool(Lane):
    """A lane with its own threads, of which `eager` take jobs as they come.

    The others take over what waits while an eager one is held up. Only the event loop puts jobs.
    """

    def __init__(self, threads: int, *, eager: int | None = None) -> None:
        super().__init__()
        self._help = Lane()
        eager = min(threads, eager or threads)
        self.threads = [
            Worker(f"pool-{number}", self if number <= eager else self._help)
            for number in range(1, threads + 1)
        ]
        self._eager, self._helpers = self.threads[:eager], self.threads[eager:]
        self._put, self._did = 0, -1
        self._beating: asyncio.AbstractEventLoop | None = None
        for thread in self.threads:
            thread.start()

    @property
    def is_last(self) -> bool:
        """Whether nothing waits behind what is done now; else its result lands with the next."""
        return self._jobs.empty()

    def put(self, job: Job) -> None:
        """Have `job` called, its result ignored and its exception logged."""
        self._put += 1
        super().put(job)
        loop = asyncio.get_running_loop()
        if self._beating is not loop:
            self._beating, self._did = loop, -1
            loop.call_later(PULSE_SECONDS, self._pulse, loop)

    async def run(self, function: Callable[[*Args], R], *args: *Args) -> R:
        """Call a synchronous function that may use the database; its result or its exception."""

        def job() -> R:
            close_old_connections()
            return function(*args)

        return await self.submit(job)

    def close(self) -> None:
        """Wait until the threads did what is queued, closed their connections and ended."""
        for thread in self.threads:
            thread.lane.end()
        for thread in self.threads:
            thread.join()

    def _pulse(self, loop: asyncio.AbstractEventLoop) -> None:
        """While jobs are under way: land what waits to, and call for help where one is held up."""
        landing(loop).land()
        if self._beating is not loop:
            return
        if self._put == sum(thread.done for thread in self.threads):
            self._beating = None
            return
        did = sum(thread.done for thread in self._eager)
        if did == self._did and self._helpers:
            self._call_for_help()
        self._did = did
        loop.call_later(PULSE_SECONDS, self._pulse, loop)

    def _call_for_help(self) -> None:
        """Leave to the others all that waits."""
        try:
            while job := self._jobs.get_nowait():
                self._help.put(job)
            self.end()
        except Empty:
            pass
