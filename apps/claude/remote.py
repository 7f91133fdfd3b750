"""The follower's half for another machine: needs nothing but Python, knows no database.

It sends what changed in the files, and carries out the orders that come back.
"""

from __future__ import annotations

import gzip
import http.client
import json
import platform
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from apps.claude import formats
from apps.claude.catching import Catcher, Rows
from apps.claude.inotify import Inotify
from apps.claude.orders import Order, Outcome, carry_out

EVERY_SECONDS = 1.0
PATIENCE_SECONDS = 30.0
SETTLED_SECONDS = 2.0
# The server is there, but wants to be asked again later.
LATER_CODES = frozenset({408, 425, 429})
BATCH_BYTES = 8 * 1024 * 1024
BOUNDARY = "----agent-teams-follow"
TEAM_FILES = ("config.json", "members.meta.json", "kanban-state.json", "launch-state.json")
LIMITS = {"inboxes": formats.INBOX_LIMIT, "tasks": formats.TASK_LIMIT}
Stamp = tuple[int, int]


@dataclass
class Folder:
    """One team as the server has it: the stamps of the files sent, and what is to be reported."""

    sent: dict[str, Stamp] = field(default_factory=dict)
    outcomes: list[Outcome] = field(default_factory=list)
    lost: dict[str, list[str]] = field(default_factory=dict)
    pending: dict[str, Stamp] = field(default_factory=dict)
    # By file: code and sentence of what keeps it from being sent; and what the server knows of it.
    problems: dict[str, list[str]] = field(default_factory=dict)
    told: dict[str, list[str]] = field(default_factory=dict)
    slug: str = ""

    def unsent(self, stamps: dict[str, Stamp], files: Container[str]) -> set[str]:
        """The files that changed, but are not among those that are sent now."""
        changed = (path for path, stamp in stamps.items() if self.sent.get(path) != stamp)
        return {path for path in changed if path not in files}

    def arrived(self, gone: list[str]) -> None:
        """The server has what was sent."""
        self.sent |= self.pending
        for path in gone:
            self.sent.pop(path, None)
        self.pending, self.outcomes, self.lost = {}, [], {}
        self.told = self.problems


class Refused(Exception):
    """The server answered, and said no."""


