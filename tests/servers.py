"""Real server processes for tests that need them: their own data, their own database."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from tests.benchmarks.harness import free_port, manage, stop

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 30


@dataclass
class Site:
    """One or several processes over the same data."""

    env: dict[str, str]
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)
    beside: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        """The address of the first process."""
        return self.urls[0]

    def start(self, *arguments: str, port: int | None = None) -> str:
        """Start one more process of `manage.py up` and wait until it answers; its address."""
        at = port or free_port()
        return self._await(at, self._launch(at, *arguments))

    def start_at_once(self, count: int) -> None:
        """Start that many processes together, and wait until all answer."""
        ports = [free_port() for _ in range(count)]
        for port, process in [(port, self._launch(port)) for port in ports]:
            self._await(port, process)

    def _launch(self, port: int, *arguments: str) -> subprocess.Popen[bytes]:
        with self._log(port).open("wb") as output:
            return subprocess.Popen(
                [sys.executable, "manage.py", "up", "--port", str(port), *arguments],
                cwd=ROOT, env=self.env, stdout=output, stderr=subprocess.STDOUT,
            )  # fmt: skip

    def _await(self, port: int, process: subprocess.Popen[bytes]) -> str:
        url = f"http://127.0.0.1:{port}"
        self.processes.append(process)
        wait_until_it_answers(url, process, self._log(port))
        self.urls.append(url)
        return url

    def _log(self, port: int) -> Path:
        return Path(self.env["DATA_DIR"]) / f"{port}.log"

    def manage(self, *arguments: str, stdin: str = "") -> str:
        """What a management command prints."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT, env=self.env, input=stdin, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def shell(self, code: str) -> str:
        """Run Python beside the servers; the last line that it printed.

        All pieces run in one process, which has every model at hand.
        """
        if self.beside is None:
            self.beside = subprocess.Popen(
                [sys.executable, "-m", "tests.pieces"],
                cwd=ROOT, env=self.env, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            )  # fmt: skip
        assert self.beside.stdin is not None
        assert self.beside.stdout is not None
        self.beside.stdin.write(json.dumps(code) + "\n")
        self.beside.stdin.flush()
        answer = json.loads(self.beside.stdout.readline())
        assert not answer["error"], answer["error"]
        return str(answer["printed"]).strip().rpartition("\n")[2]

    def close(self) -> None:
        """Stop all that was started here."""
        if self.beside is not None:
            self.beside.communicate()
        for process in self.processes:
            if process.poll() is None:
                stop(process)

    def setup_path(self) -> str:
        """The one-time link that the first process printed."""
        port = urlsplit(self.url).port
        text = (Path(self.env["DATA_DIR"]) / f"{port}.log").read_text()
        found = re.search(r"(/setup/\S+)", text)
        assert found is not None, text
        return found[1]


def wait_until_it_answers(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return once `/healthz` is answered; fail with the log if the process ends first."""
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError, urllib.error.URLError):
            urllib.request.urlopen(f"{url}/healthz", timeout=2).read()  # noqa: S310
            return
        time.sleep(0.05)
    raise AssertionError(f"The server did not start:\n{log.read_text()}")


@contextlib.contextmanager
def new_site(
    home: Path, *, processes: int = 1, env: Mapping[str, str] | None = None, empty: bool = False
) -> Iterator[Site]:
    """A fresh site in `home`; with `DATABASE_URL` set, in a database of its own.

    Its tables are there, as after a first start; with `empty` the first process makes them.
    """
    home.mkdir(parents=True, exist_ok=True)
    with _database(home, empty=empty) as url:
        full = {**os.environ, "DATA_DIR": str(home), "PYTHONUNBUFFERED": "1", **(env or {})}
        if url:
            full["DATABASE_URL"] = url
        site = Site(full)
        try:
            for _ in range(processes):
                site.start()
            yield site
        finally:
            site.close()


@contextlib.contextmanager
def _database(home: Path, *, empty: bool) -> Iterator[str]:
    given = os.environ.get("DATABASE_URL", "")
    if given.startswith("postgres"):
        with _postgres(given, "template1" if empty else _tables(given)) as url:
            yield url
        return
    if not given and not empty:
        shutil.copy(_tables(given), home)
    yield given


@contextlib.contextmanager
def _postgres(given: str, like: str) -> Iterator[str]:
    import psycopg

    name = f"teams_site_{os.getpid()}_{time.monotonic_ns()}"
    with psycopg.connect(given, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {like}".encode())
        try:
            yield urlunsplit(urlsplit(given)._replace(path=f"/{name}"))
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@cache
def _tables(given: str) -> str:
    """A database with all tables and nothing in them, made once a run: its name, or its file."""
    until_the_end = contextlib.ExitStack()
    atexit.register(until_the_end.close)
    home = until_the_end.enter_context(tempfile.TemporaryDirectory(prefix="tables-"))
    env = {"DATA_DIR": home}
    if given:
        env["DATABASE_URL"] = until_the_end.enter_context(_postgres(given, "template1"))
    manage(env, "migrate", "--verbosity", "0")
    return urlsplit(env["DATABASE_URL"]).path.strip("/") if given else f"{home}/teams.sqlite3"
