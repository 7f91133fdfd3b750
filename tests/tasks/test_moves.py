"""The board's tables: the column of every state, and where every verb leads from everywhere."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest

from apps.core.errors import Conflict
from apps.tasks import actions
from apps.tasks.models import Task
from apps.tasks.moves import BOARD, DROPS, MOVES, Column, ReviewState, Status, column_of, why_not
from tests.conftest import Cast
from tests.refusing import refused

Journal = Callable[[], list[str]]
STATES = list(product(Status.values, ReviewState.values))
COLUMNS = {
    ("pending", "none"): "todo",
    ("pending", "needs_fix"): "todo",
    ("in_progress", "none"): "in_progress",
    ("in_progress", "needs_fix"): "in_progress",
    ("completed", "none"): "done",
    ("completed", "needs_fix"): "done",
    **{(status, "review"): "review" for status in ("pending", "in_progress", "completed")},
    **{(status, "approved"): "approved" for status in ("pending", "in_progress", "completed")},
    **{("deleted", review): "trash" for review in ReviewState.values},
}
LEADS = {
    "claim": ({"todo"}, "in_progress"),
    "start": ({"todo"}, "in_progress"),
    "complete": ({"in_progress"}, "done"),
    "release": ({"in_progress"}, "todo"),
    "request-review": ({"done"}, "review"),
    "approve": ({"review", "done"}, "approved"),
    "request-changes": ({"review"}, "todo"),
    "withdraw-review": ({"review"}, "done"),
    "reopen": ({"approved"}, "done"),
    "delete": ({"todo", "in_progress", "review", "done", "approved"}, "trash"),
    "restore": ({"trash"}, "todo"),
}


@pytest.mark.parametrize(("status", "review"), STATES)
def test_the_column_of_every_state(status: str, review: str, cast: Cast) -> None:
    assert column_of(status, review) == COLUMNS[status, review]
    task = Task.objects.create(
        team=cast.team, number=1, subject="Card", status=status, review_state=review
    )
    assert task.column == COLUMNS[status, review]
    task.refresh_from_db()
    assert task.board_column == task.column
    assert Task.objects.in_column(COLUMNS[status, review]).get() == task


@pytest.mark.parametrize(("status", "review"), STATES)
def test_a_reviewed_card_whose_work_goes_on_is_a_conflict(status: str, review: str) -> None:
    reviewed = review in ("review", "approved")
    expected = reviewed and status in ("pending", "in_progress")
    assert Task(status=status, review_state=review).has_conflict is expected


def test_the_board_has_five_columns_in_order() -> None:
    assert [column.value for column in BOARD] == [
        "todo",
        "in_progress",
        "review",
        "done",
        "approved",
    ]


def test_the_moves_are_the_contract() -> None:
    table = {verb: (set(move.sources), move.to) for verb, move in MOVES.items()}
    assert table == LEADS


@pytest.mark.parametrize("verb", MOVES)
@pytest.mark.parametrize(("status", "review"), STATES)
def test_every_verb_from_every_state(verb: str, status: str, review: str) -> None:
    task = Task(number=7, status=status, review_state=review)
    sources, to = LEADS[verb]
    if task.column in sources:
        assert task.check_move(verb) == to
        return
    with pytest.raises(Conflict) as info:
        task.check_move(verb)
    assert info.value.code == "wrong_state"
    assert info.value.message.startswith(
        f"#7 cannot go from {task.column.label} to {Column(to).label}."
    )
    assert info.value.details["column"] == task.column


@pytest.mark.parametrize(("source", "to"), list(product(Column, BOARD)))
def test_every_refusal_says_why_and_what_goes(source: Column, to: Column) -> None:
    assert why_not(source, to).endswith(".")
    status = next(
        pair
        for pair, column in COLUMNS.items()
        if column == source and not Task(status=pair[0], review_state=pair[1]).has_conflict
    )
    error = Task(number=7, status=status[0], review_state=status[1]).refusal(to)
    assert why_not(source, to) in error.message
    verbs = {verb for verb, (sources, _) in LEADS.items() if source in sources}
    offered = error.hint.removeprefix(f"From {source.label} you can: ").rstrip(".")
    assert set(offered.split(", ")) == verbs


@pytest.mark.parametrize(("state", "to"), list(product(["review", "approved"], BOARD)))
def test_a_card_whose_work_goes_on_is_told_so_before_anything_else(state: str, to: Column) -> None:
    error = Task(number=7, status="in_progress", review_state=state).refusal(to)
    assert error.message.endswith("Its work goes on: it is in progress again.")
    assert error.hint.startswith("Resolve the conflict first")
    assert (error.details["conflict"], error.details["task"]) == (True, 7)


def test_what_was_approved_is_not_told_to_complete_first() -> None:
    approved = Task(number=7, status="completed", review_state="approved")
    assert "already approved" in approved.refusal(Column.REVIEW).message


def test_the_drops_are_the_moves_that_a_drag_means() -> None:
    assert {(source.value, to.value): verb for (source, to), verb in DROPS.items()} == {
        ("todo", "in_progress"): "start",
        ("in_progress", "done"): "complete",
        ("in_progress", "todo"): "release",
        ("done", "review"): "request-review",
        ("review", "approved"): "approve",
        ("done", "approved"): "approve",
        ("review", "todo"): "request-changes",
        ("review", "done"): "withdraw-review",
        ("approved", "done"): "reopen",
    }


DOES = {
    "claim": (actions.claim_task, "task.claimed"),
    "start": (actions.start_task, "task.started"),
    "complete": (actions.complete_task, "task.completed"),
    "release": (actions.release_task, "task.released"),
    "delete": (actions.delete_task, "task.deleted"),
    "restore": (actions.restore_task, "task.restored"),
}


@pytest.mark.parametrize("verb", DOES)
@pytest.mark.parametrize(("status", "review"), STATES)
def test_every_action_from_every_state(
    verb: str, status: str, review: str, cast: Cast, journal: Journal
) -> None:
    Task.objects.create(
        team=cast.team, number=1, subject="Card", status=status, review_state=review,
        owner=cast.hal,
    )  # fmt: skip
    act, kind = DOES[verb]
    sources, to = LEADS[verb]
    was = COLUMNS[status, review]
    if was in sources:
        assert act(cast.hal, 1).column == to
        assert journal() == [kind]
        assert Task.objects.get().version == 2
        return
    if was == to or verb == "restore":
        assert act(cast.hal, 1).column == was
        assert journal() == []
    else:
        with refused(Conflict, "wrong_state"):
            act(cast.hal, 1)
    kept = Task.objects.get()
    assert (kept.status, kept.review_state, kept.version) == (status, review, 1)
