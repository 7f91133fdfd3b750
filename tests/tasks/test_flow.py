from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apps.tasks import actions, flow
from apps.tasks.flow import Fact, Interval, work_intervals
from apps.teams.models import Event, Member

START = datetime(2031, 5, 5, tzinfo=UTC)


def hour(number: float) -> datetime:
    return START + timedelta(hours=number)


def fact(at: float, kind: str, task: int | None = 1, *, by: str = "hal", **data: Any) -> Fact:
    """A line `at` so many hours after the start; `was` stands for `from`."""
    if "was" in data:
        data["from"] = data.pop("was")
    return Fact(hour(at), kind, task, data, by)


def claimed(at: float, task: int = 1, owner: str = "hal") -> Fact:
    return fact(at, "task.claimed", task, was="todo", column="in_progress", owner=owner)


def completed(at: float, task: int = 1, by: str = "hal") -> Fact:
    return fact(at, "task.completed", task, by=by, was="in_progress", column="done")


def requested(at: float, task: int = 1, reviewer: str = "alice") -> Fact:
    return fact(at, "review.requested", task, was="done", column="review", reviewer=reviewer)


def approved(at: float, task: int = 1, *, was: str = "review") -> Fact:
    return fact(at, "review.approved", task, by="alice", was=was, column="approved")


def short(found: list[Interval]) -> list[tuple[Any, ...]]:
    """Card, first and last hour, and who or what."""

    def hours(at: datetime | None) -> float | None:
        return None if at is None else (at - START).total_seconds() / 3600

    return [(one.task, hours(one.since), hours(one.until), one.who, one.what) for one in found]


def test_nothing_happened() -> None:
    assert work_intervals([]) == flow.review_intervals([]) == flow.waiting_intervals([]) == []


def test_work_goes_from_the_claim_to_wherever_the_card_goes_next() -> None:
    events = [
        fact(0, "task.created", column="todo"), claimed(1), completed(3),
        claimed(4, 2, "iris"), fact(5, "task.released", 2, was="in_progress", column="todo"),
        fact(6, "task.started", 2, was="todo", column="in_progress", owner="bob"),
    ]  # fmt: skip
    assert short(work_intervals(events)) == [
        (1, 1, 3, "hal", "task.completed"),
        (2, 4, 5, "iris", "task.released"),
        (2, 6, None, "bob", ""),
    ]


def test_lines_that_move_nothing_end_nothing() -> None:
    events = [
        claimed(1),
        fact(2, "task.asked", column="in_progress", of="human"),
        fact(3, "task.edited", column="in_progress", changed=["subject"]),
        fact(4, "comment.added", comment=7),
        fact(5, "team.changed", None, changed=["name"]),
        completed(6),
    ]
    assert short(work_intervals(events)) == [(1, 1, 6, "hal", "task.completed")]


def test_a_new_owner_begins_a_new_interval() -> None:
    events = [claimed(1), fact(2, "task.edited", column="in_progress", owner="iris"), completed(3)]
    assert short(work_intervals(events)) == [
        (1, 1, 2, "hal", "task.edited"),
        (1, 2, 3, "iris", "task.completed"),
    ]


@pytest.mark.parametrize(
    ("events", "found"),
    [
        ([completed(3)], [(1, None, 3, "", "task.completed")]),
        ([fact(2, "task.asked", column="in_progress")], [(1, None, None, "", "")]),
        ([fact(2, "task.moved", column="done")], []),
        ([fact(1, "task.moved", column="todo"), fact(2, "task.observed", column="in_progress")],
         [(1, 2, None, "", "")]),
        ([fact(2, "task.observed", column="in_progress", new=True)], [(1, 2, None, "", "")]),
        ([fact(1, "task.edited", column="in_progress", owner="bob"), completed(2)],
         [(1, None, 2, "bob", "task.completed")]),
    ],
)  # fmt: skip
def test_a_journal_whose_beginning_is_gone(
    events: list[Fact], found: list[tuple[Any, ...]]
) -> None:
    assert short(work_intervals(events)) == found


def test_time_never_runs_backwards() -> None:
    assert work_intervals([claimed(5), completed(4)])[0].seconds(START, hour(9)) == 0


def test_reviews_say_how_they_ended_and_who_judged() -> None:
    events = [
        requested(1), fact(2, "review.changes_requested", was="review", column="todo"),
        requested(3, reviewer="rae"),
        fact(4, "review.reassigned", column="review", reviewer="alice", replaced="rae"),
        approved(6), requested(7, 2),
    ]  # fmt: skip
    assert short(flow.review_intervals(events)) == [
        (1, 1, 2, "alice", "review.changes_requested"),
        (1, 3, 4, "rae", "review.reassigned"),
        (1, 4, 6, "alice", "review.approved"),
        (2, 7, None, "alice", ""),
    ]


def asked(at: float, of: str = "human") -> Fact:
    return fact(at, "task.asked", column="in_progress", of=of)


def answered(at: float, **data: Any) -> Fact:
    return fact(at, "task.answered", by="alice", column="in_progress", of="human", **data)


