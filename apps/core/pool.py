"""A few long-lived threads that do synchronous work for the event loop, in order of arrival.

To give the interpreter from one thread to another costs as much as a statement of the database, so
it is done as seldom as can be. Results land on the loop together. And where all work is done in
this process, as with SQLite, one thread leads and takes the jobs; another one takes the lead only
where a job holds it up.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, NamedTuple, TypeVar, TypeVarTuple

from django.db import close_old_connections, connections

logger = logging.getLogger(__name__)

R = TypeVar("R")
Args = TypeVarTuple("Args")
Job = Callable[[], object]

# How long a result waits at most for others to land with, and how long (once to twice that) a job
# may keep others waiting before another thread takes the lead.
PULSE_SECONDS = 0.010


class Landing:
    """Callbacks on their way from threads to an event loop, several at one wake-up of it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._due: deque[Job] = deque()
        self._called = False

    def put(self, callback: Job, *, soon: bool) -> None:
        """Call `callback` on the loop, with those before it; if not `soon`, when somebody lands.

        RuntimeError where the loop is closed.
        """
        if self._loop.is_closed():
            raise RuntimeError("The event loop is closed.")
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


_landings: dict[asyncio.AbstractEventLoop, Landing] = {}


def landing(loop: asyncio.AbstractEventLoop) -> Landing:
    """The one landing of `loop`."""
    found = _landings.get(loop)
    if found is None:
        for other in list(_landings):
            if other.is_closed():
                _landings.pop(other, None)
        found = _landings.setdefault(loop, Landing(loop))
    return found


def tell(loop: asyncio.AbstractEventLoop, callback: Job) -> None:
    """From any thread: call `callback` on `loop`; from a job of the pool, before its result."""
    thread = threading.current_thread()
    waits = isinstance(thread, Worker) and thread.pool.beats_for(loop)
    landing(loop).put(callback, soon=not waits)


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
    """A thread of the pool; it keeps its database connections from job to job.

    It works while it leads. `done` grows after the result of a job was put.
    """

    def __init__(self, name: str, pool: Pool) -> None:
        super().__init__(name=name, daemon=True)
        self.pool = pool
        self.leads = False
        self.begun = self.done = 0

    def run(self) -> None:
        """Work until the pool ends."""
        try:
            while self._lead():
                pass
        finally:
            connections.close_all()

    def _lead(self) -> bool:
        """Wait for the lead and do jobs until it is lost; False where the pool ends."""
        self.pool.turns.acquire()
        self.leads = True
        while self.leads:
            job = self.pool.take()
            if job is None:
                self.pool.turns.release()
                return False
            self.begun += 1
            do(job)
            self.done += 1
        return True


class Beat(NamedTuple):
    """How many jobs each thread had begun and done at a pulse."""

    begun: list[int]
    done: list[int]


class Pool(Lane):
    """A lane with its own threads, of which `leading` take jobs at a time; all, if not given.

    Only an event loop puts jobs.
    """

    def __init__(self, threads: int, *, leading: int | None = None) -> None:
        super().__init__()
        self.turns = threading.Semaphore(min(threads, leading or threads))
        self.threads = [Worker(f"pool-{number}", self) for number in range(1, threads + 1)]
        self._put = 0
        self._beats: dict[asyncio.AbstractEventLoop, Beat | None] = {}
        for thread in self.threads:
            thread.start()

    @property
    def is_last(self) -> bool:
        """Whether nothing waits behind what is done now; else its result lands with the next."""
        return self._jobs.empty()

    def beats_for(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Whether what is left for `loop` lands within a pulse."""
        return loop in self._beats

    def put(self, job: Job) -> None:
        """Have `job` called, its result ignored and its exception logged."""
        loop = asyncio.get_running_loop()
        self._put += 1
        super().put(job)
        if loop not in self._beats:
            self._beats[loop] = None
            loop.call_later(PULSE_SECONDS, self._pulse, loop)

    async def run(self, function: Callable[[*Args], R], *args: *Args) -> R:
        """Call a synchronous function that may use the database; its result or its exception."""

        def job() -> R:
            close_old_connections()
            return function(*args)

        return await self.submit(job)

    def close(self) -> None:
        """Wait until the threads did what is queued, closed their connections and ended."""
        for _ in self.threads:
            self.end()
        for thread in self.threads:
            thread.join()

    def _pulse(self, loop: asyncio.AbstractEventLoop) -> None:
        """While jobs are under way: land what waits to, and pass the lead on where one is held."""
        now = Beat([one.begun for one in self.threads], [one.done for one in self.threads])
        landing(loop).land()  # after counting: what was done by then has been put
        if sum(now.done) == self._put:
            del self._beats[loop]
            return
        before, self._beats[loop] = self._beats[loop], now
        if before and not self.is_last:
            self._pass_on(before, now)
        loop.call_later(PULSE_SECONDS, self._pulse, loop)

    def _pass_on(self, before: Beat, now: Beat) -> None:
        """Take the lead from whoever is at the same job as before."""
        for at, thread in enumerate(self.threads):
            if thread.leads and before.begun[at] == now.begun[at] > now.done[at]:
                thread.leads = False
                self.turns.release()
