"""A program that behaves like a team of Claude Code: agents that read inboxes and do tasks.

    python -m tests.claude.live_team HOME FOLDER EPOCH

It works until its input ends, then prints as JSON what the agents received and how much they sent.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

from tests.claude.trees import Home, lead, member, put

chance = Random(2)  # noqa: S311
Rows = list[dict[str, Any]]


def stamp() -> str:
    """Now, as Claude Code writes it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """The lock of a file: a directory beside it."""
    lock = path.with_name(path.name + ".lock")
    while True:
        try:
            lock.mkdir()
            break
        except FileExistsError:
            time.sleep(0.002)
    try:
        yield
    finally:
        lock.rmdir()


class LiveTeam:
    """Runs the agents of one home, each in a thread, until it is told to stop.

    Epoch 1 marks rows as read, later ones take them out; epoch 3 numbers them. A turn lasts: an
    agent deals with the rows that it found when the turn began, those that come later wait.
    """

    def __init__(self, home: Home, epoch: int, names: tuple[str, ...] = ("hal", "iris")) -> None:
        self.home, self.epoch, self.names = home, epoch, names
        self.received: Counter[tuple[str, str]] = Counter()
        self.sent = 0
        self._due: dict[str, float] = {}
        self._found: dict[str, Rows] = {}
        self.errors: list[BaseException] = []
        self._stop = threading.Event()
        self._guard = threading.Lock()
        self._threads = [
            threading.Thread(target=self._run, args=(self._agent(name),)) for name in names
        ]
        self._threads.append(threading.Thread(target=self._run, args=(self._lead(),)))

    def found(self) -> None:
        """Write the config and the first tasks."""
        chief = lead(self.home.team, tmuxPaneId="" if self.epoch == 1 else "leader")
        members = [chief, *(member(name, team=self.home.team) for name in self.names)]
        self.home.config(members=members)
        for number in range(1, 4):
            self.home.task(number, f"First {number}")

    def start(self) -> None:
        """Set the agents to work."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let every agent finish what it is doing, then read what is left in its inbox."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def read_inboxes(self) -> None:
        """Every agent looks once more, and deals with all that it finds."""
        for name in (*self.names, "team-lead"):
            self._look(name)
            self._finish_turn(name)

    def _run(self, steps: Iterator[None]) -> None:
        try:
            while not self._stop.is_set():
                next(steps)
                time.sleep(chance.uniform(0.01, 0.06))
        except BaseException as error:
            self.errors.append(error)

    def _agent(self, name: str) -> Iterator[None]:
        while True:
            self._read_now_and_then(name)
            yield
            number = self._take(name)
            if number is None:
                self.say(name, "team-lead", idle(name))
                yield
                continue
            yield
            self._edit(number, lambda task: {**task, "status": "completed"})
            self.say(name, "team-lead", f"Task {number} is done, {uuid4().hex}.")
            yield

    def _lead(self) -> Iterator[None]:
        for round_ in range(10_000):
            self._read_now_and_then("team-lead")
            yield
            if round_ % 4 == 0:
                self._create(f"Made by the lead {round_}")
            yield
            self.say("team-lead", chance.choice(self.names), f"Go on, {uuid4().hex}.")
            yield

    # Tasks -----------------------------------------------------------------------------------

    def _numbers(self) -> list[int]:
        return sorted(int(path.stem) for path in self.home.work.glob("[0-9]*.json"))

    def _take(self, name: str) -> int | None:
        with locked(self.home.work / ".lock"):
            for number in self._numbers():
                task = self._task(number)
                if task["status"] == "pending" and task.get("owner") in (None, name):
                    doing = {"status": "in_progress", "owner": name, "activeForm": "Working"}
                    self._edit(number, lambda task, doing=doing: {**task, **doing})  # type: ignore[misc]
                    return number
        return None

    def _create(self, subject: str) -> None:
        with locked(self.home.work / ".lock"):
            number = max(self._numbers(), default=0) + 1
            put(self.home.work / f"{number}.json", {
                "id": str(number), "subject": subject, "description": "", "status": "pending",
                "blocks": [], "blockedBy": [], "mood": "fine",
            })  # fmt: skip

    def _task(self, number: int) -> dict[str, Any]:
        return read(self.home.work / f"{number}.json")

    def _edit(self, number: int, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        path = self.home.work / f"{number}.json"
        with locked(path):
            path.write_text(json.dumps(change(read(path)), indent=2))

    # Inboxes ---------------------------------------------------------------------------------

    def say(self, sender: str, to: str, text: str | dict[str, Any]) -> None:
        """Append a row to somebody's inbox."""
        path = self.home.inbox_path(to)
        path.parent.mkdir(parents=True, exist_ok=True)
        row: dict[str, Any] = {
            "from": sender, "text": text if isinstance(text, str) else json.dumps(text),
            "timestamp": stamp(), "read": False,
        }  # fmt: skip
        if self.epoch == 3:
            row |= {"msgV": 1, "msg_id": str(uuid4()), "type": "message"}
        with locked(path):
            rows: Rows = read(path) if path.exists() else []
            path.write_text(json.dumps([*rows, row], indent=2))
        with self._guard:
            self.sent += 1

    def _read_now_and_then(self, name: str) -> None:
        """Look into the inbox as often as an agent does between its turns."""
        if time.monotonic() >= self._due.get(name, 0.0):
            self._due[name] = time.monotonic() + chance.uniform(0.6, 1.2)
            self._finish_turn(name)
            self._look(name)

    def _look(self, name: str) -> None:
        path = self.home.inbox_path(name)
        rows: Rows = read(path) if path.exists() else []
        self._found[name] = [row for row in rows if not row["read"]]

    def _finish_turn(self, name: str) -> None:
        """Mark what was found as read, or take it out."""
        found = self._found.pop(name, [])
        if not found:
            return
        path = self.home.inbox_path(name)
        with locked(path):
            rows: Rows = read(path)
            done = [row for row in rows if row in found]
            kept = [row for row in rows if row not in found]
            if self.epoch == 1:
                kept = [{**row, "read": True} if row in found else row for row in rows]
            path.write_text(json.dumps(kept, indent=2))
        with self._guard:
            self.received.update((name, row["text"]) for row in done)


def idle(name: str) -> dict[str, Any]:
    """What an agent says that has nothing to do."""
    return {
        "type": "idle_notification", "from": name, "timestamp": stamp(),
        "idleReason": "available",
    }  # fmt: skip


def read(path: Path) -> Any:
    """A file's JSON; one that is just being replaced is looked at again."""
    while True:
        try:
            return json.loads(path.read_text())
        except ValueError:
            time.sleep(0.001)


def main(path: str, folder: str, epoch: str) -> None:
    """Work until the input ends."""
    team = LiveTeam(Home(Path(path), folder), int(epoch))
    team.start()
    sys.stdin.read()
    team.stop()
    received = [[name, text, count] for (name, text), count in team.received.items()]
    errors = [repr(error) for error in team.errors]
    sys.stdout.write(json.dumps({"received": received, "sent": team.sent, "errors": errors}))


if __name__ == "__main__":
    main(*sys.argv[1:4])
