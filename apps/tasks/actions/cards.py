from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from apps.core.actions import action
from apps.core.errors import Conflict, Invalid, NotAllowed
from apps.tasks.actions.edges import link_blockers, link_related
from apps.tasks.actions.gates import check_limits, check_plan
from apps.tasks.actions.shared import assign, find_owner, lock_task, put_on_top, renew, save_task
from apps.tasks.actions.values import PLAIN, checked, checked_metadata, merged, set_labels
from apps.tasks.models import Task
from apps.tasks.models.task import Priority
from apps.tasks.moves import Column
from apps.teams import events
from apps.teams.actions import lock_team
from apps.teams.lifecycle import Allows
from apps.teams.models import Member, Team
from apps.teams.permissions import Permission

LINKS = {"blocked_by": link_blockers, "related": link_related}
EDITABLE = PLAIN | {"owner", "labels", "metadata", *LINKS}


@action
def create_task(
    actor: Member,
    subject: str,
    *,
    description: str = "",
    owner: str | None = None,
    priority: int | str = Priority.NORMAL,
    labels: Sequence[str] = (),
    blocked_by: Sequence[int] = (),
    related: Sequence[int] = (),
    due: date | None = None,
    active_form: str = "",
    metadata: dict[str, Any] | None = None,
) -> Task:
    """A new card at the top of TODO. Its number has never been used in the team before."""
    team = lock_team(actor)
    actor.require_edit()
    team.require(Allows.TASKS)
    values = checked(
        subject=subject, description=description, priority=priority, due=due,
        active_form=active_form,
    )  # fmt: skip
    task = Task(team=team, created_by=actor, owner=find_owner(team, owner), **values)
    task.metadata = merged({}, checked_metadata(metadata))
    task.number = next_number(team)
    put_on_top(task, Column.TODO)
    task.save(force_insert=True)
    if labels:
        set_labels(task, labels)
    links = {"blocked_by": blocked_by, "related": related}
    touched = _link(task, {key: numbers for key, numbers in links.items() if numbers})
    extra: dict[str, Any] = {"affects": sorted(touched)} if touched else {}
    events.record(actor, "task.created", **task.as_fact(), subject=task.subject, **extra)
    assign(actor, task)
    return task


def next_number(team: Team) -> int:
    """The team's next card number; the caller holds the team's lock."""
    team.task_watermark += 1
    team.save(update_fields=["task_watermark"])
    return team.task_watermark


@action
def edit_task(
    actor: Member, number: int, *, expected_version: int | None = None, **values: Any
) -> Task:
    """Change what a card says: subject, description, owner, priority, labels, due, active_form,
    blocked_by, related, metadata (merged; a null deletes its key).

    With `expected_version`, a card that changed meanwhile is a Conflict `stale`.
    """
    task = lock_task(actor, number)
    actor.require_edit()
    task.team.require(Allows.TASKS)
    _check_version(task, expected_version)
    before = task.owner
    changed = _apply(actor, task, values)
    touched = _link(task, {key: values[key] for key in LINKS if values.get(key) is not None})
    if not changed and not touched:
        return task
    save_task(task, *PLAIN, "owner", "metadata")
    _record_edit(actor, task, changed, touched)
    if "owner" in changed:
        assign(actor, task, before=before)
    return task


def _check_version(task: Task, expected: int | None) -> None:
    if expected is not None and expected != task.version:
        raise Conflict(
            f"#{task.number} was changed meanwhile.",
            code="stale",
            hint="Look at it again, then repeat your change.",
            version=task.version,
        )


def _record_edit(
    actor: Member, task: Task, changed: set[str], touched: dict[int, set[str]]
) -> None:
    fact: dict[str, Any] = {"changed": sorted(changed.union(*touched.values()))}
    if "owner" in changed:
        fact["owner"] = task.owner.name if task.owner else None
    if touched:
        fact["affects"] = sorted(touched)
    events.record(actor, "task.edited", **task.as_fact(), **fact)


def _apply(actor: Member, task: Task, values: dict[str, Any]) -> set[str]:
    if unknown := sorted(values.keys() - EDITABLE):
        raise Invalid(fields=dict.fromkeys(unknown, "A card has no such value to edit."))
    fresh = checked(**{key: value for key, value in values.items() if key in PLAIN})
    if values.get("metadata") is not None:
        fresh["metadata"] = merged(task.metadata, checked_metadata(values["metadata"]))
    if "owner" in values:
        fresh["owner"] = find_owner(task.team, values["owner"])
    changed = {key for key, value in fresh.items() if getattr(task, key) != value}
    if "owner" in changed:
        _check_hand_over(actor, task, fresh["owner"])
    for key in changed:
        setattr(task, key, fresh[key])
    if values.get("labels") is not None and set_labels(task, values["labels"]):
        changed.add("labels")
    return changed


def _link(task: Task, links: dict[str, Sequence[int]]) -> dict[int, set[str]]:
    """Set the card's edges; which other cards that touched, and by which kind of edge."""
    touched: dict[int, set[str]] = {}
    for key, numbers in links.items():
        for number in LINKS[key](task, numbers):
            touched.setdefault(number, set()).add(key)
    if touched:
        renew(task.team, touched.keys())
    return touched


def _check_hand_over(actor: Member, task: Task, owner: Member | None) -> None:
    holder = task.holder
    may_give = actor.can(Permission.MANAGE_TASKS) or holder is None or holder.pk == actor.pk
    if not may_give and holder is not None:
        raise NotAllowed(f"#{task.number} belongs to {holder.name}; you may not give it away.")
    if task.column != Column.IN_PROGRESS:
        return
    if owner is None:
        raise Conflict(
            f"#{task.number} is in progress and needs an owner.",
            code="wrong_state",
            hint="Release it to make it nobody's.",
            column=task.column.value,
        )
    check_plan(task, owner)  # who gets running work starts it
    check_limits(task, owner)
