"""A few long-lived threads that do synchronous work for the event loop, in order of arrival."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar, TypeVarTuple

from django.db import close_old_connections, connections

logger = logging.getLogger(__name__)

R = TypeVar("R")
Args = TypeVarTuple("Args")


def settle(future: asyncio.Future[R], result: R, *, unwanted: Callable[[], object]) -> None:
    """From any thread: give `future` its result; call `unwanted` if nobody waits for it."""

    def land() -> None:
        if future.cancelled():
            unwanted()
            return
        future.set_result(result)

    try:
        future.get_loop().call_soon_threadsafe(land)
    except RuntimeError:  # the loop is closed
        unwanted()


def fail(future: asyncio.Future[Any], error: BaseException) -> None:
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
        future.get_loop().call_soon_threadsafe(land)
    except RuntimeError:
        logger.error("Nobody waits for this failure any more.", exc_info=outcome)


class Lane:
    """Jobs on their way to whichever threads work here."""

    def __init__(self) -> None:
        self._jobs: SimpleQueue[Callable[[], object] | None] = SimpleQueue()

    def put(self, job: Callable[[], object]) -> None:
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
                fail(future, error)
            else:
                settle(future, result, unwanted=lambda: None)

        self._jobs.put(job)
        return future

    def work(self) -> None:
        """Do jobs in the calling thread until the lane ends for it."""
        while (job := self._jobs.get()) is not None:
            try:
                job()
            except BaseException:  # not even SystemExit may end a thread of the pool
                logger.exception("A job of the pool failed.")

    def end(self) -> None:
        """Let one thread stop working here once it has done what is queued."""
        self._jobs.put(None)


class Pool(Lane):
    """A lane with its own threads; each keeps its database connections from job to job."""

    def __init__(self, threads: int) -> None:
        super().__init__()
        self.threads = [
            threading.Thread(target=self._live, name=f"pool-{number}", daemon=True)
            for number in range(1, threads + 1)
        ]
        for thread in self.threads:
            thread.start()

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

    def _live(self) -> None:
        try:
            self.work()
        finally:
            connections.close_all()
