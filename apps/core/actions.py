"""`@action`: the one way to write. One transaction; on SQLite one writer at a time, in order."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import transaction

from apps.core.statements import here

P = ParamSpec("P")
R = TypeVar("R")


class Queue:
    """A lock handed over in arrival order, which `threading.Lock` does not promise.

    Who holds it may take it again: what a commit wakes runs inside the writer's turn.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._holder: int | None = None
        self._waiting: deque[tuple[int, threading.Lock]] = deque()

    def __len__(self) -> int:
        """How many wait; the one whose turn it is does not count."""
        return len(self._waiting)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for one's turn, hold it for the block."""
        me = threading.get_ident()
        if self._holder == me:
            yield
            return
        self._join(me)
        try:
            yield
        finally:
            self._leave()

    def _join(self, me: int) -> None:
        with self._guard:
            if self._holder is None:
                self._holder = me
                return
            ticket = threading.Lock()
            ticket.acquire()
            self._waiting.append((me, ticket))
        try:
            ticket.acquire()
        except BaseException:  # interrupted while waiting: a ticket nobody answers stops everyone
            self._give_up(me, ticket)
            raise

    def _give_up(self, me: int, ticket: threading.Lock) -> None:
        with self._guard:
            if (me, ticket) in self._waiting:
                self._waiting.remove((me, ticket))
                return
        self._leave()

    def _leave(self) -> None:
        with self._guard:
            if not self._waiting:
                self._holder = None
                return
            self._holder, ticket = self._waiting.popleft()
            ticket.release()


writers = Queue()


def action(function: Callable[P, R]) -> Callable[P, R]:
    """Run `function` in a transaction of its own, or in a savepoint of the action that calls it.

    It commits whole or not at all. SQLite admits one writer: without the queue a late one would
    poll for the file lock while newcomers overtake it.
    """

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        database = here()
        if database.in_atomic_block or database.vendor != "sqlite":
            with transaction.atomic():
                return function(*args, **kwargs)
        with writers.turn(), transaction.atomic():
            return function(*args, **kwargs)

    return run