class RemoteFollower:
    """Keeps a server told of one home."""

    def __init__(
        self, home: Path, server: str, token: str, *, tell: Callable[[str], object] = print
    ) -> None:
        self.home, self.server, self.token = home.resolve(), server.rstrip("/"), token
        self.tell = tell
        self.folders: dict[str, Folder] = {}
        self.catcher = Catcher(self.home)
        self.wake = threading.Event()

    def run(self, stop: threading.Event) -> None:
        """Follow until `stop` is set; a server that is away is waited for."""
        notify = Inotify(self._touched, stop)
        notify.start()
        wait, away = EVERY_SECONDS, False
        while not stop.is_set():
            notify.watch(self.home / "teams", below=2)
            notify.watch(self.home / "tasks", below=1)
            try:
                self.sync()
                if away:
                    self.tell("The server is back.")
                wait, away = EVERY_SECONDS, False
            except (OSError, http.client.HTTPException) as error:
                if not away:
                    self.tell(f"The server cannot be reached ({error}); trying again.")
                wait, away = min(PATIENCE_SECONDS, wait * 2), True
            # Work that goes on is no reason to knock at a closed door more often.
            (stop if away else self.wake).wait(wait)
            self.wake.clear()

    def _touched(self, path: Path) -> None:
        self.catcher.catch(path)
        if path.suffix == ".json":
            self.wake.set()

    def sync(self) -> None:
        """Tell what is news, carry out what comes back, until there is neither."""
        for _ in range(10):
            teams = dict(self._news())
            try:
                answer = self._post({"home": self._name(), "teams": teams, "clock": time.time()})
            except BaseException:  # whatever it was, the rows did not arrive
                self._keep(teams)
                raise
            told = answer.get("teams", {})
            for name in teams.keys() | told.keys():
                self._answered(name, teams.get(name), told.get(name, {}))
            if not any(folder.outcomes for folder in self.folders.values()):
                return

    def _keep(self, teams: dict[str, dict[str, Any]]) -> None:
        """Rows that were caught and did not arrive are sent the next time."""
        for name, told in teams.items():
            for inbox, rows in told["caught"].items():
                self.catcher.saw(self.home / "teams" / name / "inboxes" / f"{inbox}.json", rows)

    def _name(self) -> str:
        return f"{platform.node()}:{self.home}"

    def _news(self) -> Iterator[tuple[str, dict[str, Any]]]:
        names = set(formats.team_names(self.home)) | set(self.folders)
        room = BATCH_BYTES
        for name in sorted(names):
            folder = self.folders.setdefault(name, Folder())
            # Before the files are read: a row that comes after the reading is not one that is gone.
            rows = self.catcher.take(name)
            files, gone, stamps = self._changed(name, folder)
            if room <= 0:
                files, gone = {}, []
            room -= sum(len(text) for text in files.values())
            late = _inboxes(name, folder.unsent(stamps, files))
            caught = self._caught(name, rows, late)
            for inbox, names in self.catcher.lost(name).items():
                folder.lost[inbox] = [*folder.lost.get(inbox, ()), *names]
            troubled = folder.problems != folder.told
            if files or gone or caught or folder.outcomes or folder.lost or troubled:
                folder.pending = {path: stamps[path] for path in files}
                yield name, {
                    "files": {path: [text, stamps[path][1]] for path, text in files.items()},
                    "gone": gone, "caught": caught, "locking": name in self.catcher.lockers,
                    "late": late, "lost": folder.lost, "problems": folder.problems,
                    "outcomes": [outcome.as_data() for outcome in folder.outcomes],
                }  # fmt: skip

    def _changed(
        self, name: str, folder: Folder
    ) -> tuple[dict[str, str], list[str], dict[str, Stamp]]:
        files: dict[str, str] = {}
        stamps: dict[str, Stamp] = {}
        shut = formats.home_problems(self.home)
        folder.problems = {problem.path.name: _words(problem) for problem in shut}
        for path, limit in team_paths(self.home, name):
            key = path.relative_to(self.home).as_posix()
            stamp = _stamp(path)
            if stamp is None:
                continue
            stamps[key] = stamp
            if folder.sent.get(key) == stamp:
                continue
            text = self._text(path, limit, stamp)
            if isinstance(text, str):
                files[key] = text
            elif text is not None:
                folder.problems[key] = _words(text)
        missing = [key for key in folder.sent if key not in stamps]
        return files, [key for key in missing if not shut and _is_gone(self.home / key)], stamps

    def _text(self, path: Path, limit: int, stamp: Stamp) -> str | formats.Problem | None:
        """What a file says, or why it cannot be sent; None while it is being written."""
        found = formats.read_bytes(path, limit=limit, within=self.home)
        if isinstance(found, formats.Problem):
            return None if found.passing else found
        torn = isinstance(formats.decode(path, found.data), formats.Problem)
        if torn and time.time_ns() - stamp[1] < SETTLED_SECONDS * 1e9:
            return None
        return found.data.decode("utf-8", errors="replace")

    def _caught(self, name: str, rows: Rows, late: list[str]) -> dict[str, list[Any]]:
        """The rows to send. While their file cannot be, they would look like rows that are gone."""
        self.catcher.give_back(name, {inbox: rows[inbox] for inbox in late if inbox in rows})
        ready = {inbox: found for inbox, found in rows.items() if inbox not in late}
        return {inbox: [row.native() for row in found.values()] for inbox, found in ready.items()}

    def _answered(self, name: str, sent: dict[str, Any] | None, told: dict[str, Any]) -> None:
        folder = self.folders.setdefault(name, Folder())
        if sent is not None:
            folder.arrived(sent["gone"])
        if told.get("again"):
            folder.sent = {}
        orders = [Order.from_data(order) for order in told.get("orders", [])]
        if orders:
            found = carry_out(self.home, name, orders, witness=self.catcher)
            folder.outcomes = list(found)
        if told.get("slug", folder.slug) != folder.slug:
            folder.slug = told["slug"]
            self.tell(f"Following {name} at {self.server}/teams/{told['slug']}/")

    def _post(self, content: dict[str, Any]) -> dict[str, Any]:
        body = gzip.compress(json.dumps(content).encode(), compresslevel=5)
        part = (
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="sync"; filename="s"\r\n'
            "Content-Type: application/gzip\r\n\r\n"
        )
        request = urllib.request.Request(  # noqa: S310
            f"{self.server}/api/v1/claude/sync",
            data=part.encode() + body + f"\r\n--{BOUNDARY}--\r\n".encode(),
            headers={
                "Authorization": f"Bearer {self.token}", "Accept": "application/json",
                "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
            },
        )  # fmt: skip
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
                found = json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code >= 500 or error.code in LATER_CODES:
                raise
            raise Refused(_sentence(error)) from None
        except ValueError:
            raise OSError("it does not answer as this site does") from None
        return found if isinstance(found, dict) else {}


def team_paths(home: Path, name: str) -> Iterator[tuple[Path, int]]:
    """The files of one team that matter, each with the most that is read of it."""
    if not formats.safe_name(name):
        return
    team, work = home / "teams" / name, home / "tasks" / name
    for part in TEAM_FILES:
        yield team / part, formats.CONFIG_LIMIT
    for path in formats.inbox_paths(team / "inboxes"):
        yield path, LIMITS["inboxes"]
    for path in formats.task_paths(work):
        yield path, LIMITS["tasks"]
    yield work / ".highwatermark", 64


def _inboxes(name: str, keys: Iterable[str]) -> list[str]:
    folder = f"teams/{name}/inboxes/"
    return sorted(Path(key).stem for key in keys if key.startswith(folder))


def _stamp(path: Path) -> Stamp | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def _is_gone(path: Path) -> bool:
    """Whether a file is not there any more, rather than behind a door that is shut."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _words(problem: formats.Problem) -> list[str]:
    return [problem.code, problem.sentence]


def _sentence(error: urllib.error.HTTPError) -> str:
    try:
        told = json.load(error)["error"]
        return f"{told['message']} {told['hint']}".strip()
    except (ValueError, KeyError, TypeError):
        return f"The server answered {error.code}."
