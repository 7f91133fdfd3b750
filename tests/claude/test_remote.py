"""Following from another machine: the program sends what changed and carries out orders."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django.live_server_helper import LiveServer

from apps.claude.models import Handover, TeamFiles
from apps.claude.program import program
from apps.claude.remote import Refused, RemoteFollower
from apps.messaging.actions import send_message
from apps.messaging.models import Delivery, Message
from apps.tasks.actions import create_task, edit_task
from apps.tasks.models import Task
from apps.teams.access import seat_of
from apps.teams.actions import create_token
from apps.teams.models import Member, Team
from tests.claude.trees import Home, member, put, row
from tests.conftest import Cast, make_cast


class ByClient(RemoteFollower):
    """The program with the test client in place of the network."""

    client = Client()
    away = False

    def _post(self, content: dict[str, Any]) -> dict[str, Any]:
        if self.away:
            raise OSError("away")
        answer = self.client.post(
            "/api/v1/claude/sync",
            {"sync": SimpleUploadedFile("s", gzip.compress(json.dumps(content).encode()))},
            headers={"authorization": f"Bearer {self.token}", "accept": "application/json"},
        )
        found: dict[str, Any] = answer.json()
        if answer.status_code != 200:
            raise Refused(found["error"]["message"])
        return found


@pytest.fixture
def token(cast: Cast) -> str:
    """Alice's key."""
    return create_token(cast.alice, "alice")[1]


@pytest.fixture
def remote(home: Home, token: str, settings: Any, tmp_path: Path) -> tuple[Home, ByClient]:
    """A team on another machine."""
    settings.DATA_DIR = tmp_path / "data"
    home.config(member("hal"), member("iris"))
    home.task(1, "Lay the floor", owner="hal", ticket="X-1")
    home.inbox("team-lead", row("hal", "Ready.", 1))
    return home, ByClient(home.path, "http://site", token, tell=lambda _: None)


def leader(cast: Cast) -> Member:
    """Alice's seat in the team that came."""
    return seat_of(cast.people["alice"], "crew")


def test_what_is_in_the_files_comes_in_and_its_owner_leads_it(
    remote: tuple[Home, ByClient], cast: Cast
) -> None:
    home, program = remote
    program.sync()
    assert Task.objects.get(team__slug="crew").subject == "Lay the floor"
    assert Message.objects.filter(team__slug="crew").get().body == "Ready."
    assert leader(cast).is_leader
    seq = Team.objects.get(slug="crew").seq
    program.sync()
    ByClient(home.path, "http://site", program.token, tell=lambda _: None).sync()
    assert Team.objects.get(slug="crew").seq == seq


def test_messages_and_edits_go_out_once(remote: tuple[Home, ByClient], cast: Cast) -> None:
    home, program = remote
    program.sync()
    sent = send_message(leader(cast), to="hal", body="Go on")
    edit_task(leader(cast), 1, subject="Lay the oak floor")
    create_task(leader(cast), "Hang the door", owner="iris", blocked_by=[1])
    for _ in range(3):
        program.sync()
    assert [found["text"] for found in home.rows("hal")] == ["Go on"]
    assert home.read_task(1)["subject"] == "Lay the oak floor"
    assert home.read_task(1)["ticket"] == "X-1"
    assert home.read_task(2)["blockedBy"] == ["1"]
    assert len(home.rows("iris")) == 1
    assert Delivery.objects.get(message=sent).via == "file"
    count = Message.objects.count()
    home.inbox("hal", *[{**found, "read": True} for found in home.rows("hal")])
    program.sync()
    assert Delivery.objects.get(message=sent).read_at is not None
    assert Message.objects.count() == count


def test_changes_and_vanished_files_come_in(remote: tuple[Home, ByClient], cast: Cast) -> None:
    home, program = remote
    home.task(2, "Paint")
    program.sync()
    home.task(1, "Lay the floor", owner="hal", status="in_progress", minutes=9)
    (home.work / "2.json").unlink()
    program.sync()
    states = dict(Task.objects.filter(team__slug="crew").values_list("number", "board_column"))
    assert states == {1: "in_progress", 2: "trash"}


def test_health_tells_of_the_copy_that_came_last(
    remote: tuple[Home, ByClient], cast: Cast, login: Callable[[str], Client]
) -> None:
    home, program = remote
    program.sync()
    edit_task(leader(cast), 1, subject="Lay the oak floor")
    text = login("alice").get("/teams/crew/health/").content.decode()
    assert 'data-inbox="team-lead"' in text
    assert "Lay the floor" in text
    answer = login("alice").post("/teams/crew/health/1/", {"side": "file"})
    assert answer.status_code == 302
    program.sync()
    assert home.read_task(1)["subject"] == Task.objects.get(number=1).subject == "Lay the floor"
    assert 'id="drift"' not in login("alice").get("/teams/crew/health/").content.decode()


def health(login: Callable[[str], Client]) -> str:
    return login("alice").get("/teams/crew/health/").content.decode()


