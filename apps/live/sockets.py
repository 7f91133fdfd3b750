"""The websockets of open pages: let in, follow the hub, leave. The hub writes to them."""

from __future__ import annotations

import asyncio
import re
from importlib import import_module
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest
from django.http.cookie import parse_cookie

from apps.core.errors import DomainError
from apps.core.text import as_number
from apps.live import fragments
from apps.live.fragments import Audience
from apps.live.hub import Hub, hub
from apps.live.outlet import Outlet, Send
from apps.teams.access import seat_of
from apps.teams.models import Event, Member, Team

TEAM = re.compile(r"/ws/teams/(?P<slug>[^/]+)/")
ME = "/ws/me/"
BAD_CURSOR, NO_SEAT, SEAT_ENDED, LOGIN_ENDED, TOO_SLOW = 4400, 4404, 4003, 4001, 1013
EVERYONE = Audience("page")
Ending = asyncio.Future[int]

sessions: dict[str, set[Ending]] = {}
"""By login: what ends each of its sockets, with the code to close it."""


class Page:
    """One team followed by one open page."""

    def __init__(self, outlet: Outlet, seat: Member, view: str, ended: Ending) -> None:
        self.outlet, self.ended = outlet, ended
        self.team_id, self.member_id, self.name = seat.team_id, seat.pk, seat.name
        self.audience = audience_of(seat, view)
        self.cursor = 0
        self.is_lost = False
        self._rights = seat.permissions
        self._held: list[tuple[str, int]] | None = []

    def deliver(self, text: str, seq: int) -> None:
        """From the hub. Before the welcome it is kept back; after the end nothing goes out."""
        if self.ended.done():
            return
        if self._held is not None:
            self._held.append((text, seq))
            return
        self.cursor = seq
        if not self.outlet.offer(text):
            end(self.ended, TOO_SLOW)

    def welcome(self, text: str, seq: int) -> None:
        """The page is now at `seq`; what came meanwhile follows."""
        held, self._held = self._held or [], None
        if text:
            self.deliver(text, seq)
        for later, number in held:
            if number > seq:
                self.deliver(later, number)

    def hear(self, event: Event) -> None:
        """A seat changed: one's own end counts at once, anything else is looked up."""
        if event.kind == "member.left" and event.data.get("member") == self.name:
            self._lose_team()
            return
        asyncio.get_running_loop().create_task(self._look_again())

    async def _look_again(self) -> None:
        seat = await hub().run(_seat, self.member_id)
        if seat is None:
            self._lose_team()
            return
        self.audience = audience_of(seat, self.audience.view)
        if seat.permissions != self._rights and self.audience.view != "me":
            self._rights = seat.permissions  # other rights show other buttons, on every part
            self.deliver(fragments.cursor(self.cursor, reload=True), self.cursor)

    def _lose_team(self) -> None:
        """A page of the team closes; one about all my teams goes on with the others."""
        if self.audience.view == "me":
            self.deliver(fragments.stale("frame", "members", "team", "needs", "seats"), self.cursor)
            hub().leave(self.team_id, self)
            self.is_lost = True
            return
        end(self.ended, SEAT_ENDED)


class Overview:
    """A page about all teams of a person, who may be given a seat while it is open."""

    def __init__(self, user_id: int, outlet: Outlet, ended: Ending, pages: list[Page]) -> None:
        self.user_id, self.outlet, self.ended, self.pages = user_id, outlet, ended, pages

    async def sit(self, seats: frozenset[int]) -> None:
        """From the hub: follow the teams of new seats, and let the page ask for everything anew."""
        here = hub()
        self.pages[:] = [page for page in self.pages if not page.is_lost]
        for pk in seats - {page.member_id for page in self.pages}:
            seat = await here.run(_seat, pk)
            if seat is None:
                continue
            page = Page(self.outlet, seat, "me", self.ended)
            self.pages.append(page)
            await here.join(page.team_id, page)
            if self not in here.overviews:  # it closed meanwhile
                here.leave(page.team_id, page)
                return
            self.outlet.offer(fragments.stale("seats"))
            await _welcome(here, self.pages, None, self.outlet)


def end(ended: Ending, code: int) -> None:
    """Have a socket closed with `code`, unless it is over already."""
    if not ended.done():
        ended.set_result(code)


def audience_of(seat: Member, view: str) -> Audience:
    """Board pages differ by rights; other pages are only told what is stale.

    A page about all my teams hears of each only what is mine.
    """
    if view == "me":
        return Audience(view, name=seat.name)
    if view != "board":
        return EVERYONE
    return Audience(view, seat.permissions if seat.left_at is None else frozenset())


