"""Plans and reviews as people decide them: at the desk, on what needs them, by keys, live."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Stage

pytestmark = [pytest.mark.browser, pytest.mark.server]
Make = Callable[..., Stage]

REVIEWS = "from apps.reviews import actions as reviews\nfrom apps.reviews.models import Plan\n"
STAFF = """
from apps.teams.actions import change_member, change_team
people["alice"].is_staff = people["alice"].is_superuser = True
people["alice"].save(update_fields=["is_staff", "is_superuser"])
"""
GATED = (
    STAFF
    + """
change_team(alice, approval_stages=["leader", "staff"])
change_member(alice, "hal", plan_mode_required=True)
actions.create_task(alice, "Split the cart totals")
"""
)
DESK = "/admin/reviews/plan/"


def open_desk(stage: Stage, path: str = DESK) -> Page:
    """The admin has no live state of its own to wait for."""
    page = stage.open("alice")
    page.goto(path)
    return page


def test_a_plan_from_its_first_version_to_the_approved_card(make_stage: Make) -> None:
    stage = make_stage(GATED)
    title = f"Totals of {stage.slug}"
    desk = open_desk(stage, f"{DESK}?q={stage.slug}")
    board = stage.open("bob")
    with desk.expect_response("**/admin/reviews/plan/state/"):
        pass  # the list has begun to follow the queue

    stage.run(
        REVIEWS
        + f"""
reviews.propose_plan(hal, "{title}", "We cache.", ["Measure", "Cache"], task=1)
"""
    )
    expect(desk.locator("#result_list")).to_contain_text(title)
    desk.keyboard.press("n")
    expect(desk.locator("#content h1")).to_have_text(title)
    desk.keyboard.press("r")
    desk.keyboard.type("No cache: prices change.")
    desk.keyboard.press("Control+Enter")
    expect(desk.locator(".messagelist")).to_contain_text("rejected")

    stage.run(
        REVIEWS
        + """
plan = Plan.objects.get(team=hal.team)
reviews.revise_plan(hal, plan.pk, body="We prefetch.", steps=["Measure", "Prefetch"])
"""
    )
    desk.goto(f"{DESK}?q={stage.slug}")
    desk.click(f"text={title}")
    expect(desk.locator("del")).to_have_text("Cache")
    expect(desk.locator("ins")).to_have_text("Prefetch")
    expect(desk.locator(".diff-removed")).to_contain_text("We cache.")
    expect(desk.locator(".desk")).to_contain_text("No cache: prices change.")
    here = desk.url
    desk.keyboard.press("a")
    expect(desk.locator(".messagelist")).to_contain_text("it now waits for staff")
    desk.goto(here)
    desk.keyboard.press("a")
    expect(desk.locator(".messagelist")).to_contain_text(f"{title}: approved")

    stage.run("actions.claim_task(hal, 1)\nactions.complete_task(hal, 1)")
    expect(board.locator("[data-column=done] .card")).to_have_count(1)
    task = stage.open("alice", f"{stage.path}tasks/1/")
    task.locator("#sheet-more-1 button", has_text="Request review").click()
    expect(board.locator("[data-column=review] .card")).to_contain_text("Reviewer alice")
    task.click("summary:has-text('Request changes')")
    task.fill("#changes-text", "Test the empty cart.")
    task.click("form button:has-text('Request changes')")
    expect(board.locator("[data-column=todo] .card")).to_contain_text("Needs fixes")
    stage.run(
        REVIEWS
        + """
actions.start_task(hal, 1)
actions.complete_task(hal, 1)
reviews.request_review(hal, 1, "alice")
"""
    )
    expect(task.locator("#sheet-more-1")).to_contain_text("Test the empty cart.")
    expect(task.locator("#sheet-more-1")).to_contain_text("Round 2")
    task.locator("[data-verb=approve]").click()
    expect(board.locator("[data-column=approved] .card")).to_have_count(1)
    activity = stage.open("bob", f"{stage.path}activity/")
    for words in ("rejected", "approved", "asked for changes", "asked for a review"):
        expect(activity.locator("#content")).to_contain_text(words)


def test_who_reads_a_plan_hears_that_somebody_decided_it(make_stage: Make) -> None:
    stage = make_stage(STAFF)
    stage.run(REVIEWS + f'reviews.propose_plan(hal, "Plan of {stage.slug}", "Why.")')
    desk = open_desk(stage, f"{DESK}?q={stage.slug}")
    desk.click(f"text=Plan of {stage.slug}")
    expect(desk.locator("#desk-news")).to_be_hidden()
    stage.run(
        REVIEWS
        + """
from apps.teams.models import Member
Member.objects.filter(team=hal.team, name="bob").update(role="leader")
plan = Plan.objects.get(team=hal.team)
reviews.decide_plan(seat("bob"), plan.pk, "approve", version=1)
"""
    )
    expect(desk.locator("#desk-news")).to_contain_text("bob has just approved this plan.")
    expect(desk.locator("#desk-decide [data-key=a]")).to_be_disabled()


def test_the_queue_follows_while_plans_are_ticked(make_stage: Make) -> None:
    stage = make_stage(
        STAFF + REVIEWS
        + """
