"""A browser without a window, and a team to work on, for tests against real processes."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from tests.servers import ROOT, Site


@dataclass
class Login:
    """The seeded team's leader: the journal's number then, and the header lines of the login."""

    seq: int
    headers: dict[str, str]


def seeded(site: Site, cards: int) -> Login:
    """An active team with `cards` cards in TODO."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "tests/benchmarks/seed.py"), str(cards), "todo"],
        env=site.env, capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = json.loads(done.stdout.splitlines()[-1])
    lines = (line.split(": ", 1) for line in found["login"].splitlines())
    return Login(found["seq"], dict(lines))


def post(url: str, path: str, login: Login, **values: object) -> int:
    """The status that a form gets."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)
    headers = {**login.headers, "Content-Type": "application/x-www-form-urlencoded"}
    try:
        connection.request("POST", path, urlencode(values), headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def get(url: str, path: str, login: Login | None = None) -> tuple[int, str]:
    """Status and body of a page."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)
    try:
        connection.request("GET", path, headers=login.headers if login else {})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()