def test_what_cannot_be_sent_is_told_until_it_can(
    remote: tuple[Home, ByClient], cast: Cast, login: Callable[[str], Client], tmp_path: Path
) -> None:
    home, program = remote
    big = home.inbox("hal", row("iris", "x" * 11_000_000, 1))
    home.inbox_path("iris").symlink_to(put(tmp_path / "secret.json", []))
    program.sync()
    for _ in range(2):
        text = health(login)
        assert 'data-problem="teams/crew/inboxes/hal.json"' in text
        assert "at most 10,485,760 are read" in text
        assert "A link leads out of the followed folder." in text
        home.task(2, "Paint")
        program.sync()
    put(big, [])
    home.inbox_path("iris").unlink()
    program.sync()
    assert 'id="skipped"' not in health(login)


def test_a_folder_that_is_shut_or_away_is_not_gone(
    remote: tuple[Home, ByClient], cast: Cast, login: Callable[[str], Client]
) -> None:
    home, program = remote
    program.sync()
    away = home.path.with_name("away")
    home.path.rename(away)
    program.sync()
    assert "The folder is not there." in health(login)
    assert Task.objects.get(team__slug="crew").board_column == "todo"
    assert TeamFiles.objects.get().gone_at is None
    away.rename(home.path)
    program.sync()
    assert "The folder is not there." not in health(login)


@pytest.mark.parametrize(("hours", "words"), [(9, "ahead of"), (-9, "behind")])
def test_a_clock_that_is_hours_off_is_told(
    remote: tuple[Home, ByClient], cast: Cast, login: Callable[[str], Client], hours: int,
    words: str,
) -> None:  # fmt: skip
    _, program = remote
    program.sync()
    assert "The clock of the machine" not in health(login)
    clock = time.time() + hours * 3600 + 60
    program._post({"home": program._name(), "teams": {}, "clock": clock})
    assert f"{words} this one by about" in health(login)


def test_both_sides_may_be_away(remote: tuple[Home, ByClient], cast: Cast) -> None:
    home, program = remote
    program.sync()
    program.away = True
    home.task(2, "Paint")
    send_message(leader(cast), to="hal", body="Go on")
    with pytest.raises(OSError, match="away"):
        program.sync()
    program.away = False
    program.sync()
    assert Task.objects.filter(subject="Paint").exists()
    assert [found["text"] for found in home.rows("hal")] == ["Go on"]


def test_a_row_that_was_caught_waits_for_its_file_that_is_being_written(
    remote: tuple[Home, ByClient], cast: Cast
) -> None:
    home, program = remote
    numbered = {"msgV": 1, "msg_id": "1", "type": "message"}
    home.inbox("hal", row("iris", "Hello", 1, **numbered))
    program.sync()
    home.inbox("hal", *home.rows("hal"), row("iris", "More", 2, **numbered | {"msg_id": "2"}))
    program.catcher.catch(home.inbox_path("hal"))
    put(home.inbox_path("hal"), "[{")
    program.sync()
    assert not Message.objects.filter(body="More").exists()
    home.inbox("hal", row("iris", "More", 2, **numbered | {"msg_id": "2"}))
    program.sync()
    states = Delivery.objects.filter(recipient__name="hal", recipient__team__slug="crew")
    assert {copy.message.body: copy.read_at is not None for copy in states} == {
        "Hello": True, "More": False,
    }  # fmt: skip


def test_a_row_that_was_written_over_is_sent_again_and_none_for_a_late_file(
    remote: tuple[Home, ByClient], cast: Cast
) -> None:
    home, program = remote
    old = row("iris", "Old", 1, msgV=1, msg_id="1", type="message")
    home.inbox("hal", old)
    program.sync()
    send_message(leader(cast), to="hal", body="Mine")
    program.sync()
    assert [found["text"] for found in home.rows("hal")] == ["Old", "Mine"]
    whole = home.rows("hal")
    put(home.inbox_path("hal"), "[{")
    home.task(2, "Paint")
    program.sync()
    assert Handover.objects.get().step == "proven"
    home.inbox("hal", *whole)
    home.inbox("hal", old)
    program.catcher.catch(home.inbox_path("hal"))
    home.inbox("hal")
    program.away = True
    with pytest.raises(OSError, match="away"):
        program.sync()
    program.away = False
    program.sync()
    assert [found["text"] for found in home.rows("hal")] == ["Mine"]
    assert Handover.objects.get().lost == 1


def test_a_server_that_lost_its_copy_asks_for_all(
    remote: tuple[Home, ByClient], cast: Cast, settings: Any, tmp_path: Path
) -> None:
    home, program = remote
    program.sync()
    settings.DATA_DIR = tmp_path / "restored"
    home.task(2, "Paint")
    program.sync()
    program.sync()
    states = dict(Task.objects.filter(team__slug="crew").values_list("number", "board_column"))
    assert states == {1: "todo", 2: "todo"}
    files = TeamFiles.objects.get()
    assert files.gone_at is None