for word in ("First", "Second", "Third"):
    reviews.propose_plan(hal, f"{word} plan", "Why.")
"""
    )  # fmt: skip
    desk = open_desk(stage, f"{DESK}?q={stage.slug}")
    rows = desk.locator("#result_list tbody tr")
    for word in ("First", "Second"):
        rows.filter(has_text=word).locator(".action-select").check()
    stage.run(
        REVIEWS
        + """
from apps.teams.models import Member
Member.objects.filter(team=hal.team, name="bob").update(role="leader")
reviews.decide_plan(seat("bob"), Plan.objects.get(title="First plan", team=hal.team).pk,
                    "reject", version=1)
"""
    )
    expect(rows).to_have_count(2)
    expect(desk.locator("#desk-queue")).to_contain_text("1 that you ticked left the list")
    expect(desk.locator(".action-counter")).to_have_text("1 of 2 selected")
    desk.check("#action-toggle")
    expect(desk.locator("tr.selected")).to_have_count(2)
    rows.filter(has_text="Third").locator(".action-select").uncheck()
    expect(desk.locator(".action-counter")).to_have_text("1 of 2 selected")
    expect(desk.locator("#action-toggle")).not_to_be_checked()
    desk.select_option("select[name=action]", "approve_selected")
    desk.fill("#changelist-form [name=note]", "Go on.")
    desk.click("#changelist-form button[name=index]")
    expect(desk.locator(".messagelist")).to_contain_text("1 plan approved.")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("Third plan")


def test_leave_is_denied_with_the_keyboard(make_stage: Make) -> None:
    stage = make_stage(
        """
from apps.messaging.actions import send_message
send_message(hal, to=["alice"], kind="permission_request",
             payload={"request_id": "7", "tool_name": "Bash", "input": {"command": "make clean"}})
"""
    )
    page = stage.open("alice", "/")
    mine = page.locator("[data-need]", has_text=stage.slug)
    mine.click()
    expect(page.locator("#need")).to_contain_text("make clean")
    page.keyboard.press("r")
    page.keyboard.type("Not there.")
    page.keyboard.press("Control+Enter")
    expect(mine).to_have_count(0)
    stage.run(
        """
from apps.messaging.models import Message
(said,) = Message.objects.filter(team=hal.team, kind="permission_response")
assert said.payload["error"] == "Not there.", said.payload
"""
    )


def test_what_was_settled_elsewhere_leaves_the_list(make_stage: Make) -> None:
    stage = make_stage(
        """
from apps.messaging.actions import send_message
send_message(hal, to=["alice", "bob"], kind="permission_request",
             payload={"request_id": "7", "tool_name": "Bash"})
send_message(hal, to=["alice"], body="@bob look at this")
"""
    )
    page = stage.open("bob", "/")
    mine = page.locator("[data-need]", has_text=stage.slug)
    expect(mine).to_have_count(2)
    stage.run(
        """
from apps.messaging.actions import answer_permission, mark_read
from apps.messaging.models import Message
asked, said = Message.objects.filter(team=hal.team)
answer_permission(alice, asked.pk, approve=True)
mark_read(seat("bob"), said.pk)
"""
    )
    expect(mine).to_have_count(0)


def test_the_list_of_what_needs_me_is_live_and_worked_with_keys(make_stage: Make) -> None:
    stage = make_stage()
    page = stage.open("alice", "/")
    mine = page.locator("[data-need]", has_text=stage.slug)
    expect(mine).to_have_count(0)
    stage.run(
        REVIEWS
        + """
reviews.propose_plan(hal, "First plan", "Why.", ["One", "Two"])
reviews.propose_plan(hal, "Second plan", "Why.", ["One"])
actions.create_task(alice, "Which copy", owner="hal")
actions.claim_task(hal, 1)
actions.ask(hal, 1, "Which copy should stay?", of="human")
"""
    )
    expect(mine).to_have_count(3)
    expect(page.locator("#side .count-bad")).to_be_visible()
    expect(page).to_have_title(re.compile(r"^\(\d+[,)]"))

    page.locator("[data-need]", has_text="First plan").click()
    expect(page.locator("#need h2")).to_have_text("First plan")
    page.keyboard.press("a")
    expect(mine).to_have_count(2)
    expect(page.locator("#need h2")).to_have_text("Second plan")
    page.keyboard.press("r")
    page.keyboard.type("Not like this.")
    page.keyboard.press("Control+Enter")
    expect(mine).to_have_count(1)
    expect(page.locator("#need")).to_contain_text("Which copy should stay?")
    page.keyboard.press("a")
    page.keyboard.type("The longer one.")
    page.keyboard.press("Control+Enter")
    expect(mine).to_have_count(0)
    check = """
