"""The follower for other machines as a command.

    python3 follow.pyz ~/.claude --server http://teams.example --token at_…

With `hook` in place of a directory it is a command for Claude Code's hooks: it passes on what it
reads from its input, and ends with 2 and the reason where the server says no.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
import urllib.request
from pathlib import Path

from apps.claude import formats
from apps.claude.remote import Refused, RemoteFollower

HOOK_SECONDS = 5.0


def main(arguments: list[str] | None = None) -> int:
    """Run as a program; 0 done, 1 refused."""
    parser = argparse.ArgumentParser(prog="follow", description=__doc__.splitlines()[0])
    parser.add_argument("path", nargs="?", default="~/.claude", help="the directory to follow")
    parser.add_argument("--server", required=True, help="the address of the site")
    parser.add_argument("--token", default=os.environ.get("AGENT_TEAMS_TOKEN", ""))
    given = parser.parse_args(arguments)
    if given.path == "hook":
        return hook(sys.stdin.buffer.read(), given.server, given.token)
    home = Path(given.path).expanduser()
    if problems := formats.home_problems(home):
        sys.stderr.write(f"{problems[0].path}: {problems[0].sentence}\n")
        return 1
    follower = RemoteFollower(home, given.server, given.token, tell=_tell)
    _tell(f"Following {home} for {given.server}. Ctrl-C ends it.")
    try:
        follower.run(threading.Event())
    except Refused as refusal:
        sys.stderr.write(f"{refusal}\n")
        return 1
    except KeyboardInterrupt:
        _tell("Stopped.")
    return 0


def hook(event: bytes, server: str, token: str) -> int:
    """2 with the reason on stderr where the server says no; 0 else, also where it is away."""
    request = urllib.request.Request(  # noqa: S310
        f"{server.rstrip('/')}/api/v1/claude/hook", data=event,
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json",
                 "Accept": "application/json"},
    )  # fmt: skip
    try:
        with urllib.request.urlopen(request, timeout=HOOK_SECONDS) as answer:  # noqa: S310
            reason = json.load(answer).get("block")
    except (OSError, ValueError):
        return 0
    if not reason:
        return 0
    sys.stderr.write(f"{reason}\n")
    return 2


def _tell(sentence: str) -> None:
    sys.stdout.write(sentence + "\n")
    sys.stdout.flush()
