"""One way to write: whole or not at all, one writer at a time on SQLite, in arrival order."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from django.db import connection, transaction

from apps.core.actions import Queue, action, writers
from apps.teams.models import User


@action
def register(*names: str, fail: str = "") -> int:
    """Make accounts, and fail after them where asked to."""
    for name in names:
        User.objects.create(username=name)
    if fail:
        raise ValueError(fail)
    return len(names)


@action
def register_both(first: str, second: str, *, fail: str = "") -> None:
    """One action that calls another one and survives its failure."""
    register(first)
    try:
        register(second, fail=fail)
    except ValueError:
        return


def names() -> set[str]:
    return set(User.objects.values_list("username", flat=True))


def test_an_action_commits_and_returns_what_its_function_returns(db: None) -> None:
    assert register("hal", "iris") == 2
    assert names() == {"hal", "iris"}


def test_an_action_that_fails_leaves_nothing(db: None) -> None:
    with pytest.raises(ValueError, match="no"):
        register("hal", "iris", fail="no")
    assert names() == set()


def test_an_inner_action_is_undone_alone(db: None) -> None:
    register_both("hal", "iris", fail="no")
    assert names() == {"hal"}


def test_an_action_keeps_its_name_and_docstring() -> None:
    assert register.__name__ == "register"
    assert register.__doc__ is not None
    assert register.__doc__.startswith("Make accounts")


@pytest.mark.django_db(transaction=True)
def test_on_sqlite_an_action_holds_the_turn_until_its_commit(monkeypatch: Any) -> None:
    turns: list[bool] = []
    real = Queue.turn

    def watched(queue: Queue) -> Any:
        turns.append(connection.in_atomic_block)
        return real(queue)

    monkeypatch.setattr(Queue, "turn", watched)
    register_both("hal", "iris")
    expected = [False] if connection.vendor == "sqlite" else []
    assert turns == expected  # once, before the transaction; the inner actions do not queue


@pytest.mark.django_db(transaction=True)
def test_what_a_commit_wakes_may_write() -> None:
    @action
    def chain() -> None:
        register("hal")
        transaction.on_commit(lambda: register("iris"))

    chain()
    assert names() == {"hal", "iris"}
    assert len(writers) == 0


def waiter(queue: Queue, order: list[int], number: int) -> threading.Thread:
    def run() -> None:
        with queue.turn():
            order.append(number)

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def wait_for_length(queue: Queue, length: int) -> None:
    deadline = time.monotonic() + 5
    while len(queue) < length:
        assert time.monotonic() < deadline, "nobody queued"
        time.sleep(0.001)


def test_turns_come_in_arrival_order() -> None:
    queue, order = Queue(), list[int]()
    threads = []
    with queue.turn():
        for number in range(20):
            threads.append(waiter(queue, order, number))
            wait_for_length(queue, number + 1)
        assert order == []
    for thread in threads:
        thread.join(5)
    assert order == list(range(20))
    assert len(queue) == 0


def test_only_one_holds_the_turn() -> None:
    queue, inside, most = Queue(), 0, 0

    def run() -> None:
        nonlocal inside, most
        for _ in range(50):
            with queue.turn():
                inside += 1
                most = max(most, inside)
                time.sleep(0)
                inside -= 1

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert most == 1
    assert inside == 0


def test_who_holds_the_turn_may_take_it_again() -> None:
    queue = Queue()
    with queue.turn(), queue.turn():
        assert len(queue) == 0
    order: list[int] = []
    waiter(queue, order, 1).join(5)
    assert order == [1]


def test_a_failure_inside_hands_the_turn_on() -> None:
    queue, order = Queue(), list[int]()
    threads: list[threading.Thread] = []

    def fail() -> None:
        with queue.turn():
            threads.append(waiter(queue, order, 1))
            wait_for_length(queue, 1)
            raise RuntimeError("boom")

    with pytest.raises(RuntimeError, match="boom"):
        fail()
    threads[0].join(5)
    assert order == [1]


class Interrupting:
    """A ticket whose wait is interrupted, before or after its turn came."""

    def __init__(self, queue: Queue, release_first: threading.Event | None) -> None:
        self.queue, self.release_first = queue, release_first
        self.taken = False

    def acquire(self) -> bool:
        if not self.taken:
            self.taken = True
            return True
        if self.release_first is not None:
            self.release_first.set()
            deadline = time.monotonic() + 5
            while len(self.queue) and time.monotonic() < deadline:
                time.sleep(0.001)
        raise KeyboardInterrupt

    def release(self) -> None:
        pass


@pytest.mark.parametrize("late", ["while waiting", "when it came"])
def test_an_interrupted_wait_does_not_stop_the_others(late: str, monkeypatch: Any) -> None:
    queue, order = Queue(), list[int]()
    held, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        with queue.turn():
            held.set()
            let_go.wait(5)

    holder = threading.Thread(target=hold)
    holder.start()
    assert held.wait(5)
    ticket = Interrupting(queue, let_go if late == "when it came" else None)
    with monkeypatch.context() as patch:
        patch.setattr("apps.core.actions.threading.Lock", lambda: ticket)
        with pytest.raises(KeyboardInterrupt), queue.turn():
            pytest.fail("the turn never came")
    let_go.set()
    holder.join(5)
    waiter(queue, order, 1).join(5)
    assert order == [1]
