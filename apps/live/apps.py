from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

from django.apps import AppConfig

if TYPE_CHECKING:
    from apps.teams.waiting import Waiter, Wanted


class LiveConfig(AppConfig):
    name = "apps.live"

    def ready(self) -> None:
        """Let other doors wait for the journals that the hub of their process follows."""
        from apps.teams import waiting

        waiting.provide(_watch)


def _watch(team_id: int, wanted: Wanted) -> AbstractAsyncContextManager[Waiter]:
    from apps.live.hub import hub

    return hub().watch(team_id, wanted)
