"""Many threads at one moment, each with a database connection of its own."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

from django.db import connection

T = TypeVar("T")
PROCESSES = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
# PostgreSQL lets a hundred clients in, and these threads are not the only ones.
AT_ONCE = threading.BoundedSemaphore(min(40, 60 // PROCESSES))


def together(works: Sequence[Callable[[], T]], *, timeout: float = 60) -> list[T | Exception]:
    """What each of `works` returned or raised, all begun at once, in the order of `works`."""
    results: list[T | Exception | None] = [None] * len(works)
    gate = threading.Barrier(len(works) + 1)
    crowded = connection.vendor == "postgresql"

    def run(index: int) -> None:
        gate.wait(timeout)
        if crowded:
            AT_ONCE.acquire()
        try:
            results[index] = works[index]()
        except Exception as error:
            results[index] = error
        finally:
            connection.close()
            if crowded:
                AT_ONCE.release()

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(works))]
    for thread in threads:
        thread.start()
    gate.wait(timeout)
    for thread in threads:
        thread.join(timeout)
    assert not any(thread.is_alive() for thread in threads), "some never came back"
    return [result for result in results if result is not None]
