"""One hub a server process: it reads each team's journal once and serves whoever follows it."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from apps.core.front import shared
from apps.core.pool import tell
from apps.core.statements import fetch, here
from apps.live import fragments
from apps.live.fragments import Audience
from apps.live.wire import Wire
from apps.teams import events
from apps.teams.models import Event, Member, Team

log = logging.getLogger(__name__)
CHECK_EVERY = 1.0
Wanted = Callable[[Event], bool]


class Follower(Protocol):
    """An open page: who sees it, up to where it is, and how it is written to."""

    audience: Audience
    member_id: int
    cursor: int

    def deliver(self, text: str, seq: int) -> None:
        """Send fragments that bring the page to `seq`."""

    def hear(self, event: Event) -> None:
        """An event that may concern the follower's own seat."""


class Overview(Protocol):
    """An open page about all teams of a person."""

    user_id: int

    async def sit(self, seats: frozenset[int]) -> None:
        """The person's live seats are these now, by key."""


@dataclass(eq=False)
class Waiter:
    """Somebody who waits for an event that `wanted` admits."""

    wanted: Wanted
    event: asyncio.Future[int]

    async def came(self, timeout: float) -> int | None:
        """The number of the event that ended the wait, or None after `timeout` seconds."""
        done, _ = await asyncio.wait([self.event], timeout=timeout)
        return self.event.result() if done else None


@dataclass(eq=False)
class Followed:
    """A team that somebody here follows, and where in its journal this process is."""

    team_id: int
    cursor: int
    pages: set[Follower] = field(default_factory=set)
    waiters: set[Waiter] = field(default_factory=set)
    stale: bool = False
    reading: asyncio.Task[None] | None = None


class Hub:
    """Lives on the event loop. News comes from this process's commits, from other processes over
    the channel layer, and from a light check of the journal once a second."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.run = shared().run
        self.teams: dict[int, Followed] = {}
        self.overviews: set[Overview] = set()
        self._wire = Wire(self.news)
        self._undo = events.listen(self._committed)
        self._tasks = [
            self.loop.create_task(self._check()),
            self.loop.create_task(self._wire.listen()),
        ]

    def close(self) -> None:
        """Stop; only tests need it."""
        self._undo()
        for task in self._tasks:
            task.cancel()

    # Who follows -----------------------------------------------------------------------------

    async def join(self, team_id: int, page: Follower) -> None:
        """Serve `page` from now on."""
        (await self._follow(team_id)).pages.add(page)

    def leave(self, team_id: int, page: Follower) -> None:
        """Stop serving `page`."""
        if team_id in self.teams:
            self.teams[team_id].pages.discard(page)
            self._forget(team_id)

    @asynccontextmanager
    async def watch(self, team_id: int, wanted: Wanted) -> AsyncIterator[Waiter]:
        """Begin to listen, before the reading that decides whether to wait at all."""
        team = await self._follow(team_id)
        waiter = Waiter(wanted, self.loop.create_future())
        team.waiters.add(waiter)
        try:
            yield waiter
        finally:
            team.waiters.discard(waiter)
            self._forget(team_id)

    async def _follow(self, team_id: int) -> Followed:
        if team_id not in self.teams:
            seq = await self.run(_seq, team_id)
            self.teams.setdefault(team_id, Followed(team_id, seq))
        return self.teams[team_id]

    def _forget(self, team_id: int) -> None:
        team = self.teams.get(team_id)
        if team and not team.pages and not team.waiters and team.reading is None:
            del self.teams[team_id]

    # News ------------------------------------------------------------------------------------

    def _committed(self, team_id: int) -> None:
        """From any thread: something was committed in this process."""
        if not self.loop.is_closed():
            tell(self.loop, partial(self._own_news, team_id))

    def _own_news(self, team_id: int) -> None:
        self._wire.tell(team_id)
        self.news(team_id)

    def news(self, team_id: int) -> None:
        """The team's journal has grown: read it, or once more after the reading under way."""
        team = self.teams.get(team_id)
        if team is None:
            return
        team.stale = True
        if team.reading is None:
            team.reading = self.loop.create_task(self._read(team))

    async def _read(self, team: Followed) -> None:
        try:
            while team.stale:
                team.stale = False
                groups = frozenset(page.audience for page in team.pages)
                batch = await self.run(fragments.read, team.team_id, team.cursor, groups)
                if batch is not None:
                    team.cursor = batch.seq
                    self._serve(team, batch)
        except Exception:
            log.exception("Reading the journal of team %s failed.", team.team_id)
        finally:
            team.reading = None
            self._forget(team.team_id)

    def _serve(self, team: Followed, batch: fragments.Batch) -> None:
        for event in batch.events:
            if event.kind in fragments.SEAT_KINDS:  # first: who lost their seat is told no more
                for page in list(team.pages):
                    page.hear(event)
            for waiter in list(team.waiters):
                if not waiter.event.done() and waiter.wanted(event):
                    waiter.event.set_result(event.seq)
        for page in list(team.pages):
            text = batch.texts.get(page.audience)
            if text is not None and page.cursor < batch.seq:
                page.deliver(text, batch.seq)

    async def _check(self) -> None:
        """Notice what other processes wrote, also without a channel layer."""
        while True:
            await asyncio.sleep(CHECK_EVERY)
            try:
                if self.teams:
                    await self._check_teams()
                if self.overviews:
                    await self._check_seats()
            except Exception:
                log.exception("Checking the journals failed; trying again.")

    async def _check_teams(self) -> None:
        here = {team_id: team.cursor for team_id, team in self.teams.items()}
        seqs = await self.run(_seqs, list(here))
        for team_id, was in here.items():
            team, seq = self.teams.get(team_id), seqs.get(team_id, 0)
            if team is not None and seq < was:
                self._start_anew(team, seq)
            elif team is not None and seq > team.cursor:
                self.news(team_id)

    def _start_anew(self, team: Followed, seq: int) -> None:
        """The journal is another one: a backup was restored, or the team was deleted."""
        team.cursor = seq
        for waiter in list(team.waiters):
            if not waiter.event.done():
                waiter.event.set_result(seq)
        for page in list(team.pages):
            page.deliver(fragments.cursor(seq, reload=True), seq)

    async def _check_seats(self) -> None:
        """Who was given a seat follows a team of which no news reached them so far."""
        pages = list(self.overviews)
        seats = await self.run(_seats, {page.user_id for page in pages})
        for page in pages:
            await page.sit(seats.get(page.user_id, frozenset()))


def _seats(user_ids: set[int]) -> dict[int, frozenset[int]]:
    """The keys of these people's live seats; one query."""
    found: dict[int, set[int]] = defaultdict(set)
    rows = Member.objects.filter(user__in=user_ids, left_at=None).order_by()
    for user_id, pk in rows.values_list("user_id", "pk"):
        if user_id is not None:
            found[user_id].add(pk)
    return {user_id: frozenset(pks) for user_id, pks in found.items()}


def _seq(team_id: int) -> int:
    return int(Team.objects.values_list("seq", flat=True).get(pk=team_id))


def _seqs(team_ids: list[int]) -> dict[int, int]:
    """Asked once a second for as long as somebody is there: making a query would be most of it."""
    places = ", ".join(["%s"] * len(team_ids))
    table = Team._meta.db_table
    statement = f"SELECT id, seq FROM {table} WHERE id IN ({places})"  # noqa: S608
    return dict(fetch(here(), statement, team_ids))


_hubs: dict[asyncio.AbstractEventLoop, Hub] = {}


def hub() -> Hub:
    """The hub of the running loop, started at the first call."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub()
    return _hubs[loop]
