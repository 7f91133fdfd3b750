"""The board by keyboard and by touch, and what is written on it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.board import THREE, card, in_column
from tests.browser.conftest import Stage

pytestmark = [pytest.mark.browser, pytest.mark.server]
Make = Callable[..., Stage]


def test_keys_move_focus_and_cards(make_stage: Make) -> None:
    page = make_stage(THREE).open()
    page.keyboard.press("j")
    expect(card(page, "First").locator(".card-link")).to_be_focused()
    page.keyboard.press("j")
    expect(card(page, "Second").locator(".card-link")).to_be_focused()
    page.keyboard.press("]")
    expect(in_column(page, "in_progress")).to_have_text(["Second"])
    expect(card(page, "Second").locator(".card-link")).to_be_focused()
    expect(page.locator("#announce")).to_have_text("Second moved to In progress.")
    page.keyboard.press("]")
    expect(in_column(page, "done")).to_have_text(["Second"])
    page.keyboard.press("h")
    expect(card(page, "First").locator(".card-link")).to_be_focused()
    page.keyboard.press("Shift+J")
    expect(in_column(page, "todo")).to_have_text(["Third", "First"])
    page.keyboard.press("[")
    expect(page.locator(".toast")).to_contain_text("no column on that side")


def test_keys_open_write_and_assign(make_stage: Make) -> None:
    stage = make_stage(THREE)
    page = stage.open()
    page.keyboard.press("n")
    page.keyboard.type("From the dialog")
    page.fill("#new-blocked", "#1")
    page.keyboard.press("Enter")
    expect(card(page, "From the dialog").locator(".badge-warn")).to_contain_text("Blocked by #1")
    expect(page.locator("#new-task[open]")).to_have_count(0)

    card(page, "From the dialog").locator(".card-link").focus()
    page.keyboard.press("o")
    page.keyboard.type("iri")
    page.keyboard.press("Enter")
    expect(card(page, "From the dialog")).to_have_attribute("data-owner", "iris")

    page.keyboard.press("Enter")
    expect(page.locator("#drawer .sheet-title")).to_have_text("From the dialog")
    expect(page).to_have_url(re.compile(r"/tasks/4/$"))
    page.keyboard.press("c")
    page.keyboard.type("Looks **good**.")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".remark strong")).to_have_text("good")
    page.keyboard.press("Tab")
    page.locator("#drawer").focus()
    page.keyboard.press("e")
    page.fill("#edit-subject", "Renamed in place")
    page.keyboard.press("Enter")
    expect(page.locator(".sheet-title")).to_have_text("Renamed in place")
    expect(in_column(page, "todo").first).to_have_text("Renamed in place")
    page.locator("#drawer").focus()
    page.keyboard.press("Escape")
    expect(page.locator("#sheet")).to_have_count(0)
    expect(page).to_have_url(re.compile(rf"{stage.path}$"))
    page.go_back()
    expect(page.locator("#drawer .sheet-title")).to_have_text("Renamed in place")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()


def test_a_form_works_from_the_moment_it_is_seen(make_stage: Make) -> None:
    stage = make_stage(THREE)
    page = stage.open()
    card(page, "Third").locator(".card-link").click()
    expect(page.locator("#drawer .sheet-title")).to_have_text("Third")
    page.evaluate("""() => document.addEventListener("htmx:afterSwap", () => setTimeout(() => {
      const form = document.querySelector("#drawer details.editor form");
      form.elements.subject.value = "At once";
      form.requestSubmit();
    }), { once: true })""")
    page.fill("#composer", "Comes first.")
    page.keyboard.press("Control+Enter")
    expect(in_column(page, "todo").last).to_have_text("At once")
    expect(page.locator("#drawer .sheet-title")).to_have_text("At once")


def test_a_wrong_value_is_told_beside_its_field(make_stage: Make) -> None:
    page = make_stage(THREE).open()
    page.keyboard.press("n")
    page.keyboard.type("Blocked by nothing")
    page.fill("#new-blocked", "#99")
    page.keyboard.press("Enter")
    expect(page.locator("#new-task .field-error")).to_have_text(
        "There is no task #99 in this team."
    )
    expect(page.locator("#new-blocked")).to_be_focused()
    expect(page.locator("#new-subject")).to_have_value("Blocked by nothing")


def test_what_is_being_written_stays_while_news_arrives(make_stage: Make) -> None:
    stage = make_stage(THREE)
    page = stage.open(path="")
    page.goto(f"{stage.path}tasks/1/")
    page.wait_for_selector("body[data-live=live]")
    page.fill("#composer", "Half a sent")
    page.locator(".sheet-title").click()
    page.fill("#edit-subject", "Half an ed")

    stage.run("actions.comment(alice, 1, 'Meanwhile')")
    expect(page.locator(".remark")).to_contain_text("Meanwhile")
    expect(page.locator("#composer")).to_have_value("Half a sent")
    expect(page.locator("#edit-subject")).to_have_value("Half an ed")
    page.keyboard.press("Enter")  # the form moved on to the new version: nothing it shows changed
    expect(page.locator(".sheet-title")).to_have_text("Half an ed")

    page.locator(".sheet-title").click()
    page.fill("#edit-subject", "Mine")
    stage.run("actions.edit_task(alice, 1, subject='Theirs')")
    expect(page.locator(".editor-stale")).to_be_visible()
    page.locator("#edit-subject").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("changed meanwhile")


def test_touch_drags_after_a_long_press(make_stage: Make) -> None:
    page = make_stage(THREE).open(has_touch=True, viewport={"width": 1000, "height": 800})
    start = card(page, "First").bounding_box()
    target = page.locator("[data-list=in_progress]").bounding_box()
    assert start is not None
    assert target is not None
    touch = page.context.new_cdp_session(page)

    def send(kind: str, *points: tuple[float, float]) -> None:
        where = [{"x": x, "y": y} for x, y in points]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": where})

    send("touchStart", (start["x"] + 40, start["y"] + 30))
    page.wait_for_selector(".ghost")
    for step in range(1, 9):
        x = start["x"] + 40 + (target["x"] + 60 - start["x"] - 40) * step / 8
        send("touchMove", (x, start["y"] + 40))
    send("touchEnd")
    expect(in_column(page, "in_progress")).to_have_text(["First"])


def test_a_small_screen_swipes_between_columns(make_stage: Make) -> None:
    page = make_stage(THREE).open(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    expect(page.locator("[data-tab=todo]")).to_have_attribute("aria-current", "true")
    page.locator("[data-tab=review]").tap()
    expect(page.locator("[data-tab=review]")).to_have_attribute("aria-current", "true")
    expect(page.locator("[data-count-of=todo]")).to_have_text("3")
    page.locator("[data-tab=todo]").tap()
    page.get_by_text("First", exact=True).tap()
    expect(page.locator("#drawer .sheet-title")).to_be_visible()


def test_the_window_of_keys_says_what_they_do_here(make_stage: Make) -> None:
    stage = make_stage(THREE)
    page = stage.open()
    for path, here, elsewhere in [
        (stage.path, "move it down, up", "archive"),
        (f"{stage.path}tasks/1/", "comment", "new task"),
        (f"{stage.path}inbox/", "archive, or take back", "card left, right"),
        (f"{stage.path}messages/new/", "new message", "request changes"),
        ("/", "approve, answer, allow", "new task"),
        ("/inbox/", "next, previous conversation", "archive"),
    ]:
        page.goto(path)
        page.wait_for_selector("body[data-live=live]")
        page.evaluate("document.activeElement.blur()")
        page.keyboard.press("?")
        expect(page.locator("#keys")).to_be_visible()
        expect(page.locator("#keys")).to_contain_text(here)
        expect(page.locator("#keys")).to_contain_text("needs me")
        expect(page.locator("#keys")).not_to_contain_text(elsewhere)