def test_only_a_leader_may_tell(remote: tuple[Home, ByClient], cast: Cast) -> None:
    home, _ = remote
    secret = create_token(cast.alice, "hal")[1]
    with pytest.raises(Refused, match="does not let you"):
        ByClient(home.path, "http://site", secret).sync()
    with pytest.raises(Refused, match="not known"):
        ByClient(home.path, "http://site", "at_wrong").sync()
    assert not Team.objects.filter(slug="crew").exists()


def test_nobody_speaks_for_another_home(remote: tuple[Home, ByClient], cast: Cast) -> None:
    home, program = remote
    program.sync()
    other = make_cast("other")
    secret = create_token(other.alice, "alice")[1]
    ByClient(home.path, "http://site", secret, tell=lambda _: None).sync()
    assert set(Team.objects.values_list("slug", flat=True)) == {
        "checkout", "other", "crew", "crew-2",
    }  # fmt: skip


@pytest.mark.parametrize("path", [
    "../secret.json", "teams/crew/../../x.json", "teams/other/config.json", "tasks/crew/.x.json",
    "teams/crew/inboxes/a/b.json", "teams/crew/evil.sh", "/etc/passwd", "tasks/crew/.json",
])  # fmt: skip
def test_no_other_file_is_written(
    remote: tuple[Home, ByClient], cast: Cast, path: str, tmp_path: Path
) -> None:
    _, program = remote
    with pytest.raises(Refused, match="is no file of a team"):
        program._post({"home": "x", "teams": {"crew": {"files": {path: ["{}", 1]}}}})
    assert not list((tmp_path / "data").rglob("*.sh"))


@pytest.mark.parametrize("content", [[], {"teams": {}}, {"home": "x", "teams": []},
                                     {"home": "x", "teams": {"..": {}}},
                                     {"home": "x", "teams": {"crew": 7}}])  # fmt: skip
def test_nonsense_is_refused_in_words(
    remote: tuple[Home, ByClient], cast: Cast, content: Any
) -> None:
    _, program = remote
    with pytest.raises(Refused):
        program._post(content)


class Answer(BaseHTTPRequestHandler):
    """A server in each of its bad moments, one after the other."""

    moments = ["502", "429", "<html>", "cut", "fine", "401"]
    asked: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        moment = self.moments[len(self.asked)]
        self.asked.append(moment)
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(int(moment) if moment.isdigit() else 200)
        body = b'{"teams": {}}' if moment in ("fine", "cut") else b"<html>Sign in</html>"
        self.send_header("Content-Length", str(len(body) + 99 * (moment == "cut")))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing to standard error."""


def test_a_server_in_trouble_is_waited_for_and_a_refusal_is_the_end(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.claude.remote.EVERY_SECONDS", 0.01)
    monkeypatch.setattr("apps.claude.remote.PATIENCE_SECONDS", 0.01)
    home.config(member("hal"))
    told: list[str] = []
    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        address = f"http://127.0.0.1:{server.server_port}"
        try:
            with pytest.raises(Refused, match="answered 401"):
                RemoteFollower(home.path, address, "at_x", tell=told.append).run(threading.Event())
        finally:
            server.shutdown()
            serving.join()
    assert Answer.asked == Answer.moments
    assert ["cannot be reached" in line for line in told] == [True, False]
    assert told[1] == "The server is back."


def until(check: Callable[[], Any], seconds: float = 20) -> Any:
    """Wait until something is true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := check():
            return found
        time.sleep(0.05)
    raise AssertionError("It did not happen in time.")


@pytest.mark.django_db(transaction=True)
def test_the_program_alone_follows_over_the_network(
    home: Home, tmp_path: Path, live_server: LiveServer, settings: Any
) -> None:
    settings.DATA_DIR = tmp_path / "data"
    cast = make_cast()
    secret = create_token(cast.alice, "alice")[1]
    home.config(member("hal"))
    home.task(1, "Lay the floor")
    archive = tmp_path / "follow.pyz"
    archive.write_bytes(Client().get("/claude/follow.pyz").content)
    assert archive.read_bytes() == program()
    process = subprocess.Popen(
        [sys.executable, "-I", str(archive), str(home.path), "--server", live_server.url,
         "--token", secret],
        stdout=subprocess.PIPE, text=True, cwd=tmp_path,
    )  # fmt: skip
    assert process.stdout is not None
    output = process.stdout
    lines: list[str] = []
    reader = threading.Thread(target=lambda: lines.extend(output))
    reader.start()
    try:
        until(lambda: Task.objects.filter(team__slug="crew").exists())
        home.inbox("team-lead", row("hal", "Ready.", 1))
        until(lambda: Message.objects.filter(body="Ready.").exists())
        send_message(leader(cast), to="hal", body="Go on")
        until(lambda: home.inbox_path("hal").exists())
        put(home.work / "2.json", '{"id": "2", "subject": "Ha')
        home.task(3, "Whole")
        until(lambda: Task.objects.filter(subject="Whole").exists())
    finally:
        process.terminate()
        process.wait(10)
        reader.join()
        output.close()
    assert any("Following crew at" in line for line in lines)
