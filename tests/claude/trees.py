"""Small homes of Claude Code, written to disk in any of its epochs."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
START_MS = int(START.timestamp() * 1000)


def at(minutes: float) -> str:
    """ISO time, minutes after the team began."""
    moment = START + timedelta(minutes=minutes)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def put(path: Path, value: Any) -> Path:
    """Write a JSON value, or text as it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value if isinstance(value, str) else json.dumps(value, indent=2))
    return path


def member(name: str, *, team: str = "crew", minutes: float = 0, **more: Any) -> dict[str, Any]:
    """A teammate of a config."""
    return {
        "agentId": f"{name}@{team}", "name": name, "agentType": "general-purpose",
        "model": "claude-sonnet", "joinedAt": START_MS + int(minutes * 60_000),
        "tmuxPaneId": "in-process", "cwd": "/p", "subscriptions": [], "prompt": f"You are {name}.",
        "color": "blue", "planModeRequired": False, "backendType": "in-process", **more,
    }  # fmt: skip


def lead(team: str = "crew", **more: Any) -> dict[str, Any]:
    """The leader of a config."""
    return {
        "agentId": f"team-lead@{team}", "name": "team-lead", "agentType": "team-lead",
        "model": "claude-opus", "joinedAt": START_MS, "tmuxPaneId": "", "cwd": "/p",
        "subscriptions": [], **more,
    }  # fmt: skip


def config(*members: dict[str, Any], team: str = "crew", **more: Any) -> dict[str, Any]:
    """A whole config."""
    return {
        "name": team, "description": "Builds things", "createdAt": START_MS,
        "leadAgentId": f"team-lead@{team}", "leadSessionId": "0a0a0a0a-0000-4000-8000-000000000000",
        "members": [lead(team), *members], **more,
    }  # fmt: skip


def row(sender: str, text: str | dict[str, Any], minutes: float, **more: Any) -> dict[str, Any]:
    """A row of an inbox; a dict becomes a structured message."""
    body = text if isinstance(text, str) else json.dumps(text)
    return {"from": sender, "text": body, "timestamp": at(minutes), "read": False, **more}


def task(number: int | str, subject: str, **more: Any) -> dict[str, Any]:
    """A native task."""
    return {
        "id": str(number), "subject": subject, "description": "", "status": "pending",
        "blocks": [], "blockedBy": [], **more,
    }  # fmt: skip


class Home:
    """A directory like `~/.claude` with one team to write to."""

    def __init__(self, path: Path, team: str = "crew") -> None:
        self.path, self.team = path, team
        path.mkdir(parents=True, exist_ok=True)

    @property
    def folder(self) -> Path:
        """Where config and inboxes are."""
        return self.path / "teams" / self.team

    @property
    def work(self) -> Path:
        """Where the tasks are."""
        return self.path / "tasks" / self.team

    def config(self, *members: dict[str, Any], **more: Any) -> Path:
        """Write config.json."""
        return put(self.folder / "config.json", config(*members, team=self.team, **more))

    def inbox(self, name: str, *rows: Any) -> Path:
        """Write a whole inbox."""
        return put(self.folder / "inboxes" / f"{name}.json", list(rows))

    def inbox_path(self, name: str) -> Path:
        """Where an inbox lies."""
        return self.folder / "inboxes" / f"{name}.json"

    def rows(self, name: str) -> list[dict[str, Any]]:
        """What an inbox holds now."""
        found: list[dict[str, Any]] = json.loads(self.inbox_path(name).read_text())
        return found

    def task(self, number: int | str, subject: str, *, minutes: float = 1, **more: Any) -> Path:
        """Write a task with a modification time of its own."""
        path = put(self.work / f"{number}.json", task(number, subject, **more))
        stamp = (START + timedelta(minutes=minutes)).timestamp()
        os.utime(path, (stamp, stamp))
        return path

    def read_task(self, number: int | str) -> dict[str, Any]:
        """What a task file holds now."""
        found: dict[str, Any] = json.loads((self.work / f"{number}.json").read_text())
        return found