def _seat(member_id: int) -> Member | None:
    seat = Member.objects.select_related("team", "user").filter(pk=member_id).first()
    if seat is None or (seat.left_at and seat.team.state != Team.State.DISBANDED):
        return None
    return seat if seat.user and seat.user.is_active else None


async def application(scope: dict[str, Any], receive: Any, send: Send) -> None:
    """The ASGI application for websockets; unknown addresses and strangers are turned away."""
    await receive()
    match = TEAM.fullmatch(scope["path"])
    query = {key: values[-1] for key, values in parse_qs(scope["query_string"].decode()).items()}
    view = "board" if query.get("view") == "board" else "page"
    try:
        if (match is None and scope["path"] != ME) or not same_origin(scope):
            raise LookupError
        seats = await hub().run(_let_in, scope, match["slug"] if match else None)
    except (LookupError, DomainError):
        await send({"type": "websocket.close", "code": NO_SEAT})
        return
    await send({"type": "websocket.accept"})
    after = query.get("after", "")
    if match and as_number(after) is None:
        text = '<i id="refused" hx-swap-oob="true">“after” must be a whole number.</i>'
        await send({"type": "websocket.send", "text": text})
        await send({"type": "websocket.close", "code": BAD_CURSOR, "reason": "bad cursor"})
        return
    outlet, ended = Outlet(send), asyncio.get_running_loop().create_future()
    pages = [Page(outlet, seat, view if match else "me", ended) for seat in seats]
    overview = None if match else Overview(scope["user_id"], outlet, ended, pages)
    sessions.setdefault(scope["user_key"], set()).add(ended)
    try:
        await _follow(pages, int(after) if match else None, receive, send, outlet, ended, overview)
    finally:
        _forget(scope["user_key"], ended)


def _forget(key: str, ended: Ending) -> None:
    sessions[key].discard(ended)
    if not sessions[key]:
        del sessions[key]


def same_origin(scope: dict[str, Any]) -> bool:
    """Whether a browser's page of this very site asks; programs name no origin at all."""
    headers = dict(scope["headers"])
    origin = headers.get(b"origin", b"").decode("latin-1")
    host = urlsplit(origin).netloc.lower()
    own = {headers.get(b"host", b"").decode("latin-1").lower(), *settings.TRUSTED_ORIGIN_HOSTS}
    return not origin or host in own


async def _follow(
    pages: list[Page], after: int | None, receive: Any, send: Send, outlet: Outlet, ended: Ending,
    overview: Overview | None,
) -> None:  # fmt: skip
    here = hub()
    gone: asyncio.Future[Any] = asyncio.ensure_future(_gone(receive))
    try:
        for page in pages:
            await here.join(page.team_id, page)
        await _welcome(here, pages, after, outlet)
        if overview is not None:
            here.overviews.add(overview)
        await asyncio.wait([gone, ended], return_when=asyncio.FIRST_COMPLETED)
        if not gone.done():
            await _close(send, outlet, ended.result())
    finally:
        gone.cancel()
        if overview is not None:
            here.overviews.discard(overview)
        for page in pages:
            here.leave(page.team_id, page)


async def _welcome(here: Hub, pages: list[Page], after: int | None, outlet: Outlet) -> None:
    if after is not None:
        (page,) = pages
        text, seq = await here.run(fragments.welcome, page.team_id, after, page.audience)
        page.welcome(text, seq)
        return
    seq = await here.run(fragments.total, [page.team_id for page in pages])
    outlet.offer(fragments.cursor(seq))
    for page in pages:
        page.welcome("", 0)


async def _close(send: Send, outlet: Outlet, code: int) -> None:
    if code == TOO_SLOW:
        outlet.abort()
        return
    await send({"type": "websocket.close", "code": code})


async def _gone(receive: Any) -> None:
    """Return when the client has left; what it says meanwhile is not asked for."""
    while (await receive())["type"] != "websocket.disconnect":
        pass


def _let_in(scope: dict[str, Any], slug: str | None) -> list[Member]:
    """In the pool: the seats that the login behind the cookie may follow; LookupError for none."""
    request = HttpRequest()
    cookies = b"; ".join(value for name, value in scope["headers"] if name == b"cookie")
    key = parse_cookie(cookies.decode("latin-1")).get(settings.SESSION_COOKIE_NAME)
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(key)
    user = get_user(request)
    if not user.is_authenticated or not user.is_active:
        raise LookupError
    scope["user_key"], scope["user_id"] = key, user.pk
    if slug is not None:
        return [seat_of(user, slug)]
    seats = Member.objects.filter(user=user, left_at=None).select_related("team")
    return list(seats)
