"""`up --claude-home` and `follow_claude`, as real processes."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.claude.trees import Home, member, row
from tests.servers import ROOT, Site, new_site

pytestmark = pytest.mark.server
COUNT = "from apps.tasks.models import Task; print(Task.objects.count())"
SEND = (
    "from apps.teams.models import Member; from apps.messaging.actions import send_message;"
    "send_message(Member.objects.select_related('team').get(name='team-lead'), to='hal',"
    " body='Go on'); print('sent')"
)


def until(check: Callable[[], Any], seconds: float = 30) -> None:
    """Wait until something is true."""
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, "It did not happen in time."
        time.sleep(0.1)


def a_team(home: Home) -> None:
    home.config(member("hal"))
    home.task(1, "Lay the floor")
    home.inbox("team-lead", row("hal", "Ready.", 1))


def cards(site: Site) -> int:
    return int(site.shell(COUNT))


def test_up_follows_the_home_that_it_is_given(home: Home, tmp_path: Path) -> None:
    a_team(home)
    with new_site(tmp_path / "data", processes=0) as site:
        site.start("--claude-home", str(home.path))
        until(lambda: cards(site) == 1)
        home.task(2, "Paint the wall")
        until(lambda: cards(site) == 2)
        site.shell(SEND)
        until(lambda: home.inbox_path("hal").exists())
        assert [found["text"] for found in home.rows("hal")] == ["Go on"]


def test_up_reads_a_home_once_when_it_is_not_to_follow(home: Home, tmp_path: Path) -> None:
    a_team(home)
    with new_site(tmp_path / "data", processes=0) as site:
        site.start("--claude-home", str(home.path), "--no-follow")
        until(lambda: cards(site) == 1)
        site.shell(SEND)
        home.task(2, "Paint the wall")
        time.sleep(3)
        assert cards(site) == 1
        assert not home.inbox_path("hal").exists()


def test_a_home_that_is_not_there_does_not_keep_the_site_from_starting(tmp_path: Path) -> None:
    with new_site(tmp_path, processes=0) as site:
        site.start("--claude-home", str(tmp_path / "nowhere"))
        log = next(tmp_path.glob("*.log"))
        until(lambda: "There is no directory" in log.read_text())


def test_the_command_follows_until_it_is_told_to_stop(home: Home, tmp_path: Path) -> None:
    a_team(home)
    with new_site(tmp_path / "data", processes=0) as site:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "follow_claude", str(home.path)],
            cwd=ROOT, env=site.env, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            until(lambda: cards(site) == 1)
            second = subprocess.run(
                [sys.executable, "manage.py", "follow_claude", str(home.path)],
                cwd=ROOT, env=site.env, capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert second.returncode == 1
            assert "already followed" in second.stderr
            site.shell(SEND)
            until(lambda: home.inbox_path("hal").exists())
        finally:
            process.send_signal(signal.SIGTERM)
            output, _ = process.communicate(timeout=20)
        assert process.returncode == 0
        assert "Following crew at /teams/crew/" in output
        assert output.endswith("Stopped.\n")


def test_the_import_refuses_in_a_sentence_and_by_its_exit_code(tmp_path: Path) -> None:
    with new_site(tmp_path / "data", processes=0) as site:

        def run(*arguments: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [sys.executable, "manage.py", "import_claude", *arguments],
                cwd=ROOT, env=site.env, capture_output=True, text=True, check=False,
            )  # fmt: skip

        refused = run(str(tmp_path / "nowhere"))
        assert (refused.returncode, "There is no directory" in refused.stderr) == (1, True)
        assert run().returncode == 2
