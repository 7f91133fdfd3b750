from __future__ import annotations

from typing import Any, NamedTuple

from django.db.models import Case, Q, Value, When

from apps.core.actions import action
from apps.core.errors import Conflict
from apps.tasks.actions.gates import check_limits, check_plan, check_ready
from apps.tasks.actions.shared import (
    PLACE,
    lock_task,
    put_on_top,
    renew_dependents,
    save_task,
    tell_ready,
)
from apps.tasks.models import Dependency, Task
from apps.tasks.models.task import FIRST_TO_DO, Asked
from apps.tasks.moves import MOVES, Column, ReviewState, Status
from apps.teams import events
from apps.teams.actions import lock_team
from apps.teams.lifecycle import Allows
from apps.teams.models import Member

SHOWN = 5


@action
def claim_task(actor: Member, number: int) -> Task:
    """Give a ready task to `actor` and start it. The second claimant gets a Conflict.

    One that runs without an owner is taken over as it is.
    """
    task = lock_task(actor, number)
    actor.require("work")
    holder = task.holder
    if holder is None:
        return _begin(actor, task, "claim")
    if holder.pk != actor.pk:
        raise Conflict(
            f"#{number} already belongs to {holder.name}.",
            code="task_taken",
            hint="Claim another one, or ask for the next ready task.",
            owner=holder.name,
        )
    return task if task.column == Column.IN_PROGRESS else _begin(actor, task, "claim")


@action
def claim_next(actor: Member) -> Task:
    """Claim the first ready task by priority, then age, in one step.

    A member who needs plans gets the first one it has an approved plan for.
    """
    team = lock_team(actor)
    actor.require("work")
    team.require(Allows.WORK)
    ready = Task.objects.ready_for(actor).with_people()
    if actor.needs_plan:
        planned = Case(When(planned_by=actor, then=Value(0)), default=Value(1))
        ready = ready.order_by(planned, *FIRST_TO_DO)
    task = ready.first()
    if task is None:
        raise _nothing_ready(actor)
    task.team = team
    return _start(actor, task, "claim")


def _nothing_ready(actor: Member) -> Conflict:
    todo = Task.objects.visible_to(actor).in_column(Column.TODO)
    others = todo.exclude(owner=None).exclude(owner=actor).count()
    parts = [
        f"#{number} waits for {', '.join(f'#{blocker}' for blocker in blockers)}"
        for number, blockers in _waiting(actor).items()
    ]
    if others:
        parts.append("1 belongs to others" if others == 1 else f"{others} belong to others")
    return Conflict(
        f"No task is ready for you: {'; '.join(parts) or 'To do is empty'}.",
        code="nothing_ready",
        hint="Wait for events, or ask the leader for work.",
    )


def _waiting(actor: Member) -> dict[int, list[int]]:
    """The first cards that `actor` could take if nothing blocked them, each with what does."""
    todo = Task.objects.visible_to(actor).in_column(Column.TODO).blocked(actor.team)
    mine = todo.filter(Q(owner=None) | Q(owner=actor))
    first = list(mine.order_by(*FIRST_TO_DO)[:SHOWN])
    edges = Dependency.objects.filter(blocked__in=first).still_open(actor.team)
    waiting: dict[int, list[int]] = {task.number: [] for task in first}
    for blocked, blocker in edges.values_list("blocked__number", "blocker__number"):
        waiting[blocked].append(blocker)
    return {number: sorted(blockers) for number, blockers in waiting.items()}


@action
def start_task(actor: Member, number: int) -> Task:
    """Start a card: its owner or who manages tasks. One that nobody owns becomes the actor's."""
    task = lock_task(actor, number)
    if task.holder is None:
        actor.require("work")
        return _begin(actor, task, "start")
    task.require_owner(actor, "start")
    return task if task.column == Column.IN_PROGRESS else _begin(actor, task, "start")


def _begin(actor: Member, task: Task, verb: str) -> Task:
    task.team.require(Allows.WORK)
    if task.column != Column.IN_PROGRESS:
        task.check_move(verb)
        check_ready(task)
    return _start(actor, task, verb)


def _start(actor: Member, task: Task, verb: str) -> Task:
    was, owner = task.column, task.holder or actor
    check_plan(task, owner)
    check_limits(task, owner)
    task.owner = owner
    if was != Column.IN_PROGRESS:
        task.enter(Status.IN_PROGRESS)
        put_on_top(task, Column.IN_PROGRESS)
    task.review_state = ReviewState.NONE
    save_task(task, "owner", "review_state", *PLACE)
    kind = "task.claimed" if verb == "claim" else "task.started"
    fact = events.moved(was, task.column) | task.as_fact()
    events.record(actor, kind, **fact, owner=owner.name)
    return task


class Step(NamedTuple):
    """What a move writes: the status, the event, and other values of the card."""

    status: str
    event: str
    allows: str
    values: dict[str, Any]


UNDONE: dict[str, Any] = {
    "review_state": ReviewState.NONE, "reviewer": None, "review_requested_at": None,
    "needs_input": Asked.NOBODY, "question": "", "asked_at": None,
}  # fmt: skip
STEPS = {
    "complete": Step(Status.COMPLETED, "task.completed", Allows.WORK, {}),
    # Putting work down is no work, so a paused team takes it.
    "release": Step(Status.PENDING, "task.released", Allows.TASKS, {"owner": None}),
    "delete": Step(Status.DELETED, "task.deleted", Allows.TASKS, UNDONE),
    "restore": Step(Status.PENDING, "task.restored", Allows.TASKS, UNDONE),
}


@action
def complete_task(actor: Member, number: int) -> Task:
    """IN PROGRESS → DONE, by the owner or who manages tasks."""
    return _move(actor, lock_task(actor, number), "complete")


@action
def release_task(actor: Member, number: int, *, note: str = "") -> Task:
    """IN PROGRESS → TODO, and nobody's again."""
    return _move(actor, lock_task(actor, number), "release", note=note)


@action
def delete_task(actor: Member, number: int) -> Task:
    """Put a card in the trash; it no longer blocks others."""
    return _move(actor, lock_task(actor, number), "delete")


@action
def restore_task(actor: Member, number: int) -> Task:
    """Take a card out of the trash, to the top of TODO. One that is not there stays where it is."""
    task = lock_task(actor, number)
    if task.column != Column.TRASH:
        task.require_owner(actor, "restore")
        return task
    return _move(actor, task, "restore")


def _move(actor: Member, task: Task, verb: str, *, note: str = "") -> Task:
    task.require_owner(actor, verb)
    if task.column == MOVES[verb].to:
        return task
    task.team.require(STEPS[verb].allows)
    task.check_move(verb)
    return apply_step(actor, task, verb, note=note)


def apply_step(actor: Member, task: Task, verb: str, *, note: str = "") -> Task:
    """Write and record the move `verb` of a card; a part of actions that have checked it."""
    was, was_finished, step = task.column, task.is_finished, STEPS[verb]
    for name, value in step.values.items():
        setattr(task, name, value)
    task.enter(step.status)
    if task.column != was:
        put_on_top(task, task.column)
    save_task(task, *step.values, *PLACE)
    affects = renew_dependents(task, was_finished=was_finished)
    fact = events.moved(was, task.column) | task.as_fact()
    extra: dict[str, Any] = {
        key: value for key, value in {"note": note, "affects": affects}.items() if value
    }
    events.record(actor, step.event, **fact, **extra)
    tell_ready(task, affects)
    return task
