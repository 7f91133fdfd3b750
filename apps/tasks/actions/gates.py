"""What stands between a card and its start: dependencies, the plan gate, the limits."""

from __future__ import annotations

from apps.core.errors import Conflict
from apps.tasks.blockers import blockers_of
from apps.tasks.models import Task
from apps.tasks.models.task import TaskQuerySet
from apps.tasks.moves import Column
from apps.teams.models import Member


def check_ready(task: Task) -> None:
    """Raise Conflict `task_blocked` naming the unfinished dependencies."""
    blockers = blockers_of(task.team, task.pk)
    if blockers:
        names = ", ".join(f"#{number}" for number in blockers)
        raise Conflict(
            f"#{task.number} waits for {names}.",
            code="task_blocked",
            hint="Finish what blocks it first, or remove the dependency.",
            blocked_by=blockers,
        )


def check_plan(task: Task, owner: Member) -> None:
    """Raise Conflict `plan_required` where `owner` needs an approved plan for the card first."""
    if owner.needs_plan and task.planned_by_id != owner.pk:
        raise Conflict(
            f"{owner.name} needs an approved plan of its own for #{task.number} first.",
            code="plan_required",
            hint="Submit a plan for it, or wait for the decision on the one you submitted.",
            task=task.number,
        )


def check_room(task: Task, column: Column, hint: str) -> None:
    """Raise Conflict `wip_limit` where `column` has no room for another card."""
    limit = task.team.wip_limit(column)
    if limit is not None and _others(task, column).count() >= limit:
        raise Conflict(
            f"{column.label} is full: its limit is {limit}.",
            code="wip_limit",
            hint=hint,
            limit=limit,
        )


def check_limits(task: Task, owner: Member) -> None:
    """Raise Conflict `wip_limit` where IN PROGRESS or `owner` has no room for another card."""
    check_room(task, Column.IN_PROGRESS, "Finish or release something there first.")
    each = task.team.wip_per_member
    if each is not None and _others(task, Column.IN_PROGRESS).filter(owner=owner).count() >= each:
        raise Conflict(
            f"{owner.name} already works on {each}, the limit for one member.",
            code="wip_limit",
            hint="Finish or release one of them first.",
            limit=each,
        )


def _others(task: Task, column: Column) -> TaskQuerySet:
    return Task.objects.filter(team=task.team).in_column(column).exclude(pk=task.pk)
