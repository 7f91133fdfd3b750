"""The site as a process: first start, many processes at once, and a violent end."""

from __future__ import annotations

import asyncio
import http.client
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks.crash import crash
from tests.benchmarks.websockets_raw import Socket, open_socket
from tests.server.browser import Login, get, post, seeded
from tests.servers import ROOT, Site, new_site

pytestmark = pytest.mark.server


def test_a_first_start_prints_the_way_in_and_keeps_its_key_to_itself(tmp_path: Path) -> None:
    with new_site(tmp_path, empty=True) as site:
        status, page = get(site.url, site.setup_path())
        assert status == 200
        assert "password" in page
        assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600
        assert get(site.url, "/teams/")[0] == 302
        site.processes[0].send_signal(signal.SIGINT)
        assert site.processes[0].wait(10) == 0
    assert "Stopped." in next(tmp_path.glob("*.log")).read_text()


def test_several_may_start_at_once_on_an_empty_database(tmp_path: Path) -> None:
    with new_site(tmp_path, processes=0, empty=True) as site:
        site.start_at_once(3)
        assert [get(url, "/readyz")[0] for url in site.urls] == [200, 200, 200]


def test_a_port_in_use_is_a_sentence(tmp_path: Path) -> None:
    with new_site(tmp_path) as site:
        port = site.url.rpartition(":")[2]
        done = subprocess.run(
            [sys.executable, "manage.py", "up", "--port", port],
            cwd=ROOT, env=site.env, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 1
        assert f"Cannot listen on 127.0.0.1:{port}" in done.stderr
        assert "--port" in done.stderr


@pytest.mark.parametrize(
    ("env", "arguments", "said"),
    [
        ({"DATABASE_URL": "nonsense"}, [], "DATABASE_URL is no address of a database"),
        ({"DATABASE_URL": "postgres://u@127.0.0.1:1/x"}, [], "The database does not answer"),
        ({"DATA_DIR": "/proc/nowhere"}, [], "Cannot make /proc/nowhere"),
        ({"MAX_UPLOAD_MB": "x"}, [], "MAX_UPLOAD_MB='x'"),
        ({}, ["--port", "99999"], "a port is a number up to 65535"),
        ({}, ["--host", "no.such.invalid"], "Cannot listen on no.such.invalid"),
    ],
)
def test_what_cannot_start_says_why_in_a_sentence(
    tmp_path: Path, env: dict[str, str], arguments: list[str], said: str
) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "up", "--port", "0", *arguments], cwd=ROOT, text=True,
        env={**os.environ, "DATA_DIR": str(tmp_path), **env}, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_body_of_30_mb_is_refused_in_words(tmp_path: Path) -> None:
    with new_site(tmp_path) as site:
        team = seeded(site, 1)
        host = site.url.removeprefix("http://")
        connection = http.client.HTTPConnection(host, timeout=30)
        connection.request("POST", "/teams/bench/tasks/", b"x" * 30_000_000, team.headers)
        answer = connection.getresponse()
        assert answer.status == 413
        assert b"too large" in answer.read().lower()
        connection.close()
        assert get(site.url, "/teams/bench/", team)[0] == 200


def test_a_form_is_read_by_nobody_before_django(tmp_path: Path) -> None:
    with new_site(tmp_path) as site:
        connection = http.client.HTTPConnection(site.url.removeprefix("http://"))
        kind = {"Content-Type": "multipart/form-data"}  # without the boundary that makes it one
        connection.request("POST", "/api/v1/teams/none/artifacts", b"x" * 100, kind)
        answer = connection.getresponse()
        assert answer.status == 401
        assert b"token_missing" in answer.read()
        connection.close()


def test_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    outcome = crash(tmp_path, 3)
    assert outcome.acknowledged > 20
    assert (outcome.missing, outcome.gaps) == (0, 0)


def test_a_board_follows_another_process_and_a_command(tmp_path: Path) -> None:
    with new_site(tmp_path, processes=2) as site:
        team = seeded(site, 3)
        lines = "".join(f"{name}: {value}\r\n" for name, value in team.headers.items())
        asyncio.run(_follow(site, team, lines))


async def _follow(site: Site, team: Login, lines: str) -> None:
    heard: list[bytes] = []
    news = asyncio.Event()

    def hear(socket: Socket, payload: bytes) -> None:
        heard.append(payload)
        news.set()

    async def until(mark: bytes) -> None:
        async with asyncio.timeout(10):
            while not any(mark in payload for payload in heard):
                news.clear()
                await news.wait()

    path = f"/ws/teams/bench/?after={team.seq}&view=board"
    page = await open_socket(site.urls[0], path, hear, headers=lines)
    await until(b'id="cursor"')
    status = await asyncio.to_thread(post, site.urls[1], "/teams/bench/tasks/2/start/", team)
    assert status < 400
    await until(b'data-task="2" data-in="in_progress"')
    command = (
        "from apps.teams.models import Member\n"
        "from apps.tasks.actions import create_task\n"
        "actor = Member.objects.select_related('team').get(name='bench')\n"
        "print(create_task(actor, 'From a command').number)"
    )
    assert await asyncio.to_thread(site.shell, command) == "4"
    await until(b"From a command")
    page.close()
