"""Conversations beside their list: what a reply answers, the way back, what is put away."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Stage
from tests.browser.test_inbox import MAIL, inbox, line, step

pytestmark = [pytest.mark.browser, pytest.mark.server]
Make = Callable[..., Stage]
ANSWERS = (
    f"{MAIL}first = Message.objects.filter(team=alice.team).first()\n"
    "send_message(seat('%s'), to=['alice'], body='%s', reply_to=first.pk)"
)


def test_a_reply_follows_who_wrote_last_until_one_is_written(make_stage: Make) -> None:
    stage = make_stage(f"{MAIL}send_message(alice, to=['hal', 'iris'], body='Ready?')")
    page = stage.open("alice", f"{inbox(stage)}?box=sent")
    line(page, "Ready?").click()
    to, body = page.locator("#reply-to"), page.locator("#reply-body")
    expect(to).to_have_value("hal, iris")
    stage.run(ANSWERS % ("hal", "I am."))
    expect(to).to_have_value("hal")
    body.fill("Good")
    stage.run(ANSWERS % ("iris", "Me too."))
    expect(page.locator(".letter")).to_have_count(3)
    expect(to).to_have_value("hal")
    body.press("Control+Enter")
    expect(page.locator(".letter").last).to_contain_text("Good")
    expect(page.locator(".letter").nth(1).locator(".delivery-step")).to_have_attribute(
        "data-step", "answered"
    )
    expect(to).to_have_value("iris")
    body.fill("Good, both")
    body.press("Control+Enter")
    expect(step(page, "alice", "answered")).to_have_count(2)
