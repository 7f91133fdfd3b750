from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import Q

from apps.core.actions import action
from apps.core.errors import Conflict, Invalid
from apps.tasks.actions.shared import lock_task, save_task
from apps.tasks.models import Task
from apps.tasks.models.task import STEP, TaskQuerySet
from apps.teams import events
from apps.teams.lifecycle import Allows
from apps.teams.models import Member
from apps.teams.permissions import Permission

CLOSEST = 1e-6
PLACE = ("position", "number")
Place = tuple[float, int]


@action
def position_task(
    actor: Member, number: int, *, before: int | None = None, after: int | None = None
) -> Task:
    """Put a card right before or after another one of its column. Where it is: fine, no event."""
    task = lock_task(actor, number)
    actor.require(Permission.MANAGE_TASKS)
    task.team.require(Allows.TASKS)
    number_there = after if before is None else before
    if number_there is None or (before is not None and after is not None):
        raise Invalid(fields={"before": "Name one task: before it or after it."})
    if number_there == number:
        return task
    others = Task.objects.visible_to(actor).in_column(task.column).exclude(pk=task.pk)
    anchor = _anchor(task, others, number_there)
    above, below = _gap(others, anchor, above=before is not None)
    if _is_between(task, above, below):
        return task
    return _place(actor, task, others, above, below)


def _anchor(task: Task, others: TaskQuerySet, number: int) -> Place:
    anchor: Place | None = others.filter(number=number).values_list(*PLACE).first()
    if anchor is None:
        raise Conflict(
            f"#{number} is not in {task.column.label}, where #{task.number} is.",
            code="wrong_state",
            hint="The board has moved on; look again.",
        )
    return anchor


def _gap(others: TaskQuerySet, anchor: Place, *, above: bool) -> tuple[Place | None, Place | None]:
    """The neighbours of the place right above or right below `anchor`."""
    position, number = anchor
    places = others.values_list(*PLACE)
    if above:
        earlier = Q(position__lt=position) | Q(position=position, number__lt=number)
        return places.filter(earlier).order_by("-position", "-number").first(), anchor
    later = Q(position__gt=position) | Q(position=position, number__gt=number)
    return anchor, places.filter(later).first()


def _is_between(task: Task, above: Place | None, below: Place | None) -> bool:
    here = (task.position, task.number)
    return (above is None or above < here) and (below is None or here < below)


def _place(
    actor: Member, task: Task, others: TaskQuerySet, above: Place | None, below: Place | None
) -> Task:
    extra: dict[str, Any] = {}
    if above is not None and below is not None:
        task.position = (above[0] + below[0]) / 2
        if below[0] - above[0] < CLOSEST:
            extra["affects"] = _spread(task, others, after=above)
    elif below is not None:
        task.position = below[0] - STEP
    elif above is not None:
        task.position = above[0] + STEP
    save_task(task, "position")
    events.record(actor, "task.moved", **task.as_fact(), **extra)
    return task


def _spread(task: Task, others: TaskQuerySet, *, after: Place) -> list[int]:
    """Give the whole column room again: halving the gap between two neighbours came to its end.

    Sets the card's own place, too; returns the numbers of the others.
    """
    cards = list(others.only(*PLACE))
    place = [card.number for card in cards].index(after[1]) + 1
    for index, card in enumerate([*cards[:place], task, *cards[place:]]):
        card.position = index * STEP
    Task.objects.bulk_update(cards, ["position"], batch_size=200)
    return [card.number for card in cards]


@action
def drop(
    actor: Member, number: int, move: Callable[[Member, int], Task], *,
    before: int | None = None, after: int | None = None,
) -> Task:  # fmt: skip
    """Do `move`, then put the card where it was dropped, if the actor may order columns.

    The place is a wish: an anchor that moved away meanwhile leaves the card on top.
    """
    task = move(actor, number)
    anchor = after if before is None else before
    if anchor is None or not actor.can(Permission.MANAGE_TASKS):
        return task
    there = Task.objects.visible_to(actor).in_column(task.column).filter(number=anchor)
    if there.exists():
        task = position_task(actor, number, before=before, after=after)
    return task