@pytest.mark.parametrize(
    ("events", "found"),
    [
        ([asked(1), answered(3)], [(1, 1, 3, "alice", "question")]),
        ([asked(1, of="lead"), fact(2, "task.answered", of="lead")], []),
        ([asked(1), asked(2), answered(3)], [(1, 1, 3, "alice", "question")]),
        ([asked(1), asked(2, of="lead")], [(1, 1, 2, "", "question")]),
        ([asked(1), fact(2, "task.deleted", was="todo", column="trash")],
         [(1, 1, 2, "", "question")]),
        ([asked(1), fact(2, "task.observed", column="todo", changed=["needs_input"])],
         [(1, 1, 2, "", "question")]),
        ([asked(1), fact(2, "task.observed", column="todo", changed=["subject"])],
         [(1, 1, None, "", "question")]),
        ([answered(3, waited=7200)], [(1, 1, 3, "alice", "question")]),
    ],
)  # fmt: skip
def test_questions_wait_until_a_person_answers(
    events: list[Fact], found: list[tuple[Any, ...]]
) -> None:
    assert short(flow.waiting_intervals(events)) == found


def plan(at: float, what: str, task: int | None = 1, **data: Any) -> Fact:
    return fact(at, f"plan.{what}", task, by="alice", plan=4, **data)


@pytest.mark.parametrize(
    ("events", "found"),
    [
        ([plan(1, "submitted"), plan(3, "approved", final=True)], [(1, 1, 3, "alice", "plan")]),
        ([plan(1, "submitted"), plan(2, "approved", final=False),
          plan(4, "rejected", final=True)], [(1, 1, 4, "alice", "plan")]),
        ([plan(1, "submitted"), plan(2, "withdrawn")], [(1, 1, 2, "alice", "plan")]),
        ([plan(1, "submitted", None)], [(None, 1, None, "", "plan")]),
        ([plan(2, "approved", final=True)], [(1, None, 2, "alice", "plan")]),
    ],
)  # fmt: skip
def test_plans_wait_for_their_last_decision(
    events: list[Fact], found: list[tuple[Any, ...]]
) -> None:
    assert short(flow.waiting_intervals(events)) == found


def test_only_reviews_by_people_wait_for_a_person() -> None:
    events = [requested(1), approved(2), requested(3, 2, "rae"), requested(4, 3, "")]
    found = flow.waiting_intervals(events, people={"alice", "bob"})
    assert short(found) == [(1, 1, 2, "alice", "review"), (3, 4, None, "", "review")]
    assert len(flow.waiting_intervals(events)) == 3


def test_finishes_are_counted_once_each_way() -> None:
    events = [
        fact(0, "task.created", column="todo"), claimed(1), completed(2), requested(3), approved(4),
        fact(5, "review.reopened", was="approved", column="done"), approved(6, was="done"),
        fact(7, "task.observed", 2, column="done", new=True),
        fact(8, "task.observed", 3, column="review", was="in_progress"),
        fact(9, "task.observed", 4, column="approved", was="in_progress"),
    ]  # fmt: skip
    assert [(one.task, one.column, one.at) for one in flow.finishes(events)] == [
        (1, "done", hour(2)), (1, "approved", hour(4)), (1, "approved", hour(6)),
        (3, "done", hour(8)), (4, "done", hour(9)), (4, "approved", hour(9)),
    ]  # fmt: skip


def test_columns_are_told_backwards_from_now() -> None:
    events = [
        fact(1, "task.created", 2, column="todo"),
        claimed(2), completed(3),
        fact(4, "task.deleted", 3, was="todo", column="trash"),
        fact(5, "task.observed", 4, column="done", new=True),
    ]  # fmt: skip
    now = {1: "done", 2: "todo", 3: "trash", 4: "done", 5: "approved"}
    counts = flow.columns_at([hour(n) for n in (0, 1, 2.5, 3, 4, 9)], events, now)
    assert [dict(count) for count in counts] == [
        {"todo": 2, "approved": 1},
        {"todo": 3, "approved": 1},
        {"todo": 2, "in_progress": 1, "approved": 1},
        {"todo": 2, "done": 1, "approved": 1},
        {"todo": 1, "done": 1, "approved": 1},
        {"todo": 1, "done": 2, "approved": 1},
    ]


def test_time_is_clipped_and_counted_once() -> None:
    found = [
        Interval(1, None, hour(2)), Interval(1, hour(1), hour(3)), Interval(1, hour(5), None),
        Interval(1, hour(-9), hour(-8)),
    ]  # fmt: skip
    assert [one.seconds(START, hour(6)) // 3600 for one in found] == [2, 2, 1, 0]
    assert flow.total(found, START, hour(6)) == 4 * 3600


@pytest.mark.parametrize(
    ("seen", "at"),
    [
        ("2031-05-05T03:00:00+00:00", 3), ("2031-05-05T09:00:00+00:00", 5),
        ("2031-05-05T03:00:00", 5), ("soon", 5), (7, 5), (None, 5),
    ],
)  # fmt: skip
def test_what_was_seen_elsewhere_happened_then(seen: Any, at: float) -> None:
    assert flow.happened(hour(5), {"seen_at": seen}) == hour(at)


def test_the_real_journal_is_understood(alice: Member, hal: Member) -> None:
    number = actions.create_task(alice, "A card").number
    actions.claim_task(hal, number)
    actions.ask(hal, number, "Which one?")
    actions.answer(alice, number, "The first.")
    actions.complete_task(hal, number)
    rows = Event.objects.filter(team=alice.team).select_related("actor").order_by("seq")
    events = [flow.fact_of(event) for event in rows]

    (work,) = work_intervals(events)
    (wait,) = flow.waiting_intervals(events)

    assert (work.task, work.who, work.what) == (number, "hal", "task.completed")
    assert (wait.what, wait.who) == ("question", "alice")
    assert work.since is not None
    assert wait.since is not None
    assert work.until is not None
    assert work.since <= wait.since <= work.until
    assert [(one.task, one.column, one.actor) for one in flow.finishes(events)] == [
        (number, "done", "hal")
    ]
