"""What tools answer with: the shapes of the REST door without what is empty or seldom needed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from typing_extensions import TypedDict

from apps.tasks.models import Task
from apps.tasks.models.task import Priority

Data = dict[str, Any]


class Card(TypedDict):
    """A task: these fields always, the others of a task where they say something."""

    number: int
    subject: str
    status: str
    column: str
    owner: str | None
    priority: str


EMPTY: tuple[Any, ...] = (None, "", [], {}, False)
ALWAYS = frozenset({"number", "subject", "status", "column", "owner", "priority", "ready"})
SELDOM = frozenset({
    "created_at", "updated_at", "started_at", "completed_at", "asked_at", "review_requested_at",
    "worked_seconds", "created_by",
})  # fmt: skip
LONG = frozenset({"description", "metadata"})
OF_MESSAGE = ("id", "from", "to", "cc", "kind", "subject", "body", "summary", "payload",
              "reply_to", "thread", "tasks", "artifacts", "sent_at", "read", "why")  # fmt: skip
OF_SENT = ("id", "message_id", "to", "cc", "kind", "subject", "reply_to", "thread", "sent_at")
OF_STEP = ("title", "detail", "state")
OF_DECISION = ("decision", "note", "member", "version")
OF_PLAN = ("id", "task", "author", "title", "version", "state", "stage", "steps")


def lean(shape: Data, *, keep: Iterable[str] = ()) -> Data:
    """`shape` without what is null, false or empty, but for the fields to keep."""
    return {key: value for key, value in shape.items() if key in keep or value not in EMPTY}


def some(shape: Data, fields: Iterable[str]) -> Data:
    """These fields of `shape`, as far as they say anything."""
    return lean({key: shape[key] for key in fields if key in shape})


def card(shape: Data) -> Card:
    """A task as far as a worker needs it."""
    known = {key: value for key, value in shape.items() if key not in SELDOM}
    if known.get("review_state") == Task.ReviewState.NONE:
        del known["review_state"]
    return cast(Card, lean(known, keep=ALWAYS))


def line(shape: Data) -> Card:
    """A task in a list: no long text."""
    return card({key: shape[key] for key in shape if key not in LONG})


def changed(task: Task) -> Card:
    """A task as an action left it, without asking the database again."""
    shape = {
        "number": task.number,
        "subject": task.subject,
        "status": str(task.status),
        "column": task.column.value,
        "owner": task.owner.name if task.owner else None,
        "priority": Priority(task.priority).name.lower(),
        "review_state": str(task.review_state)
        if task.review_state != Task.ReviewState.NONE
        else None,
        "review_round": task.review_round,
        "reviewer": task.reviewer.name if task.reviewer else None,
        "conflict": task.has_conflict,
        "needs_input": task.needs_input,
        "question": task.question,
        "due": task.due.isoformat() if task.due else None,
        "active_form": task.active_form,
        "description": task.description,
        "metadata": task.metadata,
        "version": task.version,
    }
    return cast(Card, lean(shape, keep=ALWAYS))


def message(shape: Data) -> Data:
    """A message as its reader needs it."""
    return some(shape, OF_MESSAGE)


def sent(shape: Data) -> Data:
    """A message as its sender needs it."""
    return some(shape, OF_SENT)


def plan(shape: Data) -> Data:
    """A plan with its steps and the last decision."""
    steps = [{"index": step["index"], **some(step, OF_STEP)} for step in shape["steps"]]
    last = [some(decision, OF_DECISION) for decision in shape["decisions"][-1:]]
    return some(shape, OF_PLAN) | {"steps": steps, "decisions": last}
