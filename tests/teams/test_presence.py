"""Liveness: seen lately, idle, terminated; runs of agents."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.html import strip_tags

from apps.core.errors import NotFound
from apps.teams import actions
from apps.teams.access import mark_seen
from apps.teams.models import Event, Member, Team
from tests.conftest import Cast
from tests.refusing import refused

Journal = Callable[[], list[str]]
NOW = timezone.now()
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("ago", "presence"),
    [
        (timedelta(0), "active"),
        (timedelta(minutes=5) - SECOND, "active"),
        (timedelta(minutes=5), "idle"),
        (timedelta(days=9), "idle"),
        (None, "idle"),
    ],
)
def test_when_a_member_was_seen(ago: timedelta | None, presence: str) -> None:
    member = Member(team=Team(), last_seen_at=None if ago is None else NOW - ago)
    assert member.presence(NOW) == presence
    assert Member(last_seen_at=member.last_seen_at, left_at=NOW).presence(NOW) == "terminated"
    ended = Member(last_seen_at=member.last_seen_at, terminated_at=NOW)
    assert ended.presence(NOW) == "terminated"


def test_a_run_begins(cast: Cast, journal: Journal) -> None:
    session = actions.start_session(cast.hal, model="m", cwd="/srv", backend="tmux")
    assert (session.member, session.model, session.cwd, session.backend) == (
        cast.hal, "m", "/srv", "tmux",
    )  # fmt: skip
    hal = Member.objects.get(pk=cast.hal.pk)
    assert (hal.model, hal.cwd, hal.presence()) == ("m", "/srv", "active")
    assert journal() == ["session.started"]
    data = Event.objects.filter(team=cast.team).latest("seq").data
    assert data == {"session": session.pk, "member": "hal"}


def test_a_run_that_says_nothing_changes_nothing_of_the_seat(cast: Cast) -> None:
    actions.change_member(cast.alice, "hal", model="kept", cwd="/kept")
    actions.start_session(cast.hal)
    hal = Member.objects.get(pk=cast.hal.pk)
    assert (hal.model, hal.cwd) == ("kept", "/kept")


def test_a_newer_run_ends_the_older_ones(cast: Cast, journal: Journal) -> None:
    first = actions.start_session(cast.hal)
    theirs = actions.start_session(cast.iris)
    second = actions.start_session(cast.hal)
    for session in (first, second, theirs):
        session.refresh_from_db()
    assert first.end_reason == "A newer run began."
    assert first.ended_at is not None
    assert second.ended_at is None
    assert theirs.ended_at is None
    assert journal() == ["session.started", "session.started", "session.ended", "session.started"]


def test_only_a_newer_run_revives_a_terminated_member(cast: Cast) -> None:
    Member.objects.filter(pk=cast.hal.pk).update(terminated_at=timezone.now())
    cast.hal.refresh_from_db()
    mark_seen(cast.hal)
    assert Member.objects.get(pk=cast.hal.pk).presence() == "terminated"
    actions.start_session(cast.hal)
    assert Member.objects.get(pk=cast.hal.pk).presence() == "active"
    assert cast.hal.presence() == "active"


def test_the_page_of_who_shut_down_says_when_and_whether_it_still_calls(
    cast: Cast, login: Callable[[str], Client]
) -> None:
    alice, now = login("alice"), timezone.now()
    page = f"/teams/checkout/members/{cast.hal.pk}/"
    seat = Member.objects.filter(pk=cast.hal.pk)
    seat.update(terminated_at=now - timedelta(minutes=9), last_seen_at=now - timedelta(minutes=10))
    said = strip_tags(alice.get(page).text)
    assert "terminated 9 min ago" in said
    assert "heard from" not in said
    seat.update(last_seen_at=now - timedelta(minutes=3))
    said = strip_tags(alice.get(page).text)
    assert "terminated 9 min ago, but still heard from 3 min ago" in said


def test_a_heartbeat(cast: Cast, journal: Journal) -> None:
    session = actions.start_session(cast.hal)
    past = timezone.now() - timedelta(minutes=9)
    Member.objects.filter(pk=cast.hal.pk).update(last_seen_at=past)
    hal = Member.objects.get(pk=cast.hal.pk)
    assert actions.heartbeat(hal, session.pk).last_seen_at > past
    assert Member.objects.get(pk=cast.hal.pk).presence() == "active"
    assert journal() == ["session.started"]


def test_a_heartbeat_of_an_ended_or_another_s_run(cast: Cast) -> None:
    session = actions.start_session(cast.hal)
    with refused(NotFound, "session_not_found"):
        actions.heartbeat(cast.iris, session.pk)
    actions.end_session(cast.hal, session.pk)
    with refused(NotFound, "session_not_found") as info:
        actions.heartbeat(cast.hal, session.pk)
    assert info.value.hint == "Start a new session."


def test_a_run_ends_once(cast: Cast, journal: Journal) -> None:
    session = actions.start_session(cast.hal)
    ended = actions.end_session(cast.hal, session.pk, reason="r" * 300)
    assert ended.end_reason == "r" * 200
    assert actions.end_session(cast.hal, session.pk).ended_at == ended.ended_at
    assert journal() == ["session.started", "session.ended"]
    with refused(NotFound, "session_not_found"):
        actions.end_session(cast.iris, session.pk)


def test_a_run_ends_in_an_archived_team(cast: Cast) -> None:
    session = actions.start_session(cast.hal)
    actions.transition_team(cast.alice, "archived")
    assert actions.end_session(cast.hal, session.pk).ended_at is not None


def test_the_end_of_a_seat_ends_its_runs(cast: Cast) -> None:
    session = actions.start_session(cast.hal)
    actions.end_seat(cast.alice, "hal")
    session.refresh_from_db()
    cast.hal.refresh_from_db()
    assert (session.ended_at, session.end_reason) == (cast.hal.left_at, "The seat ended.")


def test_initials_and_hue() -> None:
    assert Member(name="config-analyst").initials == "CA"
    assert Member(name="hal").initials == "H"
    assert Member(name="a_b.c").initials == "AB"
    assert Member(name="hal").hue == Member(name="HAL", color="beige").hue
    assert Member(name="hal", color="red").hue == 2
    assert all(0 <= Member(name=f"agent-{n}").hue < 24 for n in range(99))
