"""Running work whose owner fell silent is flagged, once, and the flag goes when they are back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from apps.core.errors import NotAllowed
from apps.messaging.models import Message
from apps.tasks import actions
from apps.tasks.actions.sweep import flag_stalled, teams_with_silent_work, unflag
from apps.tasks.models import Task
from apps.teams import actions as teams
from apps.teams import endings
from apps.teams.models import Event, Member, Team
from apps.teams.words import in_words
from tests.conftest import Cast
from tests.refusing import refused

Journal = Callable[[], list[str]]


@pytest.fixture
def running(cast: Cast) -> Cast:
    """#1 is Hal's and has run for an hour."""
    actions.create_task(cast.alice, "Card")
    actions.claim_task(cast.hal, 1)
    Task.objects.update(started_at=timezone.now() - timedelta(hours=1))
    return cast


def seen(member: Member, minutes: float | None) -> None:
    at = None if minutes is None else timezone.now() - timedelta(minutes=minutes)
    Member.objects.filter(pk=member.pk).update(last_seen_at=at)


def flagged(cast: Cast) -> list[int]:
    """What one round of the sweep flags."""
    assert set(teams_with_silent_work()) <= {cast.team.pk}
    return [task.number for team in teams_with_silent_work() for task in flag_stalled(team)]


@pytest.mark.parametrize(
    ("minutes", "numbers"), [(0, []), (29, []), (31, [1]), (9999, [1]), (None, [1])]
)
def test_an_agent_is_silent_past_the_limit(
    minutes: int | None, numbers: list[int], running: Cast
) -> None:
    seen(running.hal, minutes)
    assert flagged(running) == numbers


def test_the_team_sets_the_limit(running: Cast) -> None:
    teams.change_team(running.alice, stall_minutes=5)
    seen(running.hal, 6)
    assert flagged(running) == [1]


def test_work_that_began_just_now_has_time(running: Cast) -> None:
    Task.objects.update(started_at=timezone.now())
    seen(running.hal, None)
    assert flagged(running) == []


def test_a_terminated_owner_s_work_is_flagged_at_once(running: Cast) -> None:
    seen(running.hal, 0)
    Member.objects.filter(pk=running.hal.pk).update(terminated_at=timezone.now())
    assert flagged(running) == [1]


def test_who_shut_down_is_not_called_silent(running: Cast, login: Callable[[str], Client]) -> None:
    earlier = timezone.now() - timedelta(minutes=20)
    Member.objects.filter(pk=running.hal.pk).update(terminated_at=earlier, last_seen_at=earlier)
    assert flagged(running) == [1]
    message = Message.objects.get()
    assert message.subject == "#1 is stalled: hal has shut down"
    assert message.body == "hal has #1 in progress and has shut down."
    said = in_words(Event.objects.get(kind="task.stalled")).text
    assert said == "The system noticed that hal has shut down with #1 in progress"
    alice = login("alice")
    for address, words in (
        ("/teams/checkout/", "Shut down ·"),
        ("/teams/checkout/tasks/1/", "hal has shut down ·"),
        ("/teams/checkout/flow/", "shut down"),
        ("/", "hal has shut down with #1 in progress"),
    ):
        page = alice.get(address).text
        assert words in page, address
        assert "silent" not in page.lower().replace("silent agents", ""), address


def test_a_card_that_was_drawn_as_silent_is_drawn_anew(
    running: Cast, login: Callable[[str], Client]
) -> None:
    seen(running.hal, 99)
    assert flagged(running) == [1]
    alice = login("alice")
    assert "Silent ·" in alice.get("/teams/checkout/").text
    Member.objects.filter(pk=running.hal.pk).update(terminated_at=timezone.now())
    assert "Shut down ·" in alice.get("/teams/checkout/").text


def test_a_person_without_an_open_page_may_be_at_work(running: Cast) -> None:
    Task.objects.update(owner=running.bob)
    seen(running.bob, 9999)
    assert flagged(running) == []


