"""The board as people use it: two windows, the pointer, filters, a lost connection."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.board import THREE, card, drag, in_column
from tests.browser.conftest import Stage

pytestmark = [pytest.mark.browser, pytest.mark.server]
Make = Callable[..., Stage]


def test_two_windows_follow_each_others_moves(make_stage: Make) -> None:
    stage = make_stage(THREE)
    mine, theirs = stage.open("alice"), stage.open("bob")

    drag(mine, "Second", "in_progress")
    expect(in_column(theirs, "in_progress")).to_have_text(["Second"])
    expect(in_column(mine, "in_progress")).to_have_text(["Second"])
    expect(theirs.locator("#count-todo")).to_have_text("2")
    open_here = theirs.locator(".side-teams [aria-current] .side-count")
    expect(open_here).to_have_text("3")

    theirs.fill(".quick [name=subject]", "Written by Bob")
    theirs.keyboard.press("Enter")
    expect(in_column(mine, "todo")).to_have_text(["Written by Bob", "First", "Third"])
    expect(open_here).to_have_text("4")
    expect(theirs.locator(".quick [name=subject]")).to_be_focused()
    expect(theirs.locator(".quick [name=subject]")).to_have_value("")


def test_a_drop_keeps_its_place_and_order(make_stage: Make) -> None:
    stage = make_stage(THREE)
    mine, theirs = stage.open("alice"), stage.open("bob")
    drag(mine, "First", "todo", y=500)
    expect(in_column(mine, "todo")).to_have_text(["Second", "Third", "First"])
    expect(in_column(theirs, "todo")).to_have_text(["Second", "Third", "First"])
    theirs.reload()
    expect(in_column(theirs, "todo")).to_have_text(["Second", "Third", "First"])


def test_columns_that_refuse_are_dimmed_and_a_drop_there_says_why(make_stage: Make) -> None:
    page = make_stage(THREE).open()
    drag(page, "First", "approved", release=False)
    for column, is_open in (("in_progress", True), ("review", False), ("approved", False)):
        classes = page.locator(f"#column-{column}").get_attribute("class") or ""
        assert ("is-open-for-drop" in classes) == is_open
        assert ("is-closed-for-drop" in classes) != is_open
    page.mouse.up()
    expect(page.locator(".toast")).to_contain_text("Only done or reviewed work is approved.")
    expect(in_column(page, "todo")).to_have_text(["First", "Second", "Third"])


def test_a_refused_drop_goes_back_to_where_it_was(make_stage: Make) -> None:
    stage = make_stage(THREE + "actions.add_blocker(alice, 2, 1)")
    page = stage.open()
    drag(page, "Second", "in_progress")
    expect(page.locator(".toast")).to_contain_text("#2 waits for #1.")
    expect(in_column(page, "todo")).to_have_text(["First", "Second", "Third"])
    expect(in_column(page, "in_progress")).to_have_count(0)


def test_escape_ends_a_drag_without_a_move(make_stage: Make) -> None:
    page = make_stage(THREE).open()
    drag(page, "First", "in_progress", release=False)
    page.keyboard.press("Escape")
    page.mouse.up()
    expect(in_column(page, "todo")).to_have_text(["First", "Second", "Third"])
    expect(page.locator(".ghost, .drop-line")).to_have_count(0)
    expect(page.locator("#sheet")).to_have_count(0)


def test_news_does_not_yank_the_card_in_hand(make_stage: Make) -> None:
    stage = make_stage(THREE)
    page = stage.open()
    drag(page, "First", "in_progress", release=False)
    stage.run("actions.edit_task(alice, 3, subject='Renamed')")
    stage.run("actions.create_task(alice, 'Arrived')")
    expect(in_column(page, "todo").filter(has_text="Arrived")).to_have_count(1)
    expect(page.locator(".ghost")).to_have_count(1)
    expect(card(page, "First")).to_have_count(2)  # the card itself, and what the hand holds
    page.mouse.up()
    expect(in_column(page, "in_progress")).to_have_text(["Renamed"])


def test_a_lost_connection_is_said_and_caught_up(make_stage: Make) -> None:
    stage = make_stage(THREE)
    page = stage.open()
    page.context.set_offline(True)
    expect(page.locator("body")).to_have_attribute("data-live", "offline")
    expect(page.locator("#live-state")).to_have_text("Offline")
    stage.run("actions.start_task(alice, 1); actions.delete_task(alice, 2)")
    page.context.set_offline(False)
    expect(page.locator("body")).to_have_attribute("data-live", "live", timeout=15_000)
    expect(page.locator("#live-state")).to_have_text("Caught up on 2 changes")
    expect(in_column(page, "in_progress")).to_have_text(["Third"])
    expect(in_column(page, "todo")).to_have_text(["First"])


def test_an_ended_seat_ends_the_page(make_stage: Make) -> None:
    stage = make_stage(THREE)
    page = stage.open("bob")
    stage.run("from apps.teams.actions import end_seat; end_seat(alice, 'bob')")
    expect(page.locator("#live-state")).to_have_text("Your seat in this team has ended")
    expect(page.locator("body")).to_have_attribute("data-live", "offline")


def test_filters_are_in_the_address_and_hold_for_what_arrives(make_stage: Make) -> None:
    stage = make_stage(THREE + "actions.edit_task(alice, 1, owner='hal')")
    page = stage.open()
    page.select_option("[name=owner]", "hal")
    expect(page.locator(".card-title")).to_have_text(["Third"])
    expect(page).to_have_url(re.compile(r"\?owner=hal$"))
    stage.run(
        "actions.create_task(alice, 'Not his'); actions.create_task(alice, 'His', owner='hal')"
    )
    expect(page.locator(".card-title")).to_have_text(["His", "Third"])
    page.reload()
    page.wait_for_selector("body[data-live=live]")
    expect(page.locator(".card-title")).to_have_text(["His", "Third"])
    page.fill("input[type=search]", "thi")
    expect(page.locator(".card-title")).to_have_text(["Third"])
    page.click("#filters-clear")
    expect(page.locator(".card-title")).to_have_count(5)


LONG = """
Task.objects.bulk_create(
    Task(team=alice.team, number=n, subject=f"Card {n}", status="completed", position=float(n))
    for n in range(1, 121)
)
Team.objects.filter(pk=alice.team.pk).update(task_watermark=120)
"""


def test_what_was_asked_for_while_offline_fails_gently_and_works_later(make_stage: Make) -> None:
    page = make_stage(THREE).open()
    page.context.set_offline(True)
    card(page, "First").locator(".card-link").click()
    expect(page.locator(".toast")).to_contain_text("The server cannot be reached.")
    page.fill("[name=q]", "Second")
    expect(page.locator(".toast")).to_have_count(2)
    page.context.set_offline(False)
    expect(page.locator(".card-title")).to_have_text(["Second"], timeout=15_000)
    page.fill("[name=q]", "Third")
    expect(page.locator(".card-title")).to_have_text(["Third"])


def test_long_columns_come_piece_by_piece(make_stage: Make) -> None:
    stage = make_stage(LONG)
    page = stage.open()
    more = page.locator("[data-column=done] .show-more")
    expect(more).to_have_text("Show 70 more")
    stage.run("actions.delete_task(alice, 60); actions.delete_task(alice, 2)")
    expect(page.locator("#count-done")).to_have_text("118")
    expect(in_column(page, "done")).to_have_count(49)
    more.click()
    expect(in_column(page, "done")).to_have_count(99)
    more.click()
    expect(in_column(page, "done")).to_have_count(118)
    expect(more).to_have_count(0)
    titles = in_column(page, "done").all_text_contents()
    assert titles == [f"Card {n}" for n in range(1, 121) if n not in (2, 60)]


def test_an_observer_reads_and_moves_nothing(make_stage: Make) -> None:
    page = make_stage(THREE).open("vera")
    drag(page, "First", "in_progress")
    expect(page.locator(".ghost")).to_have_count(0)
    expect(in_column(page, "todo")).to_have_text(["First", "Second", "Third"])
