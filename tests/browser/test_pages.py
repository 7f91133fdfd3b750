"""What holds on every page: it stays fresh, keeps what is half written, and says why it ends."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Stage

pytestmark = [pytest.mark.browser, pytest.mark.server]
Make = Callable[..., Stage]
TWO = "actions.create_task(alice, 'Second'); actions.create_task(alice, 'First')"


def is_live(page: Page, *, timeout: float = 15_000) -> None:
    expect(page.locator("body")).to_have_attribute("data-live", "live", timeout=timeout)


def titles(page: Page, column: str) -> object:
    return page.locator(f"[data-column={column}] .card-title")


def test_a_page_of_all_my_teams_reads_again_what_it_missed(make_stage: Make) -> None:
    stage = make_stage(TWO)
    page = stage.open(path="/")
    page.context.set_offline(True)
    expect(page.locator("#live-state")).to_have_text("Offline")
    stage.run("actions.ask(hal, actions.claim_task(hal, 1).number, 'Which one is it?')")
    page.context.set_offline(False)
    is_live(page)
    expect(page.locator("#content")).to_contain_text("Which one is it?")


def test_one_seat_less_does_not_end_a_page_of_all_my_teams(make_stage: Make) -> None:
    gone, kept = make_stage(), make_stage(TWO)
    page = kept.open("bob", path="/")
    place = page.locator(".side-teams")
    expect(place).to_contain_text(gone.slug)
    gone.run("from apps.teams.actions import end_seat; end_seat(alice, 'bob')")
    expect(place).not_to_contain_text(gone.slug)
    expect(place).to_contain_text(kept.slug)
    is_live(page)


def test_news_while_a_part_is_being_read_is_not_lost(make_stage: Make) -> None:
    gone, kept = make_stage(), make_stage(TWO)
    page = kept.open("bob", path="/")
    place = page.locator(".side-teams")
    expect(place).to_contain_text(gone.slug)
    held: list[Route] = []

    def hold(route: Route) -> None:
        answer = route.fetch()
        held.append(route)
        gone.run("from apps.teams.actions import end_seat; end_seat(alice, 'bob')")
        time.sleep(2)  # the page hears of it within a second or so
        route.fulfill(response=answer)

    page.route("**/frame/*", hold, times=1)
    kept.run("from apps.teams.actions import change_team; change_team(alice, name='Other')")
    expect(place).to_contain_text("Other", timeout=15_000)
    expect(place).not_to_contain_text(gone.slug)
    assert held


@pytest.mark.parametrize("refused", [True, False])
def test_an_answer_is_heard_though_news_took_the_place_of_the_form(
    make_stage: Make, *, refused: bool
) -> None:
    stage = make_stage(TWO)
    page = stage.open("bob", f"{stage.path}tasks/1/")
    held: list[Route] = []
    page.route("**/tasks/1/claim/", lambda route: held.append(route))
    with page.expect_request("**/tasks/1/claim/"):
        page.locator("[data-verb=claim]").first.click()
    done = "claim_task(hal, 1)" if refused else "edit_task(alice, 1, subject='Other')"
    stage.run(f"actions.{done}")
    sheet = page.locator("#sheet")
    expect(sheet).to_contain_text("In progress" if refused else "Other")
    held[0].continue_()
    if refused:
        expect(page.locator("#toasts .toast")).to_be_visible()
    else:
        expect(sheet.locator("[data-verb=claim]")).to_have_count(0)


def test_back_shows_the_board_and_not_a_part_of_it(make_stage: Make) -> None:
    stage = make_stage(TWO)
    page = stage.open()
    page.fill("input[type=search]", "first")
    expect(page.locator(".card-title")).to_have_text(["First"])
    page.fill("input[type=search]", "")
    expect(page.locator(".card-title")).to_have_text(["First", "Second"])
    page.click(".tabs >> text=Members")
    expect(page.locator("#roster")).to_be_visible()
    page.go_back()
    is_live(page)
    expect(page.locator(".card-title")).to_have_text(["First", "Second"])


def test_a_board_reloads_for_other_settings_once_nothing_is_being_written(
    make_stage: Make,
) -> None:
    stage = make_stage(TWO)
    page = stage.open("bob")
    page.fill(".quick [name=subject]", "Half a thought")
    stage.run("from apps.teams.actions import change_team\n"
              "change_team(alice, wip_limits={'in_progress': 1})")  # fmt: skip
    expect(page.locator("#live-state")).to_have_text("Reloads when you are done")
    expect(page.locator(".quick [name=subject]")).to_have_value("Half a thought")
    page.keyboard.press("Enter")
    expect(page.locator("#head-in_progress")).to_contain_text("/ 1")
    expect(titles(page, "todo")).to_have_text(["Half a thought", "First", "Second"])

    stage.run("actions.start_task(alice, 1)")
    expect(titles(page, "in_progress")).to_have_text(["Second"])
    page.locator(".card-link").first.focus()
    page.keyboard.press("]")
    expect(page.locator(".toast")).to_contain_text("In progress is full: its limit is 1.")


def test_the_mark_of_a_wrong_field_goes_when_it_is_written_in(make_stage: Make) -> None:
    page = make_stage(TWO).open()
    field = page.locator(".quick [name=subject]")
    field.fill("   ")
    page.keyboard.press("Enter")
    expect(page.locator(".quick .field-error")).to_be_visible()
    expect(field).to_have_attribute("aria-invalid", "true")
    page.keyboard.press("Backspace")
    expect(page.locator(".quick .field-error")).to_have_count(0)
    expect(field).not_to_have_attribute("aria-invalid", "true")


def test_a_page_with_mistakes_begins_at_the_first_one(make_stage: Make) -> None:
    page = make_stage(TWO).open(path="/password/")
    page.fill("#id_old_password", "not-used-alice")
    page.fill("#id_new_password1", "short")
    page.fill("#id_new_password2", "short")
    page.get_by_role("button", name="Change password").click()
    expect(page.locator(".field-error").first).to_be_visible()
    expect(page.locator(".is-wrong input").first).to_be_focused()


def test_every_page_learns_of_another_state_or_other_rights(make_stage: Make) -> None:
    stage = make_stage(TWO)
    board, sheet = stage.open("vera"), stage.open("bob", path=f"/teams/{stage.slug}/tasks/1/")
    expect(sheet.locator("[data-verb=claim]")).to_be_visible()
    stage.run(
        "from apps.teams.actions import change_member\n"
        "change_member(alice, 'vera', role='member'); transition_team(seat('alice'), 'paused')"
    )
    expect(sheet.locator("#team-state")).to_have_text("Paused")
    expect(sheet.locator("[data-verb=claim]")).to_have_count(0)
    expect(board.locator(".quick")).to_be_visible()
    expect(board.locator(".board-hint")).to_contain_text("The team is paused")


def test_what_was_kept_back_while_writing_comes_when_that_ends(make_stage: Make) -> None:
    stage = make_stage(TWO)
    page = stage.open(path=f"/teams/{stage.slug}/tasks/1/")
    page.locator(".sheet-title").click()
    page.fill("#edit-subject", "Mine")
    stage.run("actions.edit_task(alice, 1, subject='Theirs')")
    expect(page.locator(".editor-stale")).to_be_visible()
    page.select_option("#fact-priority", "high")
    expect(page.locator(".prio-2").first).to_be_visible()
    expect(page.locator("#edit-subject")).to_have_value("Mine")
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator(".sheet-title")).to_have_text("Theirs")


def test_what_is_ended_is_asked_for_in_words_that_differ(make_stage: Make) -> None:
    stage = make_stage(
        "from apps.messaging.actions import open_discussion\n"
        "print(open_discussion(alice, 'Tabs', ['alice', 'iris']).pk)"
    )
    page = stage.open(path=f"{stage.path}discussions/")
    page.locator("#discussions").get_by_text("Tabs").click()
    page.get_by_role("button", name="Cancel the discussion").click()
    choices = page.locator("#confirm button")
    expect(choices).to_have_text(["Keep it", "Cancel the discussion"])
    expect(choices.last).to_have_class("btn btn-danger")
    choices.first.click()
    expect(page.locator("#talk .badge")).to_have_text("active")
    page.goto(f"{stage.path}inbox/")
    page.get_by_role("button", name="Archive all").click()
    expect(choices).to_have_text(["Cancel", "Archive all"])
    expect(choices.last).to_have_class("btn btn-primary")
    choices.first.click()

    page = stage.open("bob", f"{stage.path}settings/")
    page.get_by_role("button", name="Leave the team").click()
    expect(page.locator("#confirm button")).to_have_text(["Stay", "Leave the team"])
    expect(page.get_by_role("button", name="Stay")).to_be_focused()


def test_escape_leaves_a_text_and_asks_before_it_is_lost(make_stage: Make) -> None:
    page = make_stage(TWO).open()
    page.keyboard.press("j")
    page.keyboard.press("c")
    expect(page.locator("#composer")).to_be_focused()
    page.keyboard.type("Not sent yet")
    page.keyboard.press("Escape")
    expect(page.locator("#drawer")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#confirm")).to_be_visible()
    page.get_by_role("button", name="Keep it").click()
    expect(page.locator("#composer")).to_have_value("Not sent yet")
    page.locator("#drawer").focus()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Discard it").click()
    expect(page.locator("#sheet")).to_have_count(0)


def test_a_form_goes_once_however_often_it_is_clicked(make_stage: Make) -> None:
    stage = make_stage()
    page = stage.open()
    page.keyboard.press("n")
    page.fill("#new-subject", "From the dialog")
    page.locator("#new-task").get_by_text("Create task").dblclick()
    expect(titles(page, "todo")).to_have_text(["From the dialog"])
    page.goto(f"{stage.path}tasks/new/")
    page.fill("#new-subject", "From the page")
    page.get_by_text("Create task").dblclick()
    expect(page.locator(".sheet-title")).to_have_text("From the page")
    page.goto(stage.path)
    expect(titles(page, "todo")).to_have_text(["From the page", "From the dialog"])
    expect(page.locator(".toast, .field-error")).to_have_count(0)


def test_the_end_of_the_login_is_said_and_leads_to_a_new_one(make_stage: Make) -> None:
    stage = make_stage(TWO)
    page = stage.open("vera", path=f"/teams/{stage.slug}/tasks/1/")
    other = stage.open("vera", path="/")
    cookies = page.context.cookies()
    other.context.add_cookies(cookies)  # type: ignore[arg-type]
    page.context.clear_cookies()
    stage.run("from django.contrib.sessions.models import Session\n"
              "Session.objects.filter(pk='nobody').delete()")  # fmt: skip
    page.evaluate("live.socket.close()")
    expect(page).to_have_url(re.compile(r"/login/\?next=/teams/"), timeout=15_000)


def test_keys_lead_back_to_the_board_from_pages_of_no_team(make_stage: Make) -> None:
    first, last = make_stage(), make_stage()
    page = last.open()
    page.keyboard.press("g")
    page.keyboard.press("n")
    expect(page).to_have_url(re.compile(r"/$"))
    is_live(page)
    page.keyboard.press("g")
    page.keyboard.press("b")
    expect(page).to_have_url(re.compile(rf"{last.path}$"))
    assert first.slug != last.slug


def test_a_move_that_the_table_rules_out_asks_for_nothing(make_stage: Make) -> None:
    page = make_stage(TWO).open()
    page.keyboard.press("j")
    page.keyboard.press("r")
    expect(page.locator(".toast")).to_contain_text("First is in To do already.")
    page.keyboard.press("a")
    expect(page.locator(".toast").last).to_contain_text("Only done or reviewed work is approved.")
    expect(page.locator("dialog[open]")).to_have_count(0)


def test_changes_are_requested_with_their_reason(make_stage: Make) -> None:
    stage = make_stage(
        TWO + "\nfrom apps.reviews.actions import request_review\n"
        "actions.claim_task(hal, 1); actions.complete_task(hal, 1); request_review(hal, 1)"
    )
    page = stage.open()
    page.locator("[data-column=review] .card-link").focus()
    page.keyboard.press("r")
    expect(page.locator("#changes-dialog h2")).to_have_text("Request changes on #1")
    page.keyboard.type("The total is wrong.")
    page.keyboard.press("Control+Enter")
    expect(titles(page, "todo")).to_have_text(["Second", "First"])
    expect(page.locator("#announce")).to_have_text("Second moved to To do.")
    expect(page.locator(".card").first).to_contain_text("Needs fixes · round 1")
    page.locator(".card-link").first.click()
    expect(page.locator("#drawer")).to_contain_text("The total is wrong.")


def test_an_archived_board_is_still_life(make_stage: Make) -> None:
    page = make_stage(TWO + "; transition_team(seat('alice'), 'archived')").open()
    start = page.locator(".card").first.bounding_box()
    assert start is not None
    page.mouse.move(start["x"] + 40, start["y"] + 20)
    page.mouse.down()
    page.mouse.move(start["x"] + 300, start["y"] + 30, steps=4)
    expect(page.locator(".ghost")).to_have_count(0)
    page.mouse.up()
    expect(page.locator(".quick, [data-opens-new], [data-act]")).to_have_count(0)
    expect(page.locator(".board-hint")).to_contain_text("The team is archived")
