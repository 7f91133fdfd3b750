"""Headless Chromium against a real server process. One site for all tests, a team for each."""

from __future__ import annotations

import itertools
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from tests.servers import Site, new_site

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
WIDE = {"width": 1440, "height": 900}
# What the browser itself writes for an answer or a socket that the test means to be refused.
EXPECTED = ("Failed to load resource: the server responded with a status of 4",
            "Response Status Error Code 4", "WebSocket connection to", "[object Event]",
            "Failed to load resource: net::ERR_INTERNET_DISCONNECTED", "htmx:sendError",
            "htmx:afterRequest")  # fmt: skip

PEOPLE = """
import json
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from apps.teams.models import User
keys = {}
for name in ("alice", "bob", "vera"):
    user = User.objects.create_user(name, password="not-used-" + name)
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    keys[name] = session.session_key
print(json.dumps(keys))
"""
TEAM = """
import json
from apps.tasks import actions
from apps.tasks.models import Task
from apps.teams.actions import add_member, create_team, seat_person, transition_team
from apps.teams.models import Member, Team, User
people = {user.username: user for user in User.objects.all()}
team = create_team(people["alice"], "%(slug)s", name="%(slug)s", require_plan_approval=False)
alice = Member.objects.select_related("team").get(team=team, name="alice")
seat_person(team, people["bob"], role="member")
seat_person(team, people["vera"], role="observer")
for name in ("hal", "iris"):
    add_member(alice, name, agent_type="general-purpose")
transition_team(alice, "active")
def seat(name):
    return Member.objects.select_related("team").get(team__slug="%(slug)s", name=name)
alice, hal = seat("alice"), seat("hal")
%(more)s
print("done")
"""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for the whole run; without one the tests are skipped, except under CI."""
    if not shutil.which(CHROMIUM):
        if os.environ.get("CI") == "true":
            pytest.fail(f"There is no Chromium at {CHROMIUM}.")
        pytest.skip(f"There is no Chromium at {CHROMIUM}.")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server process with its own data."""
    with new_site(tmp_path_factory.mktemp("site")) as running:
        yield running


@pytest.fixture(scope="session")
def sessions(site: Site) -> dict[str, str]:
    """A logged-in session by name."""
    keys: dict[str, str] = json.loads(site.shell(PEOPLE))
    return keys


_numbers = itertools.count(1)


@dataclass
class Stage:
    """A team of its own, and browsers in it."""

    site: Site
    browser: Browser
    sessions: dict[str, str]
    slug: str
    contexts: list[BrowserContext] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    @property
    def path(self) -> str:
        """The board."""
        return f"/teams/{self.slug}/"

    def run(self, code: str) -> None:
        """Act beside the browsers, in another process: `alice`, `hal`, `seat(name)`, `actions`."""
        head = TEAM.split("people = ")[0]
        seats = TEAM.split("def seat")[1].rpartition("%(more)s")[0]
        self.site.shell(f"{head}\ndef seat{seats % {'slug': self.slug}}\n{code}\nprint('done')")

    def open(self, name: str = "alice", path: str = "", **options: Any) -> Page:
        """A window of that person, on the board and live unless another path is given."""
        context = self.browser.new_context(
            base_url=self.site.url, **{"viewport": WIDE, "color_scheme": "light", **options}
        )
        context.set_default_timeout(8000)
        cookie = {"name": "teams_session", "value": self.sessions[name], "url": self.site.url}
        context.add_cookies([cookie])  # type: ignore[list-item]
        self.contexts.append(context)
        page = context.new_page()
        page.on("console", self._listen)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(path or self.path)
        page.wait_for_selector("body[data-live=live]")
        return page

    def _listen(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(EXPECTED):
            self.complaints.append(message.text)


@pytest.fixture
def make_stage(
    site: Site, browser: Browser, sessions: dict[str, str]
) -> Iterator[Callable[[str], Stage]]:
    """A fresh team, filled by the given code; no window may complain in its console."""
    made: list[Stage] = []

    def make(more: str = "") -> Stage:
        slug = f"stage-{next(_numbers)}"
        site.shell(TEAM % {"slug": slug, "more": more})
        made.append(Stage(site, browser, sessions, slug))
        return made[-1]

    yield make
    for stage in made:
        for context in stage.contexts:
            context.close()
    assert [complaint for stage in made for complaint in stage.complaints] == []
