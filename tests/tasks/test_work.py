"""Claiming, starting, completing, releasing, deleting and restoring cards."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from django.utils import timezone

from apps.core.errors import Conflict, NotAllowed, NotFound
from apps.tasks import actions
from apps.tasks.models import Task
from apps.teams import actions as teams
from apps.teams.models import Event, Member, Team
from tests.conftest import Cast, make_cast
from tests.refusing import refused

Journal = Callable[[], list[str]]
Act = Callable[[Member, int], Task]


def card(cast: Cast, number: int) -> Task:
    return Task.objects.select_related("owner", "team").get(team=cast.team, number=number)


def last_event(cast: Cast, kind: str = "") -> Event:
    found = Event.objects.filter(team=cast.team)
    return (found.filter(kind=kind) if kind else found).latest("seq")


# Who may do what, in every state of the team

VERBS: dict[str, tuple[Act, str, str]] = {
    "claim": (actions.claim_task, "pending", "work"),
    "start": (actions.start_task, "pending", "work"),
    "complete": (actions.complete_task, "in_progress", "work"),
    "release": (actions.release_task, "in_progress", "tasks"),
    "delete": (actions.delete_task, "pending", "tasks"),
    "restore": (actions.restore_task, "deleted", "tasks"),
}
OPEN = {"work": {"active"}, "tasks": {"forming", "active", "paused"}}
ACTORS = ("owner", "other", "manager", "observer", "observing owner", "ended")


def seated(cast: Cast, who: str) -> Member:
    """The actor; `observing owner` and `ended` are what became of the owner and of a manager."""
    if who == "observing owner":
        Member.objects.filter(pk=cast.hal.pk).update(role="observer")
    if who == "ended":
        Member.objects.filter(pk=cast.bob.pk).update(left_at=timezone.now())
    return {
        "owner": cast.hal, "observing owner": cast.hal, "other": cast.iris, "manager": cast.bob,
        "observer": cast.vera, "ended": cast.bob,
    }[who]  # fmt: skip


def verdict(verb: str, who: str, state: str) -> tuple[type[Exception], str] | None:
    """What is expected: nothing, or a refusal and its code."""
    if who == "ended" and state != "disbanded":
        return NotAllowed, "seat_ended"
    if who in ("observer", "observing owner"):
        return NotAllowed, "not_allowed"
    if verb == "claim" and who in ("other", "manager", "ended"):
        return Conflict, "task_taken"
    if who == "other":
        return NotAllowed, "not_allowed"
    return None if state in OPEN[VERBS[verb][2]] else (Conflict, "team_not_active")


@pytest.mark.parametrize("state", Team.State.values)
@pytest.mark.parametrize(("verb", "who"), list(product(VERBS, ACTORS)))
def test_who_may_do_what_when(verb: str, who: str, state: str, cast: Cast) -> None:
    act, status, _ = VERBS[verb]
    Task.objects.create(team=cast.team, number=1, subject="Hal's", status=status, owner=cast.hal)
    Team.objects.filter(pk=cast.team.pk).update(state=state)
    actor, expected = seated(cast, who), verdict(verb, who, state)
    if expected is None:
        assert act(actor, 1).column == Task.MOVES[verb].to
        return
    with refused(*expected):  # type: ignore[type-var]
        act(actor, 1)
    assert card(cast, 1).status == status


def test_a_refusal_names_the_owner(cast: Cast) -> None:
    actions.create_task(cast.alice, "Hal's", owner="hal")
    with refused(NotAllowed) as info:
        actions.start_task(cast.iris, 1)
    assert "hal owns it" in info.value.message
    with refused(Conflict, "task_taken") as taken:
        actions.claim_task(cast.iris, 1)
    assert taken.value.details["owner"] == "hal"
    assert taken.value.message == "#1 already belongs to hal."


def test_a_stranger_s_card_is_not_found(cast: Cast) -> None:
    actions.create_task(make_cast("payment").alice, "Theirs")
    for act, _, _ in VERBS.values():
        for number in (1, 0, 10**30):
            with refused(NotFound, "task_not_found"):
                act(cast.alice, number)


# Claim and start


def test_a_claim_takes_and_starts(cast: Cast, journal: Journal) -> None:
    task = actions.create_task(cast.alice, "Free")
    claimed = actions.claim_task(cast.hal, 1)
    assert (claimed.owner, claimed.column, claimed.version) == (cast.hal, "in_progress", 2)
    assert claimed.started_at is not None
    stored = card(cast, 1)
    assert (stored.owner, stored.status, stored.version) == (cast.hal, "in_progress", 2)
    assert journal() == ["task.created", "task.claimed"]
    assert last_event(cast).data == {
        "task": 1, "column": "in_progress", "from": "todo", "to": "in_progress", "owner": "hal",
    }  # fmt: skip
    assert actions.claim_task(cast.hal, 1).started_at == stored.started_at
    assert journal() == ["task.created", "task.claimed"]
    assert stored.number == task.number


def test_a_claim_of_one_s_own_starts_it(cast: Cast) -> None:
    actions.create_task(cast.alice, "Given", owner="hal")
    assert actions.claim_task(cast.hal, 1).column == "in_progress"


def test_what_who_left_holds_is_free(cast: Cast) -> None:
    for number in (1, 2, 3):
        Task.objects.create(
            team=cast.team, number=number, subject="Old", owner=cast.bob, status="pending"
        )
    Member.objects.filter(pk=cast.bob.pk).update(left_at=timezone.now())
    assert actions.claim_task(cast.hal, 1).owner == cast.hal
    assert actions.claim_next(cast.hal).number == 2
    assert actions.start_task(cast.iris, 3).owner == cast.iris


def test_running_work_without_an_owner_is_taken_over(cast: Cast, journal: Journal) -> None:
    begun = timezone.now() - timedelta(hours=1)
    Task.objects.create(
        team=cast.team, number=1, subject="Seen", status="in_progress", started_at=begun
    )
    task = actions.claim_task(cast.hal, 1)
    assert (task.owner, task.started_at, task.column) == (cast.hal, begun, "in_progress")
    assert journal() == ["task.claimed"]


def test_starting_what_nobody_owns_makes_it_one_s_own(cast: Cast, journal: Journal) -> None:
    actions.create_task(cast.alice, "Free")
    assert actions.start_task(cast.bob, 1).owner == cast.bob
    assert journal() == ["task.created", "task.started"]


def test_a_manager_starts_it_for_the_owner(cast: Cast) -> None:
    actions.create_task(cast.alice, "Given", owner="hal")
    assert actions.start_task(cast.bob, 1).owner == cast.hal
    assert last_event(cast).data["owner"] == "hal"


def test_starting_again_after_changes_were_requested(cast: Cast) -> None:
    Task.objects.create(
        team=cast.team, number=1, subject="Fix", owner=cast.hal, review_state="needs_fix"
    )
    assert actions.start_task(cast.hal, 1).review_state == "none"
    assert card(cast, 1).review_state == "none"


# Complete and release


def test_completing(cast: Cast, journal: Journal) -> None:
    actions.create_task(cast.alice, "Card", owner="hal")
    actions.start_task(cast.hal, 1)
    begun = timezone.now() - timedelta(minutes=10)
    Task.objects.filter(number=1).update(started_at=begun, stalled_at=begun)
    done = actions.complete_task(cast.hal, 1)
    assert (done.column, done.owner, done.stalled_at) == ("done", cast.hal, None)
    assert 600 <= card(cast, 1).worked_seconds <= 602
    assert done.completed_at is not None
    assert last_event(cast).data == {
        "task": 1, "column": "done", "from": "in_progress", "to": "done",
    }  # fmt: skip
    assert journal()[-1] == "task.completed"


def test_time_in_progress_adds_up(cast: Cast) -> None:
    actions.create_task(cast.alice, "Card")
    for _ in range(2):
        actions.claim_task(cast.hal, 1)
        Task.objects.update(started_at=timezone.now() - timedelta(minutes=1))
        assert 60 <= card(cast, 1).worked % 60 + 60 <= 62
        actions.release_task(cast.hal, 1)
    assert 120 <= card(cast, 1).worked <= 124


def test_releasing_says_why(cast: Cast, journal: Journal) -> None:
    actions.create_task(cast.alice, "Card")
    actions.claim_task(cast.hal, 1)
    released = actions.release_task(cast.hal, 1, note="Out of time.")
    assert (released.owner, released.column) == (None, "todo")
    assert card(cast, 1).owner is None
    assert last_event(cast).data["note"] == "Out of time."
    assert journal() == ["task.created", "task.claimed", "task.released"]


def test_a_question_outlives_the_move(cast: Cast) -> None:
    actions.create_task(cast.alice, "Card")
    actions.claim_task(cast.hal, 1)
    actions.ask(cast.hal, 1, "Which?")
    actions.complete_task(cast.hal, 1)
    assert card(cast, 1).needs_input == "human"


# Delete and restore


@pytest.mark.parametrize(
    ("status", "review", "was"),
    [
        ("pending", "none", "todo"), ("in_progress", "none", "in_progress"),
        ("completed", "none", "done"), ("completed", "review", "review"),
        ("completed", "approved", "approved"),
    ],
)  # fmt: skip
def test_deleting_remembers_where_it_was(status: str, review: str, was: str, cast: Cast) -> None:
    Task.objects.create(
        team=cast.team, number=1, subject="Card", status=status, review_state=review,
        reviewer=cast.bob, needs_input="human", question="?", asked_at=timezone.now(),
    )  # fmt: skip
    deleted = actions.delete_task(cast.alice, 1)
    assert last_event(cast).data == {"task": 1, "column": "trash", "from": was, "to": "trash"}
    assert deleted.deleted_at is not None
    stored = card(cast, 1)
    assert (stored.review_state, stored.reviewer, stored.needs_input, stored.question) == (
        "none", None, "", "",
    )  # fmt: skip
    restored = actions.restore_task(cast.alice, 1)
    assert (restored.column, restored.deleted_at) == ("todo", None)


def test_the_trash_is_not_on_the_board(cast: Cast) -> None:
    for subject in ("One", "Two"):
        actions.create_task(cast.alice, subject)
    actions.delete_task(cast.alice, 1)
    assert [task.number for task in Task.objects.visible_to(cast.alice).on_board()] == [2]
    actions.restore_task(cast.alice, 1)
    todo = Task.objects.visible_to(cast.alice).in_column("todo")
    assert [task.number for task in todo] == [1, 2]


# When a seat ends


def test_an_ended_seat_lets_go_of_its_cards(cast: Cast, journal: Journal) -> None:
    for subject in ("Running", "Waiting", "Done", "Gone"):
        actions.create_task(cast.hal, subject, owner="hal")
    for number in (1, 3):
        actions.start_task(cast.hal, number)
    actions.complete_task(cast.hal, 3)
    actions.delete_task(cast.hal, 4)
    versions = [card(cast, number).version for number in (1, 2, 3, 4)]
    teams.end_seat(cast.alice, "hal")
    assert [
        (task.status, task.owner and task.owner.name)
        for task in (card(cast, number) for number in (1, 2, 3, 4))
    ] == [("pending", None), ("pending", None), ("completed", "hal"), ("deleted", "hal")]
    assert [card(cast, n).version - v for n, v in zip((1, 2, 3, 4), versions, strict=True)] == [
        1, 1, 0, 0,
    ]  # fmt: skip
    assert journal()[-3:] == ["member.left", "task.released", "task.edited"]
    released = last_event(cast, "task.released")
    assert (released.actor, released.data["note"]) == (cast.alice, "The seat of hal ended.")
    edited = last_event(cast, "task.edited")
    assert (edited.data["changed"], edited.data["owner"]) == (["owner"], None)


def test_reviewed_work_of_who_leaves_stays_where_it_is(cast: Cast) -> None:
    Task.objects.create(
        team=cast.team, number=1, subject="Card", owner=cast.hal, status="in_progress",
        review_state="review", position=7,
    )  # fmt: skip
    teams.end_seat(cast.alice, "hal")
    task = card(cast, 1)
    assert (task.column, task.status, task.owner, task.position) == ("review", "pending", None, 7)


# What the writes cost


@pytest.mark.parametrize(
    ("name", "queries"),
    [("create", 9), ("claim", 10), ("start", 10), ("complete", 10), ("release", 9), ("next", 9)],
)
def test_a_move_asks_little_of_the_database(
    name: str, queries: int, cast: Cast, django_assert_num_queries: Any
) -> None:
    """Two of each count open and close the transaction."""
    for subject in ("One", "Two", "Three"):
        actions.create_task(cast.alice, subject)
    actions.claim_task(cast.hal, 1)
    does: dict[str, Callable[[], Any]] = {
        "create": lambda: actions.create_task(cast.alice, "New"),
        "claim": lambda: actions.claim_task(cast.hal, 2),
        "start": lambda: actions.start_task(cast.hal, 2),
        "complete": lambda: actions.complete_task(cast.hal, 1),
        "release": lambda: actions.release_task(cast.hal, 1),
        "next": lambda: actions.claim_next(cast.hal),
    }
    with django_assert_num_queries(queries):
        does[name]()
