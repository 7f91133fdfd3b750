"""Conversations beside their list: what a reply answers, the way back, what is put away."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Route, expect

from tests.browser.conftest import Stage
from tests.browser.test_inbox import LETTERS, MAIL, inbox, line, step

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


def test_a_reply_overtakes_what_is_being_read(make_stage: Make) -> None:
    stage = make_stage(f"{MAIL}send_message(alice, to=['hal', 'iris'], body='Ready?')")
    page = stage.open("alice", f"{inbox(stage)}?box=sent")
    line(page, "Ready?").click()
    held: list[Route] = []

    def hold(route: Route) -> None:
        if route.request.headers.get("hx-target") == "thread" and not held:
            held.append(route)
        else:
            route.continue_()

    page.route("**/messages/*/", hold)
    with page.expect_request(lambda request: request.headers.get("hx-target") == "thread"):
        stage.run(ANSWERS % ("hal", "I am."))
    page.locator("#reply-body").fill("Good")
    page.locator("#reply-body").press("Control+Enter")
    expect(page.locator(".letter").last).to_contain_text("Good")
    held[0].continue_()
    stage.run(ANSWERS % ("iris", "Me too."))
    expect(page.locator(".letter")).to_have_count(4)


def test_a_conversation_of_mine_is_put_away_once_it_was_answered(make_stage: Make) -> None:
    stage = make_stage(f"{MAIL}send_message(alice, to=['hal'], body='Ready?')")
    page = stage.open("alice", f"{inbox(stage)}?box=sent")
    line(page, "Ready?").click()
    people = page.locator(".letter-head p")
    expect(people).to_have_text("alice, hal")
    expect(page.locator("[data-key=e]")).to_have_count(0)
    page.locator(".letter-head summary").click()
    stage.run(ANSWERS % ("iris", "I am."))
    expect(people).to_have_text("alice, hal, iris")
    expect(page.locator(".letter-head details[open]")).to_have_count(1)
    page.keyboard.press("Escape")
    page.keyboard.press("e")
    expect(page.locator("#thread")).to_have_count(0)
    page.goto(f"{inbox(stage)}?box=archived")
    expect(line(page, "I am.")).to_be_visible()


def test_a_question_turns_quiet_in_the_list_when_it_is_answered(make_stage: Make) -> None:
    stage = make_stage(
        f"{MAIL}send_message(hal, to=['alice'], kind='permission_request',"
        " payload={'request_id': '7', 'tool_name': 'Bash'})\nmark_all_read(alice)"
    )
    page = stage.open("alice", inbox(stage))
    badge = page.locator("#letters .line .badge").first
    expect(badge).to_have_class("badge badge-bad")
    page.keyboard.press("j")
    page.get_by_role("button", name="Allow").click()
    expect(badge).to_have_class("badge")


def test_keys_that_come_fast_act_on_what_they_chose(make_stage: Make) -> None:
    page = (stage := make_stage(LETTERS)).open("bob", inbox(stage))
    line(page, "Letter 2").click()
    expect(page.locator(".letter-head h2")).to_have_text("Letter 2")
    for key in ("j", "j", "e"):
        page.keyboard.press(key)
    expect(line(page, "Letter 0")).to_have_count(0)
    expect(page.locator("#letters a.line")).to_have_count(2)
    expect(page.locator(".letter-head h2")).to_have_text("Letter 1")


@pytest.mark.parametrize("width", [1440, 390])
def test_what_was_put_away_comes_back_by_undo(width: int, make_stage: Make) -> None:
    stage = make_stage(LETTERS)
    page = stage.open("bob", inbox(stage), viewport={"width": width, "height": 780})
    toast = page.locator("#toasts .toast")
    for subject in ("Letter 2", "Letter 1", "Letter 0"):
        line(page, subject).click()
        page.click("[data-key=e]")
        expect(toast.last).to_contain_text("Archived.")
        expect(line(page, subject)).to_have_count(0)
    expect(page.locator("#thread")).to_have_count(0)
    expect(page.get_by_text("Your inbox is empty")).to_be_visible()
    assert page.url.endswith(inbox(stage))
    toast.last.get_by_role("button", name="Undo").click()
    expect(line(page, "Letter 0")).to_be_visible()
    expect(toast).to_have_count(2)
    page.goto(f"{inbox(stage)}?box=archived")
    line(page, "Letter 1").click()
    page.get_by_role("button", name="Back to inbox").click()
    expect(toast).to_contain_text("Back in your inbox.")
    toast.get_by_role("button", name="Undo").click()
    expect(line(page, "Letter 1")).to_be_visible()


@pytest.mark.parametrize("part", ["#letter", "[id^=archives-]"])
def test_what_was_sent_is_heard_of_though_news_took_its_place(part: str, make_stage: Make) -> None:
    page = (stage := make_stage(LETTERS)).open("bob", inbox(stage))
    line(page, "Letter 2").click()
    expect(page.locator(".letter-head h2")).to_have_text("Letter 2")
    held: list[Route] = []
    page.route("**/archive/", lambda route: held.append(route))
    with page.expect_request("**/archive/"):
        page.click("[data-key=e]")
    page.evaluate(
        """(part) => {
        const same = document.querySelector(part).outerHTML;
        htmx.swap(part, same, {swapStyle: "outerHTML"});
    }""",
        part,
    )
    held[0].continue_()
    expect(page.locator("#toasts .toast")).to_contain_text("Archived.")
    expect(page.locator(".letter-head h2")).to_have_text("Letter 1")
    page.get_by_role("button", name="Undo").click()
    expect(line(page, "Letter 2")).to_be_visible()


def test_who_opened_another_one_meanwhile_stays_there_and_means_that(make_stage: Make) -> None:
    page = (stage := make_stage(LETTERS)).open("bob", inbox(stage))
    line(page, "Letter 2").click()
    expect(page.locator(".letter-head h2")).to_have_text("Letter 2")
    held: list[Route] = []
    page.route("**/archive/", lambda route: held.append(route), times=1)
    with page.expect_request("**/archive/"):
        page.click("[data-key=e]")
    line(page, "Letter 0").click()
    expect(page.locator(".letter-head h2")).to_have_text("Letter 0")
    held.pop().continue_()
    expect(page.locator("#toasts .toast")).to_have_count(1)
    expect(page.locator(".letter-head h2")).to_have_text("Letter 0")

    page.route("**/messages/*/", lambda route: held.append(route), times=1)
    with page.expect_request("**/messages/*/"):
        line(page, "Letter 1").click()
    page.click("[data-key=e]")
    held.pop().continue_()
    expect(line(page, "Letter 1")).to_have_count(0)
    expect(line(page, "Letter 0")).to_be_visible()


def test_what_is_open_is_not_asked_for_again(make_stage: Make) -> None:
    page = (stage := make_stage(LETTERS)).open("bob", inbox(stage))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    line(page, "Letter 2").click()
    expect(page.locator(".letter-head h2")).to_have_text("Letter 2")
    asked.clear()
    line(page, "Letter 2").click()
    line(page, "Letter 0").click()
    expect(page.locator(".letter-head h2")).to_have_text("Letter 0")
    opened = [url for url in asked if url.rstrip("/").rpartition("/")[2].isdecimal()]
    assert len(opened) == 1


@pytest.mark.parametrize("width", [1440, 390])
def test_a_long_letter_opens_at_its_start(width: int, make_stage: Make) -> None:
    stage = make_stage(
        f"{MAIL}long = 'Word. ' * 3000\n"
        "first = send_message(hal, to=['bob'], subject='Long', body=long)\n"
        "send_message(hal, to=['bob'], body=f'Begin. {long}', reply_to=first.pk)\n"
        "mark_all_read(seat('bob'))"
    )
    page = stage.open("bob", inbox(stage), viewport={"width": width, "height": 780})
    line(page, "Long").click()
    head = page.locator(".letter").last.locator(".remark-head")
    expect(head).to_be_in_viewport(ratio=1)
    above, below = page.locator(".letter-head").bounding_box(), head.bounding_box()
    assert above is not None
    assert below is not None
    assert below["y"] >= above["y"] + above["height"]


def test_a_name_that_nobody_has_is_marked_where_it_stands(make_stage: Make) -> None:
    page = (stage := make_stage(LETTERS)).open("bob", inbox(stage))
    line(page, "Letter 1").click()
    page.fill("#reply-body", "Text")
    page.fill("#reply-to", "hall")
    page.locator("#reply-body").press("Control+Enter")
    expect(page.locator("#reply-to")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#reply-to")).to_be_focused()
    expect(page.locator(".field:has(#reply-to) .field-error")).to_have_text(
        "The team has no member “hall”. Did you mean hal?"
    )
    expect(page.locator("#toasts .toast")).to_have_count(0)
    page.fill("#reply-to", "hal")
    page.locator("#reply-body").press("Control+Enter")
    expect(page.locator(".letter").last).to_contain_text("Text")


def test_going_back_leads_from_the_letters_to_the_list(make_stage: Make) -> None:
    page = (stage := make_stage(LETTERS)).open("bob", inbox(stage))
    title = page.locator(".letter-head h2")
    for subject in ("Letter 2", "Letter 1"):
        page.keyboard.press("j")
        expect(title).to_have_text(subject)
    page.go_back()
    expect(title).to_have_count(0)
    expect(page.locator(".letter-none")).to_be_visible()
    assert page.url.endswith(inbox(stage))
    page.go_forward()
    expect(title).to_have_text("Letter 1")
    expect(line(page, "Letter 1")).to_have_attribute("aria-current", "true")
    page.reload()
    expect(title).to_have_text("Letter 1")
    page.keyboard.press("j")
    expect(title).to_have_text("Letter 0")
    page.go_back()
    expect(title).to_have_count(0)
    page.keyboard.press("j")
    expect(title).not_to_have_text("")


def test_a_small_screen_goes_back_to_the_list_by_either_way(make_stage: Make) -> None:
    stage = make_stage(LETTERS)
    page = stage.open("bob", inbox(stage), viewport={"width": 390, "height": 780}, has_touch=True)
    left, pane = page.locator(".mail-left"), page.locator("#letter")
    for back in (page.go_back, lambda: page.click(".letter-back")):
        line(page, "Letter 1").click()
        expect(left).to_be_hidden()
        back()
        expect(left).to_be_visible()
        expect(pane).to_be_hidden()
        expect(page.locator("#thread")).to_have_count(0)
        assert page.url.endswith(inbox(stage))
    line(page, "Letter 0").click()
    page.wait_for_url(re.compile(r"/messages/\d+/"))
    led_there = stage.open("bob", page.url, viewport={"width": 390, "height": 780})
    led_there.click(".letter-back")
    expect(led_there.locator(".mail-left")).to_be_visible()
    assert led_there.url.endswith(inbox(stage))