@pytest.mark.parametrize("state", ["forming", "paused", "completed", "archived"])
def test_only_active_teams_are_swept(state: str, running: Cast) -> None:
    seen(running.hal, 99)
    Team.objects.update(state=state)
    assert teams_with_silent_work() == []
    assert flag_stalled(running.team.pk) == []


def test_a_team_that_is_gone_has_nothing_to_flag(db: None) -> None:
    assert flag_stalled(0) == []


def test_the_leaders_are_told_once(running: Cast, journal: Journal) -> None:
    seen(running.hal, 99)
    assert flagged(running) == [1]
    assert flagged(running) == []
    assert teams_with_silent_work() == []
    assert journal() == ["task.stalled", "message.sent"]
    event = Event.objects.get(kind="task.stalled")
    assert event.actor is not None
    assert (event.actor.kind, event.data["owner"]) == ("system", "hal")
    message = Message.objects.get()
    assert message.subject == "#1 is stalled: hal is silent"
    assert [copy.recipient for copy in message.deliveries.all()] == [running.alice]
    task = Task.objects.get()
    assert (task.stalled_at is not None, task.version) == (True, 3)


def test_a_leader_is_not_told_of_their_own_silence(running: Cast, journal: Journal) -> None:
    teams.change_member(running.alice, "hal", role="leader")
    seen(running.hal, 99)
    assert flagged(running) == [1]
    assert [copy.recipient for copy in Message.objects.get().deliveries.all()] == [running.alice]


def test_the_flag_goes_when_the_owner_is_seen_again(running: Cast, journal: Journal) -> None:
    seen(running.hal, 99)
    flagged(running)
    Member.objects.filter(pk=running.hal.pk).update(last_seen_at=timezone.now())
    assert flagged(running) == []
    assert Task.objects.get().stalled_at is None
    assert journal() == ["task.stalled", "message.sent", "task.edited"]
    assert Event.objects.latest("seq").data["changed"] == ["stalled"]
    seen(running.hal, 99)
    assert flagged(running) == [1]


def test_a_member_who_is_back_clears_their_flags(running: Cast, journal: Journal) -> None:
    seen(running.hal, 99)
    flagged(running)
    assert unflag(running.iris) == 0
    assert unflag(running.hal) == 1
    assert unflag(running.hal) == 0
    assert Task.objects.get().stalled_at is None
    assert journal() == ["task.stalled", "message.sent", "task.edited"]
    teams.end_seat(running.alice, "hal")
    with refused(NotAllowed, "seat_ended"):
        unflag(running.hal)


def test_a_call_of_who_shut_down_brings_nobody_back(running: Cast, journal: Journal) -> None:
    Member.objects.filter(pk=running.hal.pk).update(terminated_at=timezone.now())
    assert flagged(running) == [1]
    assert unflag(running.hal) == 0
    assert flagged(running) == []
    assert journal() == ["task.stalled", "message.sent"]
    teams.start_session(running.hal)
    assert unflag(running.hal) == 1


@pytest.mark.parametrize("act", [actions.complete_task, actions.release_task, actions.delete_task])
def test_the_flag_goes_when_the_work_ends(
    act: Callable[[Member, int], Task], running: Cast
) -> None:
    seen(running.hal, 99)
    flagged(running)
    assert act(running.hal, 1).stalled_at is None
    assert Task.objects.get().stalled_at is None


def test_the_end_of_a_run_releases_its_work(running: Cast, journal: Journal) -> None:
    endings.seat_ended(running.hal, running.hal)
    task = Task.objects.get()
    assert (task.status, task.owner, task.stalled_at) == ("pending", None, None)
    assert journal() == ["task.released"]


def test_what_agents_keep_for_themselves_is_not_flagged(running: Cast) -> None:
    Task.objects.update(internal=True)
    seen(running.hal, 99)
    assert flagged(running) == []
