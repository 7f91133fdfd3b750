"""Waiting for the journal: a port filled by the app that follows it, for those below and beside."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from apps.teams.models import Event

Wanted = Callable[[Event], bool]


class Waiter(Protocol):
    """Somebody who listens to a team's journal from now on."""

    async def came(self, timeout: float) -> int | None:
        """The number of the event that ended the wait, or None after `timeout` seconds."""


Watch = Callable[[int, Wanted], AbstractAsyncContextManager[Waiter]]
_provided: list[Watch] = []


def provide(watch: Watch) -> None:
    """Say who follows the journals in this process."""
    _provided[:] = [watch]


def watch(team_id: int, wanted: Wanted) -> AbstractAsyncContextManager[Waiter]:
    """Listen for events of the team that `wanted` admits; enter before the reading that decides."""
    return _provided[0](team_id, wanted)
