"""The page of a followed team's files: readable everywhere, and fresh without being asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Stage
from tests.browser.test_look import CONTRAST
from tests.claude.trees import Home, member, put, row

pytestmark = [pytest.mark.browser, pytest.mark.server]
Make = Callable[..., Stage]
TAKE_IN = """
from pathlib import Path
from apps.claude.follow import Follower
from apps.teams.models import User
User.objects.filter(username="alice").update(is_superuser=True)
follower = Follower(Path({home!r}))
follower.sweep()
"""
TROUBLE = """
from apps.messaging.actions import send_message
from apps.tasks.actions import edit_task
from apps.teams.access import seat_of
alice = seat_of(User.objects.get(username="alice"), "crew")
send_message(alice, to="hal", subject="A long word of advice " * 4, body="Mine")
edit_task(alice, 1, subject="Lay the oak floor that takes a long and winding sentence to name")
follower.sweep()
edit_task(alice, 1, owner="iris")
"""


def trouble(home: Home) -> None:
    """A team with something of everything that the page tells of."""
    home.config(member("hal"), member("iris"))
    home.task(1, "Lay the floor", owner="hal")
    put(home.work / "a-very-long-name-of-a-file-that-holds-nothing-of-use-to-anybody.json", "[]")
    put(home.inbox_path("hal"), '{"not": "a list"}')
    home.inbox("nobody-we-know", row("hal", "x" * 1_100_000, 1))
    home.inbox("team-lead", {**row("hal", "Later.", 1), "timestamp": "2999-01-01T00:00:00Z"})


def reads_well(page: Page) -> None:
    """Nothing sticks out to the side, and every text can be told from its ground."""
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate(CONTRAST) == []


def test_the_health_of_files_reads_well_and_stays_fresh(make_stage: Make, tmp_path: Path) -> None:
    home = Home(tmp_path / "claude")
    trouble(home)
    stage = make_stage()
    stage.run(TAKE_IN.format(home=str(home.path)) + TROUBLE)
    path = "/teams/crew/health/"
    for scheme in ("light", "dark"):
        for width in (1440, 390):
            size = {"width": width, "height": 844}
            page = stage.open(path=path, color_scheme=scheme, viewport=size)
            for part in ("drift", "skipped", "underway", "inboxes"):
                expect(page.locator(f"#{part}")).to_be_visible()
            expect(page.locator("#health")).to_contain_text("ahead of this one")
            reads_well(page)

    page.get_by_role("button", name="Take the board").click()
    expect(page.locator("#health")).to_be_visible()
    home.inbox("hal")
    stage.run(TAKE_IN.format(home=str(home.path)))
    page.clock.install()
    page.reload()
    expect(page.locator("#drift")).to_have_count(0)
    (home.work / "a-very-long-name-of-a-file-that-holds-nothing-of-use-to-anybody.json").unlink()
    stage.run(TAKE_IN.format(home=str(home.path)))
    expect(page.locator("#skipped")).to_be_visible()
    page.clock.fast_forward(16_000)
    expect(page.locator("#skipped")).to_have_count(0)
