"""Folders that may not be read or written: nothing is lost, and the health page says what it is."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from apps.claude.follow import Follower
from apps.claude.formats import read_team
from apps.claude.health import note_troubles
from apps.claude.intake import take_in
from apps.claude.models import TeamFiles
from apps.claude.orders import Order, carry_out
from apps.messaging.actions import send_message
from apps.messaging.models import Delivery
from apps.tasks.models import Task
from apps.teams.access import seat_of
from apps.teams.models import Member, User
from tests.claude.trees import Home, member, row

pytestmark = pytest.mark.django_db
NOBODY = 65534
ORDER = Order(kind="row", key=1, inbox="hal", row=row("alice", "Mine", 2))


@pytest.fixture
def home() -> Iterator[Home]:
    """A home that other users can reach too, with a team of two."""
    place = Path(tempfile.mkdtemp())
    place.chmod(0o755)
    home = Home(place / "claude")
    home.config(member("hal"))
    home.task(1, "Lay the floor", owner="hal", status="in_progress")
    home.inbox("team-lead", row("hal", "Ready.", 1))
    yield home
    for folder in (home.path / "teams", home.path / "tasks", home.folder, home.work):
        if folder.exists():
            folder.chmod(0o755)
    shutil.rmtree(place)


@pytest.fixture
def alice(home: Home) -> Member:
    """Who leads the followed team."""
    user = User.objects.create(username="alice", is_superuser=True)
    Follower(home.path).sweep()
    return seat_of(user, "crew")


@contextmanager
def as_nobody() -> Iterator[None]:
    """As a user who owns nothing; the database is not touched meanwhile."""
    if os.geteuid() != 0:
        yield
        return
    os.setresuid(NOBODY, NOBODY, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


def health(user: User) -> str:
    browser = Client()
    browser.force_login(user)
    return browser.get("/teams/crew/health/").content.decode()


@pytest.mark.parametrize("place", ["inboxes", "."])
def test_a_folder_that_may_not_be_written_is_told_in_words(
    home: Home, alice: Member, place: str
) -> None:
    if place == ".":
        shutil.rmtree(home.folder / "inboxes")
    (home.folder / place).chmod(0o555)
    with as_nobody():
        (outcome,) = carry_out(home.path, "crew", [ORDER])
    assert not outcome.passing
    note_troubles(TeamFiles.objects.get(), [outcome])
    text = health(alice.user)
    assert 'data-problem="hal.json"' in text
    assert "may not write here (permission denied)" in text


def refuse_locks(patch: pytest.MonkeyPatch, code: int) -> None:
    make = os.mkdir

    def mkdir(path: Any, *arguments: Any) -> None:
        if str(path).endswith(".lock"):
            raise OSError(code, os.strerror(code), str(path))
        make(path, *arguments)

    patch.setattr(os, "mkdir", mkdir)


def refuse_files(patch: pytest.MonkeyPatch, code: int) -> None:
    open_path = Path.open

    def opened(path: Path, *arguments: Any, **more: Any) -> Any:
        if path.suffix == ".tmp":
            raise OSError(code, os.strerror(code), str(path))
        return open_path(path, *arguments, **more)

    patch.setattr(Path, "open", opened)


@pytest.mark.parametrize("refuse", [refuse_locks, refuse_files])
@pytest.mark.parametrize(("code", "sentence"), [
    (errno.EROFS, "The disk is mounted read-only."), (errno.ENOSPC, "The disk is full."),
    (errno.EACCES, "may not write here (permission denied)"),
])  # fmt: skip
def test_what_the_system_refuses_is_written_later_once(
    home: Home, alice: Member, refuse: Any, code: int, sentence: str
) -> None:
    follower = Follower(home.path)
    follower.sweep()
    send_message(alice, to="hal", body="Mine")
    with pytest.MonkeyPatch.context() as patch:
        refuse(patch, code)
        follower.send_for({alice.team_id})
        follower.send_for({alice.team_id})
    assert sentence in health(alice.user)
    assert Delivery.objects.get(message__body="Mine").delivered_at is None
    assert alice.team.events.filter(kind="files.not_written").count() == 1
    follower.send_for({alice.team_id})
    assert [found["text"] for found in home.rows("hal")] == ["Mine"]
    assert sentence not in health(alice.user)


@pytest.mark.parametrize("shut", ["teams", "tasks", "teams/crew", "tasks/crew"])
def test_a_folder_that_may_not_be_read_is_no_folder_that_is_gone(
    home: Home, alice: Member, shut: str
) -> None:
    (home.path / shut).chmod(0o000)
    with as_nobody():
        tree = read_team(home.path, "crew")
    (home.path / shut).chmod(0o755)
    assert [problem.code for problem in tree.problems] == ["unreadable"]
    take_in(tree)
    assert "The folder may not be read." in health(alice.user)
    assert Task.objects.get().board_column == "in_progress"
    assert Member.objects.get(name="hal").terminated_at is None
    take_in(read_team(home.path, "crew"))
    assert "may not be read" not in health(alice.user)


def test_a_home_that_is_away_is_no_team_that_has_ended(home: Home, alice: Member) -> None:
    follower = Follower(home.path)
    follower.sweep()
    away = home.path.with_name("away")
    home.path.rename(away)
    follower.look_at(["crew"])
    assert TeamFiles.objects.get().gone_at is None
    assert "The folder is not there." in health(alice.user)
    away.rename(home.path)
    follower.look_at(["crew"])
    assert "The folder is not there." not in health(alice.user)
    assert Task.objects.get().board_column == "in_progress"
