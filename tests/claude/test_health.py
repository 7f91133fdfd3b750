"""The page that says how the files of a team are doing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from apps.claude.follow import Follower
from apps.claude.models import Handover, TeamFiles
from apps.messaging.actions import send_message
from apps.tasks.actions import edit_task
from apps.tasks.models import Task
from apps.teams.access import seat_of
from apps.teams.models import Event, Member, User
from tests.claude.trees import Home, member, put, row

pytestmark = pytest.mark.django_db
URL = "/teams/crew/health/"


@pytest.fixture
def site(home: Home) -> tuple[Home, Follower, Member, Client]:
    """A followed team, Alice who leads it, and her browser."""
    user = User.objects.create(username="alice", is_superuser=True)
    home.config(member("hal"))
    home.task(1, "Lay the floor", owner="hal")
    home.inbox("team-lead", row("hal", "Ready.", 1))
    follower = Follower(home.path)
    follower.sweep()
    browser = Client()
    browser.force_login(user)
    return home, follower, seat_of(user, "crew"), browser


def page(browser: Client) -> str:
    answer = browser.get(URL)
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_team_that_is_well_says_so(site: tuple[Home, Follower, Member, Client]) -> None:
    _, _, _, browser = site
    text = page(browser)
    assert "all well" in text
    assert 'data-inbox="team-lead"' in text
    assert 'aria-current="page">Health</a>' in text


def test_what_is_in_the_way_is_listed(site: tuple[Home, Follower, Member, Client]) -> None:
    home, follower, alice, browser = site
    put(home.work / "9.json", "[]")
    put(home.inbox_path("hal"), '{"not": "a list"}')
    home.inbox("nobody", row("hal", "x" * 1_100_000, 1))
    home.inbox("team-lead", {**row("hal", "Later.", 1), "timestamp": "2999-01-01T00:00:00Z"})
    send_message(alice, to="hal", body="Mine")
    follower.sweep()
    text = page(browser)
    assert "needs a look" in text
    assert 'data-problem="tasks/crew/9.json"' in text
    assert 'data-problem="hal.json"' in text
    assert "not in the inbox yet" in text
    assert "nobody reads it" in text
    assert "too big" in text
    assert "is ahead of this one" in text


def test_what_was_handed_over_and_not_read_for_long_is_listed(
    site: tuple[Home, Follower, Member, Client],
) -> None:
    _, follower, alice, browser = site
    send_message(alice, to="hal", body="Mine")
    follower.send_for({alice.team_id})
    assert "not read" not in page(browser)
    Handover.objects.update(written_at=timezone.now() - timedelta(hours=1))
    assert "not read" in page(browser)


def test_a_follower_that_fell_silent_is_no_follower(
    site: tuple[Home, Follower, Member, Client],
) -> None:
    _, _, alice, browser = site
    files = alice.team.files
    files.looked_at = timezone.now() - timedelta(minutes=5)
    files.save(update_fields=["looked_at"])
    assert "not followed" in page(browser)


def drift(home: Home, alice: Member) -> None:
    edit_task(alice, 1, subject="Lay the oak floor")
    home.task(1, "Lay the stone floor", owner="hal", status="in_progress", minutes=9)


def test_what_differs_is_shown_where_the_files_cannot_be_seen(
    site: tuple[Home, Follower, Member, Client],
) -> None:
    _, _, alice, browser = site
    TeamFiles.objects.update(home="7@elsewhere:/home/hal/.claude")
    assert 'id="drift"' not in page(browser)
    edit_task(alice, 1, subject="Lay the oak floor")
    text = page(browser)
    assert "This is what they said last" in text
    assert "Lay the floor" in text
    assert "Lay the oak floor" in text
    assert "Take the file" not in text
    answer = browser.post(f"{URL}1/", {"side": "file"})
    assert answer.status_code == 409


def test_the_file_may_be_taken(site: tuple[Home, Follower, Member, Client]) -> None:
    home, follower, alice, browser = site
    drift(home, alice)
    assert "Lay the stone floor" in page(browser)
    assert browser.post(f"{URL}1/", {"side": "file"}).status_code == 302
    card = Task.objects.get(number=1)
    assert (card.subject, card.status) == ("Lay the stone floor", "in_progress")
    last = Event.objects.filter(kind="task.observed").order_by("-seq").first()
    assert last is not None
    assert last.actor == alice
    follower.sweep()
    assert home.read_task(1)["subject"] == "Lay the stone floor"
    assert 'id="drift"' not in page(browser)


def test_the_board_may_be_taken(site: tuple[Home, Follower, Member, Client]) -> None:
    home, follower, alice, browser = site
    drift(home, alice)
    assert browser.post(f"{URL}1/", {"side": "board"}).status_code == 302
    follower.send_for({alice.team_id})
    found = home.read_task(1)
    assert (found["subject"], found["status"]) == ("Lay the oak floor", "pending")
    follower.sweep()
    card = Task.objects.get(number=1)
    assert (card.subject, card.status) == ("Lay the oak floor", "pending")
    assert 'id="drift"' not in page(browser)


def test_no_other_side_and_no_other_card(site: tuple[Home, Follower, Member, Client]) -> None:
    _, _, _, browser = site
    assert browser.post(f"{URL}1/", {"side": "mine"}).status_code == 422
    assert browser.post(f"{URL}99/", {"side": "file"}).status_code == 404


def test_who_may_not_manage_tasks_may_only_look(
    site: tuple[Home, Follower, Member, Client],
) -> None:
    home, _, alice, browser = site
    drift(home, alice)
    Member.objects.filter(pk=alice.pk).update(role="observer")
    assert "Take the file" not in page(browser)
    assert browser.post(f"{URL}1/", {"side": "file"}).status_code == 403


def test_a_team_made_here_has_no_such_page(login: object, db: None) -> None:
    answer = login("alice").get("/teams/checkout/health/")  # type: ignore[operator]
    assert answer.status_code == 404
