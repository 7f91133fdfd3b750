"""Rows that are gone before the next look are kept all the same, and none is taken for read."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from apps.claude import formats
from apps.claude.catching import Catcher, Rows, undecided, with_gone_rows
from apps.claude.formats import TeamTree, read_team
from apps.claude.inotify import Inotify
from tests.claude.trees import Home, put, row

NUMBERED = {"msgV": 1, "msg_id": "1", "type": "message"}


def caught(home: Home, inbox: str) -> Rows:
    catcher = Catcher(home.path)
    catcher.catch(home.inbox_path(inbox))
    return catcher.take(home.team)


def states(tree: TeamTree, inbox: str) -> dict[str, bool]:
    return {found.text: found.read for found in tree.inboxes[inbox]}


def test_a_row_that_was_taken_out_was_read(home: Home) -> None:
    home.inbox("hal", row("iris", "Short", 1, **NUMBERED))
    before, rows = read_team(home.path, "crew"), caught(home, "hal")
    home.inbox("hal")
    tree = with_gone_rows(read_team(home.path, "crew"), before, rows)
    assert states(tree, "hal") == {"Short": True}


def test_a_row_in_an_inbox_that_is_being_written_is_kept_and_not_yet_read(home: Home) -> None:
    home.inbox("hal", row("iris", "Old", 1, **NUMBERED))
    before = read_team(home.path, "crew")
    home.inbox("hal", *home.rows("hal"), row("iris", "Short", 2, **NUMBERED | {"msg_id": "2"}))
    rows = caught(home, "hal")
    put(home.inbox_path("hal"), "[{")
    torn = read_team(home.path, "crew", before)
    assert states(with_gone_rows(torn, before, rows), "hal") == {"Old": False, "Short": False}
    later = undecided(torn, before, rows)
    home.inbox("hal")
    tree = with_gone_rows(read_team(home.path, "crew", torn), torn, later)
    assert states(tree, "hal") == {"Old": True, "Short": True}


def test_what_a_link_leads_out_to_is_not_caught(home: Home, tmp_path: Path) -> None:
    secret = put(tmp_path / "secret.json", [row("iris", "Secret", 1)])
    home.inbox("iris")
    home.inbox_path("hal").symlink_to(secret)
    assert caught(home, "hal") == {}
    outside = tmp_path / "outside"
    put(outside / "inboxes" / "hal.json", [row("iris", "Secret", 1)])
    (home.path / "teams" / "other").symlink_to(outside)
    catcher = Catcher(home.path)
    catcher.catch(home.path / "teams" / "other" / "inboxes" / "hal.json")
    assert catcher.take("other") == {}


def test_what_is_read_at_once_is_bounded_too(home: Home) -> None:
    path = put(home.inbox_path("hal"), "[]" + " " * 100)
    found = formats.read_at_once(path, limit=10, within=home.path)
    assert isinstance(found, formats.Problem)
    assert found.code == "too_large"
    gone = formats.read_at_once(path.with_name("x.json"), limit=10, within=home.path)
    assert isinstance(gone, formats.Problem)
    assert gone.code == "missing"


def until(check: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not check():
        assert time.monotonic() < deadline, "It did not happen in time."
        time.sleep(0.01)


@pytest.mark.skipif(sys.platform != "linux", reason="Linux only")
def test_folders_that_are_made_later_are_watched_from_their_first_file(home: Home) -> None:
    found: list[str] = []
    stop = threading.Event()
    notify = Inotify(lambda path: found.append(path.name), stop)
    (home.path / "teams").mkdir()
    notify.watch(home.path / "teams", below=2)
    notify.watch(home.path / "nowhere", below=1)
    notify.start()
    try:
        for name in ("hal", "iris"):
            home.inbox(name, row("team-lead", "Hello", 1))
            until(lambda name=name: f"{name}.json" in found)  # type: ignore[misc]
        put(home.folder / "inboxes" / "deeper" / "still.json", [])
        home.inbox("team-lead")
        until(lambda: "team-lead.json" in found)
        assert "still.json" not in found
    finally:
        stop.set()
        notify.join()
