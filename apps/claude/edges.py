"""Which cards wait for which, in the words of the files and of the board."""

from __future__ import annotations

from typing import Any

from apps.tasks.models import Dependency
from apps.teams.models import Team


def blockers_of(team: Team, names: dict[int, str]) -> dict[int, list[str]]:
    """By number of a card: the file ids of the cards that block it."""
    edges = Dependency.objects.filter(blocked__team=team)
    found: dict[int, list[str]] = {}
    for blocker, blocked in edges.values_list("blocker__number", "blocked__number"):
        if blocker in names:
            found.setdefault(blocked, []).append(names[blocker])
    return found


def edges_of(file_id: str, said: dict[str, Any]) -> set[tuple[str, str]]:
    """The edges (blocker, blocked) that a file tells of."""
    blocks = {(file_id, other) for other in said.get("blocks", ())}
    return blocks | {(other, file_id) for other in said.get("blocked_by", ())}
