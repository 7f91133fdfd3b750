from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from apps.core.actions import action
from apps.core.errors import Conflict, Invalid, NotFound
from apps.tasks import graph
from apps.tasks.actions.shared import lock_task, renew, save_task
from apps.tasks.models import Dependency, Task
from apps.teams import events
from apps.teams.lifecycle import Allows
from apps.teams.models import Member


@action
def add_blocker(actor: Member, number: int, blocker: int) -> Task:
    """#number waits for #blocker from now on. A cycle is a Conflict that tells the path."""
    task = _lock_for_edit(actor, number)
    other = _other(task, blocker)
    if Dependency.objects.filter(blocked=task, blocker=other).exists():
        return task
    _link(task, [other])
    return _record(actor, task, "task.blocked_by", blocker, by=blocker)


@action
def remove_blocker(actor: Member, number: int, blocker: int) -> Task:
    """#number no longer waits for #blocker. Where it never did: fine, no event."""
    task = _lock_for_edit(actor, number)
    deleted, _ = Dependency.objects.filter(blocked=task, blocker__number=blocker).delete()
    if not deleted:
        return task
    return _record(actor, task, "task.unblocked", blocker, by=blocker)


@action
def relate(actor: Member, number: int, other: int) -> Task:
    """Note that two cards have to do with each other; both show it."""
    task = _lock_for_edit(actor, number)
    _check_not_self(task, {other}, "related")
    found = _other(task, other)
    if task.related.filter(pk=found.pk).exists():
        return task
    task.related.add(found)
    return _record(actor, task, "task.edited", other, changed=["related"])


@action
def unrelate(actor: Member, number: int, other: int) -> Task:
    """Take the relation back. Where there is none: fine, no event."""
    task = _lock_for_edit(actor, number)
    found = task.related.filter(number=other).first()
    if found is None:
        return task
    task.related.remove(found)
    return _record(actor, task, "task.edited", other, changed=["related"])


def _lock_for_edit(actor: Member, number: int) -> Task:
    task = lock_task(actor, number)
    actor.require_edit()
    task.team.require(Allows.TASKS)
    return task


def _record(actor: Member, task: Task, kind: str, other: int, **data: Any) -> Task:
    save_task(task)
    renew(task.team, [other])
    events.record(actor, kind, **task.as_fact(), **data, affects=[other])
    return task


def _other(task: Task, number: int) -> Task:
    other = Task.objects.filter(team=task.team, number=number).first()
    if other is None:
        raise NotFound(f"There is no task #{number} in this team.", code="task_not_found")
    return other


def _link(task: Task, blockers: Collection[Task]) -> None:
    edges = Dependency.objects.filter(blocked__team=task.team)
    pairs = list(edges.values_list("blocker__number", "blocked__number"))
    for blocker in blockers:
        path = graph.find_cycle(pairs, blocker.number, task.number)
        if path is not None:
            raise _cycle(task, blocker, path)
    Dependency.objects.bulk_create(Dependency(blocker=other, blocked=task) for other in blockers)


def _cycle(task: Task, blocker: Task, path: list[int]) -> Conflict:
    shown = " → ".join(f"#{number}" for number in path)
    return Conflict(
        f"#{task.number} cannot wait for #{blocker.number}: that closes the circle {shown}.",
        code="cycle",
        hint="Remove one of these dependencies first.",
        path=path,
    )


def link_blockers(task: Task, numbers: Iterable[int]) -> set[int]:
    """Make exactly these cards block `task`; the numbers of those whose edge came or went."""
    wanted = set(numbers)
    edges = Dependency.objects.filter(blocked=task)
    current = set(edges.values_list("blocker__number", flat=True))
    if wanted - current:
        _link(task, _found(task, wanted - current, "blocked_by"))
    if current - wanted:
        edges.filter(blocker__number__in=current - wanted).delete()
    return wanted ^ current


def link_related(task: Task, numbers: Iterable[int]) -> set[int]:
    """Make exactly these cards related to `task`; the numbers of those that came or went."""
    wanted = set(numbers)
    current = set(task.related.values_list("number", flat=True))
    if wanted != current:
        _check_not_self(task, wanted, "related")
        task.related.set(_found(task, wanted, "related"))
    return wanted ^ current


def _check_not_self(task: Task, numbers: set[int], field: str) -> None:
    if task.number in numbers:
        raise Invalid(fields={field: f"#{task.number} cannot refer to itself."})


def _found(task: Task, numbers: set[int], field: str) -> list[Task]:
    found = list(Task.objects.filter(team=task.team, number__in=numbers).order_by("number"))
    missing = sorted(numbers - {other.number for other in found})
    if missing:
        raise Invalid(fields={field: f"There is no task #{missing[0]} in this team."})
    return found
