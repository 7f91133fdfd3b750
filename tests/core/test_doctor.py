from __future__ import annotations

import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.core.doctor import Finding, examine
from tests.benchmarks.harness import free_port

pytestmark = pytest.mark.django_db
Reply = Callable[[bytes], bytes]


@contextmanager
def answering(reply: Reply, *, greeting: bytes = b"") -> Iterator[int]:
    """The port of a server that says `reply(line)` to the first line of what it is asked."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(greeting)
            while line := self.rfile.readline():
                if line.strip() and not line.startswith((b"Host", b"Conn", b"Upgr", b"Sec", b"Or")):
                    self.wfile.write(reply(line))

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def findings(url: str = "") -> dict[str, Finding]:
    return {finding.what: finding for finding in examine(url)}


@pytest.fixture
def _home(settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    (tmp_path / "secret_key").touch(mode=0o600)


@pytest.mark.usefixtures("_home")
def test_a_working_installation_is_well() -> None:
    found = findings()
    assert {"data directory", "secret key", "database", "migrations", "Redis", "e-mail"} == set(
        found
    )
    assert [what for what, finding in found.items() if not finding.is_well] == []


@pytest.mark.usefixtures("_home")
@pytest.mark.parametrize(
    ("what", "change", "mend"),
    [("secret key", lambda home: (home / "secret_key").chmod(0o644), "chmod 600"),
     ("data directory", lambda home: ((home / "secret_key").unlink(), home.rmdir()), "writable")],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_mend(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, what: str, change: Any, mend: str
) -> None:
    monkeypatch.delenv("SECRET_KEY", raising=False)
    change(tmp_path)
    found = findings()
    assert not found[what].is_well
    assert mend in found[what].mend
    assert found["database"].is_well


@pytest.mark.usefixtures("_home")
def test_a_mail_server_is_tried(settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()
    assert not findings()["e-mail"].is_well
    with answering(lambda line: b"250 ok\r\n", greeting=b"220 mail.example.org\r\n") as port:
        settings.EMAIL_PORT = port
        assert findings()["e-mail"] == Finding("e-mail", True, f"127.0.0.1:{port}")


def site(status: int, *, socket: int = 403, late: int = 0) -> Reply:
    def reply(line: bytes) -> bytes:
        answers = status if b"healthz" in line else socket
        date = formatdate(usegmt=True, timeval=late or None)
        return f"HTTP/1.1 {answers} x\r\nDate: {date}\r\n\r\n".encode()

    return reply


@pytest.mark.usefixtures("_home")
@pytest.mark.parametrize(
    ("reply", "ill"),
    [(site(200), []), (site(502), ["site"]), (site(200, socket=200), ["websocket"]),
     (site(200, late=1_000_000_000), ["site and clock"])],
)  # fmt: skip
def test_the_site_is_looked_at_as_people_reach_it(reply: Reply, ill: list[str]) -> None:
    with answering(reply) as port:
        found = findings(f"http://127.0.0.1:{port}")
    assert [what for what, finding in found.items() if not finding.is_well] == ill


@pytest.mark.usefixtures("_home")
def test_the_command_ends_with_an_error_where_something_is_wrong(
    capsys: pytest.CaptureFixture[str],
) -> None:
    call_command("doctor", url="")
    assert "ok    database" in capsys.readouterr().out
    with pytest.raises(CommandError, match="2 to mend"):
        call_command("doctor", url=f"http://127.0.0.1:{free_port()}")
    said = capsys.readouterr().out
    assert "WRONG site: " in said
    assert "WRONG websocket: " in said
    assert "is the address of the running site" in said
