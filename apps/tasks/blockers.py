"""What a card waits for: its unfinished dependencies, for one card or for many."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

from django.db.models import QuerySet

from apps.core.prepared import NUMBER, Prepared
from apps.tasks.models import Dependency
from apps.tasks.models.task import finished
from apps.teams.models import Team

Edges = QuerySet[Dependency]


def _of_one(*, wait_for_approval: bool) -> Callable[[Edges], QuerySet[Dependency, tuple[int]]]:
    unfinished = ~finished("blocker__", wait_for_approval=wait_for_approval)
    return lambda edges: (
        edges.filter(unfinished, blocked_id=NUMBER)
        .order_by("blocker__number")
        .values_list("blocker__number")
    )


OF_ONE = {wait: Prepared(Dependency, _of_one(wait_for_approval=wait)) for wait in (False, True)}


def blockers_of(team: Team, key: int) -> list[int]:
    """The numbers of what the card of this key waits for, in order."""
    return [number for (number,) in OF_ONE[team.dependencies_wait_for_approval].rows(key)]


def open_blockers(team: Team, keys: Sequence[int]) -> dict[int, list[int]]:
    """By card key: the numbers of unfinished dependencies, in order."""
    found: dict[int, list[int]] = defaultdict(list)
    edges = Dependency.objects.filter(blocked__in=keys).still_open(team)
    for blocked, number in edges.order_by("blocker__number").values_list(
        "blocked_id", "blocker__number"
    ):
        found[blocked].append(number)
    return found
