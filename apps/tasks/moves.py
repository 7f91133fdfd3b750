"""The board's tables: which column a card is in, and which move leads from where to where."""

from __future__ import annotations

from typing import NamedTuple

from django.db import models


class Status(models.TextChoices):
    """What agents write."""

    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    DELETED = "deleted"


class ReviewState(models.TextChoices):
    """What reviewers write; kept apart, so that an agent's update never wipes it."""

    NONE = "none"
    REVIEW = "review"
    NEEDS_FIX = "needs_fix"
    APPROVED = "approved"


class Column(models.TextChoices):
    """The five columns in their order, and the trash, which the board hides."""

    TODO = "todo", "To do"
    IN_PROGRESS = "in_progress", "In progress"
    REVIEW = "review", "Review"
    DONE = "done", "Done"
    APPROVED = "approved", "Approved"
    TRASH = "trash", "Trash"


BOARD = tuple(column for column in Column if column != Column.TRASH)
BY_STATUS = {
    Status.PENDING: Column.TODO,
    Status.IN_PROGRESS: Column.IN_PROGRESS,
    Status.COMPLETED: Column.DONE,
    Status.DELETED: Column.TRASH,
}
BY_REVIEW = {ReviewState.REVIEW: Column.REVIEW, ReviewState.APPROVED: Column.APPROVED}


def column_of(status: str, review_state: str) -> Column:
    """Where a card shows: deleted hides, then the review state decides, then the status."""
    if status == Status.DELETED:
        return Column.TRASH
    return BY_REVIEW.get(ReviewState(review_state)) or BY_STATUS[Status(status)]


class Move(NamedTuple):
    """A verb, the columns it leads from, and the one it leads to."""

    verb: str
    sources: frozenset[Column]
    to: Column


def _move(verb: str, *sources: Column, to: Column) -> Move:
    return Move(verb, frozenset(sources), to)


MOVES: dict[str, Move] = {
    move.verb: move
    for move in (
        _move("claim", Column.TODO, to=Column.IN_PROGRESS),
        _move("start", Column.TODO, to=Column.IN_PROGRESS),
        _move("complete", Column.IN_PROGRESS, to=Column.DONE),
        _move("release", Column.IN_PROGRESS, to=Column.TODO),
        _move("request-review", Column.DONE, to=Column.REVIEW),
        _move("approve", Column.REVIEW, Column.DONE, to=Column.APPROVED),
        _move("request-changes", Column.REVIEW, to=Column.TODO),
        _move("withdraw-review", Column.REVIEW, to=Column.DONE),
        _move("reopen", Column.APPROVED, to=Column.DONE),
        _move("delete", *BOARD, to=Column.TRASH),
        _move("restore", Column.TRASH, to=Column.TODO),
    )
}


def verbs_from(column: Column) -> list[str]:
    """The verbs that lead on from `column`, in the table's order."""
    return [move.verb for move in MOVES.values() if column in move.sources]


DROPS: dict[tuple[Column, Column], str] = {
    (source, move.to): move.verb
    for move in MOVES.values()
    if move.verb not in ("claim", "delete", "restore")
    for source in move.sources
}
"""What dropping a card of one column on another means; a pair that is missing is refused."""

WHY_NOT: dict[Column, str] = {
    Column.TODO: "A card goes back to To do by releasing it or by requesting changes.",
    Column.IN_PROGRESS: "Work starts from To do.",
    Column.REVIEW: "Only finished work is reviewed: complete the task first.",
    Column.DONE: "Done is for work that was started and completed.",
    Column.APPROVED: "Only done or reviewed work is approved.",
    Column.TRASH: "",
}
INSTEAD: dict[tuple[Column, Column], str] = {
    (Column.REVIEW, Column.IN_PROGRESS): "Withdraw the review or request changes first.",
    (Column.REVIEW, Column.DONE): "Withdraw the review to get it there.",
    (Column.DONE, Column.TODO): "Request a review, then request changes.",
    (Column.APPROVED, Column.TODO): "It is approved: reopen it first.",
    (Column.APPROVED, Column.IN_PROGRESS): "It is approved: reopen it first.",
    (Column.APPROVED, Column.REVIEW): "It is already approved: reopen it first.",
    (Column.APPROVED, Column.DONE): "Reopen it to get it there.",
}


def why_not(source: Column, to: Column) -> str:
    """The sentence that says why no card goes from `source` to `to`, and what does."""
    if source == Column.TRASH:
        return "It is in the trash: restore it first."
    return INSTEAD.get((source, to)) or WHY_NOT[to]
