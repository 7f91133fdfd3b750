"""What happens because time passes: silence is noticed, ended logins close their pages."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from datetime import datetime

from django.contrib.sessions.models import Session
from django.utils import timezone
from django.utils.html import format_html

from apps.live import sockets
from apps.live.hub import Hub
from apps.messaging.actions.discussions import stuck, sweep_deadlocks
from apps.tasks.actions import sweep as work
from apps.teams.models import Member, Team

log = logging.getLogger(__name__)
EVERY = 15.0
Seen = dict[int, dict[str, tuple[str, str]]]


class Clock:
    """Ticks as long as the process runs; a tick that fails is logged and the next one comes."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._seen: Seen = {}

    async def run(self) -> None:
        """Tick for ever."""
        while True:
            await asyncio.sleep(EVERY)
            try:
                await self.tick()
            except Exception:
                log.exception("A tick failed; the next one will try again.")

    async def tick(self) -> None:
        """One round of everything that is due."""
        await self._hub.run(sweep)
        for key in await self._hub.run(ended_sessions, list(sockets.sessions)):
            for ended in list(sockets.sessions.get(key, ())):
                sockets.end(ended, sockets.LOGIN_ENDED)
        await self._tell_presence()

    async def _tell_presence(self) -> None:
        followed = [team.team_id for team in self._hub.teams.values() if team.pages]
        if not followed:
            self._seen = {}
            return
        now = await self._hub.run(presences, followed)
        for team_id, members in now.items():
            before = self._seen.get(team_id, {})
            changed = {name: seen for name, seen in members.items() if before.get(name) != seen}
            if changed and team_id in self._hub.teams:
                text = presence(changed)
                for page in list(self._hub.teams[team_id].pages):
                    page.deliver(text, page.cursor)
        self._seen = now


def sweep() -> None:
    """Flag stalled work and deadlocked discussions; each team in a transaction of its own."""
    for team_id in work.teams_with_silent_work():
        work.flag_stalled(team_id)
    for team in Team.objects.filter(discussions__in=stuck()).distinct():
        sweep_deadlocks(team)


def ended_sessions(keys: Iterable[str]) -> set[str]:
    """Those of the logins that are over."""
    keys = set(keys)
    if not keys:
        return set()
    live = Session.objects.filter(session_key__in=keys, expire_date__gt=timezone.now())
    return keys - set(live.values_list("session_key", flat=True))


def presences(team_ids: list[int]) -> Seen:
    """By team and name: the presence of each seated member, and when it was last seen."""
    now = timezone.now()
    seen: Seen = {team_id: {} for team_id in team_ids}
    for member in Member.objects.seated().filter(team_id__in=team_ids):
        at: datetime | None = member.last_seen_at
        seen[member.team_id][member.name] = (
            member.presence(now).value,
            at.isoformat() if at else "",
        )
    return seen


def presence(changed: dict[str, tuple[str, str]]) -> str:
    """An element that tells pages who is there; `name|state|seen` per member."""
    rows = [f"{name}|{state}|{seen}" for name, (state, seen) in sorted(changed.items())]
    return format_html(
        '<i id="presence" data-members="{}" hidden hx-swap-oob="true"></i>', "\n".join(rows)
    )