decisions = list(Plan.objects.filter(team=hal.team).order_by("pk").values_list("state", flat=True))
assert decisions == ["approved", "rejected"], decisions
from apps.tasks.models import Task
assert Task.objects.get(team=hal.team, number=1).needs_input == ""
"""
    stage.run(REVIEWS + check)


def test_j_and_k_choose_and_enter_opens(make_stage: Make) -> None:
    stage = make_stage(REVIEWS + "\n".join(
        f'reviews.propose_plan(hal, "Plan {n}", "Why.")' for n in range(3)
    ))  # fmt: skip
    page = stage.open("alice", "/")
    page.locator("[data-need]", has_text=stage.slug).first.click()
    heading = page.locator("#need h2")
    expect(heading).to_have_text("Plan 0")
    page.keyboard.press("j")
    expect(heading).to_have_text("Plan 1")
    page.keyboard.press("j")
    expect(heading).to_have_text("Plan 2")
    page.keyboard.press("k")
    expect(heading).to_have_text("Plan 1")
    expect(page.locator("[data-need][aria-current=true]")).to_contain_text("Plan 1")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/plans/\d+/$"))


def test_a_note_is_not_lost_when_somebody_else_decides(make_stage: Make) -> None:
    stage = make_stage(REVIEWS + 'reviews.propose_plan(hal, "Contested", "Why.")')
    page = stage.open("alice", "/")
    page.locator("[data-need]", has_text=stage.slug).click()
    expect(page.locator("#need h2")).to_have_text("Contested")
    page.fill("#need [name=note]", "A long thought")
    stage.run(
        REVIEWS
        + """
from apps.teams.models import Member
Member.objects.filter(team=hal.team, name="bob").update(role="leader")
reviews.decide_plan(seat("bob"), Plan.objects.get(team=hal.team).pk, "approve", version=1)
"""
    )
    expect(page.locator("#need .notice")).to_contain_text("no longer waits")
    expect(page.locator("#need [name=note]")).to_have_value("A long thought")
    page.click("#need [data-key=r]")
    expect(page.locator(".toast").last).to_contain_text("bob has already approved")


def test_the_page_of_a_plan_is_live(make_stage: Make) -> None:
    stage = make_stage(REVIEWS + 'reviews.propose_plan(hal, "Live", "Why.", ["One", "Two"])')
    page = stage.open("bob", f"{stage.path}plans/")
    page.click(".plan-row")
    page.wait_for_selector("body[data-live=live]")
    expect(page.locator("#plan-state")).to_have_text("Pending review")
    stage.run(
        REVIEWS
        + """
plan = Plan.objects.get(team=hal.team)
reviews.decide_plan(alice, plan.pk, "approve", version=1)
reviews.report_step(hal, plan.pk, 0, "done")
"""
    )
    expect(page.locator("#plan-state")).to_have_text("Approved")
    expect(page.locator("#plan")).to_contain_text("1 of 2")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_fit_a_small_screen(scheme: str, make_stage: Make) -> None:
    stage = make_stage(REVIEWS + 'reviews.propose_plan(hal, "A plan", "Why.", ["x" * 150])')
    page = stage.open("alice", "/", viewport={"width": 390, "height": 780}, color_scheme=scheme)
    page.locator("[data-need]", has_text=stage.slug).click()
    expect(page.locator("#need h2")).to_be_visible()
    expect(page.locator("#needs-list")).to_be_hidden()
    page.click(".need-back")
    expect(page.locator("#needs-list")).to_be_visible()
    for path in ("/", f"{stage.path}plans/", f"{stage.path}plans/new/"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_who_reads_a_waiting_plan_sees_somebody_take_its_task(make_stage: Make) -> None:
    stage = make_stage(
        STAFF
        + REVIEWS
        + """
actions.create_task(alice, "Split the cart totals")
reviews.propose_plan(hal, "Totals", "We cache.", ["Measure"], task=1)
"""
    )
    needs = stage.open("alice", "/")
    needs.click(f".need:has-text('{stage.slug}')")
    plan = stage.open("alice", f"{stage.path}plans/")
    plan.click(".plan-row")
    plan.wait_for_selector("body[data-live=live]")
    desk = open_desk(stage, f"{DESK}?q={stage.slug}")
    desk.click("#result_list th a")
    notes = [page.locator("[data-note]") for page in (needs, plan)]
    for note in notes:
        note.fill("Half a")

    stage.run("actions.claim_task(seat('iris'), 1)")
    words = "#1 is now worked on by iris"
    expect(needs.locator(".need[aria-current=true] .badge-warn")).to_have_text(words)
    for page in (needs, plan):
        expect(page.locator("#plan-taken")).to_contain_text(words)
    expect(desk.locator("#desk-taken")).to_have_text(words)
    for note in notes:
        expect(note).to_have_value("Half a")
