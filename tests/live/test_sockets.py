"""Open pages follow the journal: at once, after an absence, and not a moment after their seat."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import connection
from django.utils import timezone

from apps.core.actions import action
from apps.live import clock, fragments, sockets
from apps.live import hub as hubs
from apps.live.hub import Hub
from apps.tasks.actions import claim_task, comment, create_task
from apps.teams import events
from apps.teams.actions import (
    change_member,
    change_team,
    create_invitation,
    end_seat,
    return_seat,
    seat_person,
    transition_team,
)
from apps.teams.models import Event, Team, User
from tests.conftest import Cast, make_cast, person
from tests.live.conftest import Browser, browser, fresh

BOARD = "/ws/teams/checkout/"
acted = sync_to_async


async def seq(cast: Cast) -> int:
    return (await Team.objects.aget(pk=cast.team.pk)).seq


def open_board(cast: Cast, name: str, after: object, view: str = "board"):  # type: ignore[no-untyped-def]
    return browser(cast.people[name], BOARD, query=f"after={after}&view={view}")


@pytest.mark.parametrize(
    ("who", "path", "origin"),
    [
        (None, BOARD, ""),
        ("mallory", BOARD, ""),
        ("alice", "/ws/teams/unknown/", ""),
        ("alice", "/ws/elsewhere/", ""),
        ("alice", BOARD, "http://evil.example"),
    ],
)
async def test_who_may_not_follow_is_turned_away(
    live_cast: Cast, who: str | None, path: str, origin: str
) -> None:
    user: User | None = live_cast.people[who] if who else None
    async with browser(user, path, query="after=0", origin=origin) as page:
        await page.until(lambda: page.closed is not None)
        assert (page.accepted, page.closed, page.texts) == (False, sockets.NO_SEAT, [])


async def test_a_page_of_this_site_is_let_in(live_cast: Cast) -> None:
    query = f"after={await seq(live_cast)}"
    user = live_cast.people["alice"]
    async with browser(user, BOARD, query=query, origin="http://testserver") as page:
        await page.until(lambda: page.cursor == live_cast.team.seq or page.cursor > 0)
        assert page.accepted


@pytest.mark.parametrize("made_up", ["", "abc", "-1", "1.5", "9" * 30, "²"])
async def test_a_cursor_that_is_no_number_is_refused_in_words(
    live_cast: Cast, made_up: str
) -> None:
    async with open_board(live_cast, "alice", made_up) as page:
        await page.until(lambda: page.closed is not None)
        assert page.closed == sockets.BAD_CURSOR
        assert "whole number" in page.texts[0]


async def test_a_cursor_of_the_future_means_reload(live_cast: Cast) -> None:
    async with open_board(live_cast, "alice", 10_000) as page:
        await page.until(lambda: bool(page.texts))
        assert "data-reload" in page.texts[0]


async def test_a_cursor_older_than_the_journal_means_reload(live_cast: Cast) -> None:
    await Event.objects.filter(team=live_cast.team).aupdate(at=timezone.now() - timedelta(days=9))
    team = await Team.objects.aget(pk=live_cast.team.pk)
    await acted(events.prune)(team, before=timezone.now() - timedelta(days=1))
    async with open_board(live_cast, "alice", 1) as page:
        await page.until(lambda: bool(page.texts))
        assert "data-reload" in page.texts[0]
        assert page.cursor == team.seq
    async with open_board(live_cast, "alice", team.seq) as page:
        await page.until(lambda: page.cursor == team.seq)
        assert "data-reload" not in page.texts[0]


async def test_a_page_that_is_more_than_a_reading_behind_is_loaded_anew(live_cast: Cast) -> None:
    start = await seq(live_cast)
    line = events.Line(live_cast.alice, "team.changed", {"changed": []})
    await acted(action(events.record_all))(live_cast.team, [line] * (events.MOST_NEWS + 1))
    async with open_board(live_cast, "alice", start + 1) as page:
        await page.until(lambda: bool(page.texts))
        assert "data-reload" not in page.texts[0]
    async with open_board(live_cast, "alice", start) as page:
        await page.until(lambda: bool(page.texts))
        assert "data-reload" in page.texts[0]
        assert page.cursor == start + events.MOST_NEWS + 1


async def test_news_too_long_for_a_server_to_send_loads_the_board_anew(
    live_cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_board(live_cast, "alice", await seq(live_cast)) as page:
        await page.until(lambda: page.cursor > 0)
        monkeypatch.setattr(fragments, "MOST_TEXT", 10)
        await acted(create_task)(await fresh(live_cast.alice), "Long")
        await page.until(lambda: "data-reload" in page.texts[-1])
        assert "Long" not in page.texts[-1]


@pytest.mark.parametrize("left", [3, 0])
async def test_a_journal_that_was_set_back_is_loaded_anew_by_pages_and_waiters(
    live_cast: Cast, hub: Hub, left: int
) -> None:
    team, start = live_cast.team, await seq(live_cast)
    async with (
        open_board(live_cast, "alice", start) as page,
        hub.watch(team.pk, lambda event: True) as waiter,
    ):
        await page.until(lambda: page.cursor == start)
        await hub._check_teams()
        assert not waiter.event.done()
        await Event.objects.filter(team=team, seq__gt=left).adelete()
        await Team.objects.filter(pk=team.pk).aupdate(seq=left)
        await hub._check_teams()
        assert "data-reload" in page.texts[-1]
        assert (page.cursor, await waiter.came(1)) == (left, left)
        await acted(create_task)(await fresh(live_cast.alice), "After the restore")
        await page.until(lambda: page.cursor > left)
        assert "After the restore" in page.texts[-1]


async def test_two_people_see_a_change_and_who_was_away_catches_up(live_cast: Cast) -> None:
    start = await seq(live_cast)
    async with (
        open_board(live_cast, "alice", start) as alice,
        open_board(live_cast, "bob", start) as bob,
    ):
        await alice.until(lambda: alice.cursor == start)
        await bob.until(lambda: bob.cursor == start)
        task = await acted(create_task)(await fresh(live_cast.alice), "Retry the webhook")
        for page in (alice, bob):
            await page.until(lambda page=page: page.cursor > start)  # type: ignore[misc]
            assert f'data-task="{task.number}"' in page.texts[-1]
            assert 'data-in="todo"' in page.texts[-1]
    await acted(claim_task)(await fresh(live_cast.hal), task.number)
    async with open_board(live_cast, "bob", alice.cursor) as bob:
        await bob.until(lambda: bool(bob.texts))
        assert 'data-in="in_progress"' in bob.texts[0]
        assert bob.cursor == await seq(live_cast)


async def test_those_with_the_same_rights_get_the_same_bytes(live_cast: Cast) -> None:
    start = await seq(live_cast)
    async with (
        open_board(live_cast, "bob", start) as one,
        open_board(live_cast, "bob", start) as two,
    ):
        await one.until(lambda: one.cursor == start)
        await two.until(lambda: two.cursor == start)
        await acted(create_task)(await fresh(live_cast.alice), "Same for both")
        await one.until(lambda: one.cursor > start)
        await two.until(lambda: two.cursor > start)
        assert one.texts[-1] == two.texts[-1]


async def test_other_pages_are_told_what_is_stale(live_cast: Cast) -> None:
    task = await acted(create_task)(await fresh(live_cast.alice), "Talk about it")
    start = await seq(live_cast)
    async with open_board(live_cast, "vera", start, view="page") as page:
        await page.until(lambda: page.cursor == start)
        await acted(comment)(await fresh(live_cast.bob), task.number, "Done soon.")
        await page.until(lambda: page.cursor > start)
        assert f"task-{task.number}" in page.texts[-1]
        assert "data-in" not in page.texts[-1]


async def test_a_page_of_all_my_teams_hears_of_each(live_cast: Cast) -> None:
    start = await seq(live_cast)
    async with browser(live_cast.people["alice"], "/ws/me/") as page:
        await page.until(lambda: page.cursor == start)
        await acted(create_task)(await fresh(live_cast.alice), "Anything")
        await page.until(lambda: len(page.texts) > 1)
        assert "tasks" in page.texts[-1]


async def test_an_ended_seat_loses_the_socket_at_once(live_cast: Cast) -> None:
    start = await seq(live_cast)
    async with open_board(live_cast, "bob", start) as page:
        await page.until(lambda: page.cursor == start)
        await acted(end_seat)(await fresh(live_cast.alice), "bob")
        await page.until(lambda: page.closed is not None)
        assert page.closed == sockets.SEAT_ENDED
        told = len(page.texts)
        await acted(create_task)(await fresh(live_cast.alice), "Not for Bob")
        await asyncio.sleep(0.1)
        assert len(page.texts) == told


@pytest.mark.parametrize("view", ["board", "page"])
async def test_other_rights_reload_the_page(live_cast: Cast, view: str) -> None:
    start = await seq(live_cast)
    async with open_board(live_cast, "vera", start, view) as page:
        await page.until(lambda: page.cursor == start)
        await acted(change_member)(await fresh(live_cast.alice), "vera", role="member")
        await page.until(lambda: any("data-reload" in text for text in page.texts))
        assert page.closed is None


async def test_a_page_of_all_my_teams_outlives_one_seat(live_cast: Cast) -> None:
    other = await acted(make_cast)("billing")
    both = await seq(live_cast) + await seq(other)
    async with browser(live_cast.people["bob"], "/ws/me/") as page:
        await page.until(lambda: page.cursor == both)  # it would notice what it missed
        await acted(end_seat)(await fresh(live_cast.alice), "bob")
        await page.until(lambda: any("frame" in text for text in page.texts))
        await acted(create_task)(await fresh(live_cast.alice), "Not for Bob any more")
        await acted(create_task)(await fresh(other.alice), "In the other team")
        await page.until(lambda: any("tasks" in text for text in page.texts))
        assert sum("tasks" in text for text in page.texts) == 1
        assert page.closed is None


async def test_a_page_of_all_my_teams_follows_a_seat_given_meanwhile(live_cast: Cast) -> None:
    other = await acted(make_cast)("billing")
    mallory = live_cast.people["mallory"]
    async with browser(mallory, "/ws/me/") as page:
        await page.until(lambda: page.cursor == 0)
        await acted(create_task)(await fresh(other.alice), "Not for Mallory yet")
        seat = await acted(seat_person)(other.team, mallory, role="member")
        await page.until(lambda: page.cursor > 0)
        assert any('"seats"' in text for text in page.texts)
        await acted(create_task)(await fresh(other.alice), "For all who sit here")
        await page.until(lambda: any("tasks" in text for text in page.texts))
        assert sum("tasks" in text for text in page.texts) == 1

        known = page.cursor
        await acted(end_seat)(await fresh(other.alice), "mallory")
        await page.until(lambda: any("members team" in text for text in page.texts))
        await acted(return_seat)(await fresh(other.alice), seat.name)
        await page.until(lambda: page.cursor > known)
        assert page.closed is None
        for team in (live_cast, other):
            await acted(create_task)(await fresh(team.alice), "Anything")
        await page.until(lambda: sum("tasks" in text for text in page.texts) == 2)
    assert not hubs.hub().overviews
    assert not hubs.hub().teams


async def test_a_disbanded_team_stays_open_to_read(live_cast: Cast) -> None:
    start = await seq(live_cast)
    async with open_board(live_cast, "bob", start) as page:
        await page.until(lambda: page.cursor == start)
        await acted(transition_team)(await fresh(live_cast.alice), "disbanded")
        await page.until(lambda: any("data-reload" in text for text in page.texts))
        assert page.closed is None


async def test_the_end_of_a_login_closes_its_pages(hub: Hub, live_cast: Cast) -> None:
    from django.contrib.sessions.models import Session

    start = await seq(live_cast)
    async with open_board(live_cast, "bob", start) as page:
        await page.until(lambda: page.cursor == start)
        await Session.objects.all().adelete()
        await clock.Clock(hub).tick()
        await page.until(lambda: page.closed is not None)
        assert page.closed == sockets.LOGIN_ENDED


async def test_what_another_process_wrote_is_noticed(
    live_cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = await seq(live_cast)
    async with open_board(live_cast, "alice", start) as page:
        await page.until(lambda: page.cursor == start)
        monkeypatch.setattr(
            events, "_tell", lambda team_id: None
        )  # as in a process that serves no pages
        await acted(create_task)(await fresh(live_cast.alice), "From a command")
        await page.until(lambda: page.cursor > start)
        assert "From a command" in page.texts[-1]


async def test_a_client_that_does_not_read_is_dropped_and_catches_up(
    live_cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = await seq(live_cast)
    async with open_board(live_cast, "alice", start) as page:
        await page.until(lambda: page.cursor == start)
        team = sockets.hub().teams[live_cast.team.pk]
        (follower,) = team.pages
        monkeypatch.setattr(follower.outlet, "_most", -1)  # type: ignore[attr-defined]
        await acted(create_task)(await fresh(live_cast.alice), "Too much for it")
        async with asyncio.timeout(5):
            while team.pages:
                await asyncio.sleep(0.01)
    async with open_board(live_cast, "alice", start) as again:
        await again.until(lambda: again.cursor > start)
        assert "Too much for it" in again.texts[0]


@pytest.mark.parametrize(
    ("view", "setting", "reloads"),
    [
        ("board", {"wip_limits": {"in_progress": 2}}, True),
        ("board", {"stall_minutes": 7}, False),
        ("page", {"wip_limits": {"in_progress": 2}}, False),
    ],
)
async def test_settings_that_change_the_whole_board_reload_it(
    live_cast: Cast, view: str, setting: dict[str, Any], reloads: bool
) -> None:
    start = await seq(live_cast)
    async with open_board(live_cast, "alice", start, view) as page:
        await page.until(lambda: page.cursor == start)
        await acted(change_team)(await fresh(live_cast.alice), **setting)
        await page.until(lambda: page.cursor > start)
        assert ("data-reload" in page.texts[-1]) == reloads


async def test_an_invitation_leaves_open_boards_alone(live_cast: Cast) -> None:
    start = await seq(live_cast)
    async with open_board(live_cast, "bob", start) as page:
        await page.until(lambda: page.cursor == start)
        await acted(create_invitation)(await fresh(live_cast.alice))
        await page.until(lambda: page.cursor > start)
        assert "data-reload" not in page.texts[-1]


@pytest.mark.parametrize("view", ["board", "page"])
async def test_another_state_of_the_team_reloads_every_page(live_cast: Cast, view: str) -> None:
    start = await seq(live_cast)
    async with open_board(live_cast, "bob", start, view) as page:
        await page.until(lambda: page.cursor == start)
        await acted(transition_team)(await fresh(live_cast.alice), "paused")
        await page.until(lambda: page.cursor > start)
        assert "data-reload" in page.texts[-1]


async def test_every_writer_at_once_reaches_every_page_in_order(live_cast: Cast) -> None:
    start = await seq(live_cast)
    async with (
        open_board(live_cast, "alice", start) as one,
        open_board(live_cast, "vera", start, view="page") as two,
    ):
        await one.until(lambda: one.cursor == start)
        await two.until(lambda: two.cursor == start)

        def write(number: int) -> None:
            actor = live_cast.team.members.select_related("team").get(name="bob")
            create_task(actor, f"Card {number}")
            connection.close()  # this thread's own; nobody else would

        run = sync_to_async(write, thread_sensitive=False)
        await asyncio.gather(*(run(number) for number in range(20)))
        end = await seq(live_cast)
        for page in (one, two):
            await page.until(lambda page=page: page.cursor == end)  # type: ignore[misc]
            assert cursors(page) == sorted(set(cursors(page)))
        assert all(any(f"Card {n}<" in text for text in one.texts) for n in range(20))


def cursors(page: Browser) -> list[int]:
    """The numbers that a page was brought to, in the order it heard of them."""
    from tests.live.conftest import CURSOR

    return [int(number) for text in page.texts for number in CURSOR.findall(text)]


async def test_a_stranger_with_an_account_has_no_pages(live_cast: Cast) -> None:
    newcomer = await acted(person)("newcomer")
    async with browser(newcomer, "/ws/me/") as page:
        await page.until(lambda: page.cursor == 0)
        assert page.closed is None
