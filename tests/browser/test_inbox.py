"""Inboxes as people use them: two windows, agents elsewhere, keys, drafts, a small screen."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Stage

pytestmark = [pytest.mark.browser, pytest.mark.server]
Make = Callable[..., Stage]
LETTERS = """
from apps.messaging.actions import send_message
for number in range(3):
    send_message(hal, to=["bob"], subject=f"Letter {number}", body=f"Text **{number}**")
"""
MAIL = "from apps.messaging.actions import *\nfrom apps.messaging.models import Message\n"


def inbox(stage: Stage) -> str:
    return f"{stage.path}inbox/"


def line(page: Page, text: str) -> Any:
    return page.locator("#letters a.line").filter(has_text=text)


def step(page: Page, name: str, state: str) -> Any:
    return page.locator(f".delivery-step[data-step={state}]").filter(has_text=name)


def test_a_conversation_is_live_on_both_sides(make_stage: Make) -> None:
    stage = make_stage()
    mine, theirs = stage.open("alice", inbox(stage)), stage.open("bob", inbox(stage))
    before = int(theirs.locator("#side").get_attribute("data-unread") or 0)
    mine.keyboard.press("n")
    mine.locator("#new-to").press_sequentially("bo")
    expect(mine.locator("#completes")).to_contain_text("bob")
    mine.keyboard.press("Enter")
    expect(mine.locator("#new-to")).to_have_value("bob, ")
    mine.fill("#new-subject", "Header")
    mine.locator("#new-body").press_sequentially("Which spelling, @ir")
    expect(mine.locator("#completes")).to_contain_text("iris")
    mine.keyboard.press("Tab")
    mine.locator("#new-body").press_sequentially("?")
    mine.keyboard.press("Control+Enter")
    mine.wait_for_url(re.compile(r"/messages/\d+/"))
    expect(line(theirs, "Header")).to_have_class(re.compile("is-unread"))
    expect(theirs.locator("#side")).to_have_attribute("data-unread", str(before + 1))
    expect(step(mine, "bob", "delivered")).to_be_visible()
    expect(step(mine, "iris", "sent")).to_be_visible()
    theirs.keyboard.press("j")
    expect(theirs.locator(".mention")).to_have_text("@iris")
    expect(step(mine, "bob", "read")).to_be_visible()
    expect(theirs.locator(".line.is-unread")).to_have_count(0)
    theirs.keyboard.press("r")
    theirs.keyboard.type("The third one.")
    theirs.keyboard.press("Control+Enter")
    expect(mine.locator(".letter").last).to_contain_text("The third one.")
    expect(theirs.locator("#reply-body")).to_have_value("")
    expect(step(mine, "bob", "answered")).to_be_visible()


def test_agents_of_another_process_answer_live(make_stage: Make) -> None:
    stage = make_stage()
    stage.run(MAIL + "send_message(alice, to=['hal'], subject='Ready?', body='Ready?')")
    page = stage.open("alice", f"{inbox(stage)}?box=sent")
    line(page, "Ready?").click()
    expect(step(page, "hal", "sent")).to_be_visible()
    stage.run(
        MAIL + "send_message(hal, body='Yes, **now**.',"
        " reply_to=Message.objects.filter(team=alice.team).first().pk)"
    )
    expect(page.locator(".letter strong")).to_have_text("now")
    expect(step(page, "hal", "answered")).to_be_visible()


def test_keys_go_through_the_letters_and_put_them_away(make_stage: Make) -> None:
    page = (stage := make_stage(LETTERS)).open("bob", inbox(stage))
    for title in ("Letter 2", "Letter 1"):
        page.keyboard.press("j")
        expect(page.locator(".letter-head h2")).to_have_text(title)
    page.keyboard.press("k")
    expect(page.locator(".letter-head h2")).to_have_text("Letter 2")
    page.keyboard.press("e")
    expect(page.locator(".letter-head h2")).to_have_text("Letter 1")
    expect(page.locator("#letters a.line")).to_have_count(2)
    page.goto(f"{inbox(stage)}?box=archived")
    expect(page.locator("#letters a.line")).to_have_count(1)


def test_all_that_came_meanwhile_is_marked_read_with_the_rest(make_stage: Make) -> None:
    page = (stage := make_stage(LETTERS)).open("bob", inbox(stage))
    unread = page.locator("#inbox-unread")
    expect(unread).to_have_text("3")
    stage.run(MAIL + "send_message(hal, to=['bob'], subject='Late', body='Text')")
    expect(line(page, "Late")).to_be_visible()
    expect(unread).to_have_text("4")
    page.get_by_role("button", name="Mark all read").click()
    expect(page.locator(".line.is-unread")).to_have_count(0)
    expect(unread).to_have_text("")
    expect(page.locator(f'.side-teams a[href="{stage.path}"]')).to_have_attribute(
        "aria-current", "true"
    )


def test_a_draft_survives_a_reload_and_goes_when_sent(make_stage: Make) -> None:
    page = (stage := make_stage(LETTERS)).open("bob", inbox(stage))
    line(page, "Letter 1").click()
    page.fill("#reply-body", "Half a thought")
    page.reload()
    expect(page.locator("#reply-body")).to_have_value("Half a thought")
    page.keyboard.press("r")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".letter").last).to_contain_text("Half a thought")
    page.reload()
    expect(page.locator("#reply-body")).to_have_value("")


def test_a_draft_shows_all_it_holds_and_is_discarded(make_stage: Make) -> None:
    page = (stage := make_stage()).open("bob", f"{stage.path}messages/new/?to=hal")
    discard = page.get_by_role("button", name="Discard draft")
    expect(discard).to_have_count(0)
    page.fill("#new-body", "Half a thought")
    page.check("[name=broadcast]")
    page.click("#compose summary")
    page.fill("#new-cc", "iris")
    page.reload()
    expect(page.locator("#new-cc")).to_be_visible()
    expect(page.locator("#new-cc")).to_have_value("iris")
    expect(page.locator("[name=broadcast]")).to_be_checked()
    discard.click()
    page.locator("#confirm").get_by_role("button", name="Discard draft").click()
    for _ in range(2):
        expect(page.locator("#new-to")).to_have_value("hal")
        expect(page.locator("#new-cc")).to_have_value("")
        expect(page.locator("#new-body")).to_have_value("")
        expect(page.locator("[name=broadcast]")).not_to_be_checked()
        expect(discard).to_have_count(0)
        page.reload()


def test_no_draft_stays_of_what_was_sent_at_the_second_try(make_stage: Make) -> None:
    page = (stage := make_stage()).open("bob", f"{stage.path}messages/new/?to=hall")
    page.fill("#new-body", "Half a thought")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#compose .is-wrong, #compose .notice-bad")).to_contain_text("hal")
    expect(page.get_by_role("button", name="Discard draft")).to_be_visible()
    page.fill("#new-to", "hal")
    page.locator("#new-body").press("Control+Enter")
    page.wait_for_url(re.compile(r"/messages/\d+/"))
    for path in ("messages/new/", "messages/new/?to=hall"):
        page.goto(f"{stage.path}{path}")
        expect(page.locator("#new-body")).to_have_value("")


def test_a_draft_is_its_writers_and_goes_with_them(make_stage: Make) -> None:
    stage = make_stage()
    page = stage.open("bob", f"{stage.path}messages/new/")
    page.fill("#new-body", "Between us")
    page.context.add_cookies(
        [{"name": "teams_session", "value": stage.sessions["alice"], "url": stage.site.url}]
    )
    page.reload()
    expect(page.locator("#new-body")).to_have_value("")
    page.fill("#new-body", "Mine alone")

    page.context.clear_cookies()  # a session of its own, so that leaving ends no other
    page.goto("/login/")
    page.fill("[name=username]", "bob")
    page.fill("[name=password]", "not-used-bob")
    page.keyboard.press("Enter")
    page.wait_for_selector("#user-menu")
    page.goto(f"{stage.path}messages/new/")
    expect(page.locator("#new-body")).to_have_value("Between us")
    page.click("#user-menu summary")
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/login/**")
    left = page.evaluate("JSON.stringify(localStorage)")
    assert "Between us" not in left
    assert "Mine alone" in left


def test_what_comes_meanwhile_does_not_touch_what_is_written(make_stage: Make) -> None:
    page = (stage := make_stage(LETTERS)).open("bob", inbox(stage))
    line(page, "Letter 0").click()
    page.fill("#reply-body", "Still writing")
    stage.run(
        MAIL + "first = Message.objects.filter(team=alice.team, subject='Letter 0').get()\n"
        "send_message(hal, to=['bob'], body='One more thing', reply_to=first.pk)"
    )
    expect(page.locator(".letter").last).to_contain_text("One more thing")
    expect(page.locator("#reply-body")).to_have_value("Still writing")
    expect(page.locator("#reply-body")).to_be_focused()


def test_a_shutdown_and_a_discussion_are_followed_live(make_stage: Make) -> None:
    stage = make_stage()
    page = stage.open("alice", f"{stage.path}shutdown/?name=hal")
    page.fill("[name=reason]", "The work is done.")
    page.click("#content .form-actions .btn-primary")
    expect(page.locator(".said-head .badge")).to_have_text("not answered yet")
    stage.run(MAIL + "answer_shutdown(hal, None, approve=True)")
    expect(page.locator(".said-head .badge").first).to_have_text("approved")
    page.goto(inbox(stage))
    page.get_by_role("link", name="Discussions").click()
    lists = page.get_by_role("navigation", name="Lists").get_by_role("link")
    expect(lists).to_have_text(["Inbox", "Sent", "Team", "Archived", "Discussions"])
    expect(lists.last).to_have_attribute("aria-current", "page")
    page.fill("[name=topic]", "Tabs")
    page.fill("[name=participants]", "alice, iris")
    page.fill("[name=max_rounds]", "2")
    page.click("#open button")
    page.wait_for_url(re.compile(r"/discussions/\d+/$"))
    page.wait_for_selector("body[data-live=live]")
    number = re.sub(r".*/discussions/(\d+)/.*", r"\1", page.url)
    stage.run(MAIL + f"take_turn(seat('iris'), {number}, 'Spaces.')")
    expect(page.locator(".turns li")).to_have_count(1)
    page.fill("#say-body", "Tabs.")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".turns li")).to_have_count(2)
    expect(page.locator("#talk")).to_contain_text("conclude it")
    expect(page.locator("#say")).to_be_hidden()


@pytest.mark.parametrize("width", [1440, 390])
def test_what_completes_is_seen_whole(width: int, make_stage: Make) -> None:
    stage = make_stage('for n in range(5):\n    actions.create_task(alice, f"Card {n}")')
    size = {"width": width, "height": 780}
    page = stage.open("bob", f"{stage.path}messages/new/?to=hal", viewport=size)
    page.locator("#new-body").press_sequentially("About #car")
    lines = page.locator("#completes [role=option]")
    expect(lines).to_have_count(5)
    for line in lines.all():
        expect(line).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("width", [1280, 390])
def test_what_completes_in_a_dialog_is_seen_whole(width: int, make_stage: Make) -> None:
    stage = make_stage("for n in range(5): add_member(alice, f'agent-{n}', agent_type='x')")
    page = stage.open("bob", viewport={"width": width, "height": 720})
    page.evaluate(f"app.ask('{stage.path}messages/new/')")
    page.locator("#ask-body").press_sequentially("Which one, @")
    names = page.locator("#completes [role=option]")
    expect(names).to_have_count(8)
    for name in names.all():
        box = name.bounding_box()
        assert box is not None
        middle = [box["x"] + box["width"] / 2, box["y"] + box["height"] / 2]
        topmost = "at => document.elementFromPoint(...at)?.textContent"
        assert page.evaluate(topmost, middle) == name.text_content()
    assert page.evaluate("document.querySelector('#ask .dialog-body').scrollTop") == 0
    names.nth(3).click()
    expect(page.locator("#ask-body")).to_have_value(re.compile(r"Which one, @[\w-]+ $"))


def test_cards_complete_after_a_number_sign(make_stage: Make) -> None:
    stage = make_stage("actions.create_task(alice, 'Parse the table')")
    page = stage.open("bob", f"{stage.path}messages/new/?to=hal")
    page.locator("#new-body").press_sequentially("About #par")
    expect(page.locator("#completes")).to_contain_text("Parse the table")
    page.keyboard.press("Enter")
    expect(page.locator("#new-body")).to_have_value("About #1 ")


def test_a_small_screen_shows_the_list_or_the_letter(make_stage: Make) -> None:
    stage = make_stage(LETTERS)
    page = stage.open("bob", inbox(stage), viewport={"width": 390, "height": 780}, has_touch=True)
    line(page, "Letter 1").click()
    expect(page.locator(".mail-left")).to_be_hidden()
    expect(page.locator(".letter-head h2")).to_have_text("Letter 1")
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390
    page.click(".letter-back")
    expect(page.locator(".mail-left")).to_be_visible()
    expect(page.locator("#letter")).to_be_hidden()


def test_members_are_asked_without_leaving_the_board(make_stage: Make) -> None:
    stage = make_stage("actions.create_task(alice, 'Parse the table', owner='hal')")
    page = stage.open("bob", stage.path)
    page.locator("#card-1 .card-link").focus()
    page.keyboard.press("m")
    expect(page.locator("#ask-title")).to_have_text("Ask hal")
    expect(page.locator("#ask-body")).to_be_focused()
    page.keyboard.type("which columns, @ir")
    expect(page.locator("#completes")).to_contain_text("iris")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(page.locator("#ask")).to_be_hidden()
    page.click("#card-1 .card-foot .avatar")
    expect(page.locator("#ask-body")).to_have_value("About #1: which columns, @iris ")
    page.fill("#ask-to", "hall")
    page.keyboard.press("Control+Enter")
    page.locator("#ask-form button.btn-primary").click()
    expect(page.locator("#ask .field-error")).to_contain_text("hal")
    page.fill("#ask-to", "hal, alice")
    page.locator("#ask-form button.btn-primary").click()
    expect(page.locator("#ask")).to_be_hidden()
    expect(page.locator("#toasts")).to_contain_text("Sent.")
    assert page.url.endswith(stage.path)
    page.click("#people [data-presence-source=iris]")
    expect(page.locator("#ask-to")).to_have_value("iris")
    expect(page.locator("#ask-body")).to_have_value("")
    page.click("#ask [data-closes] >> nth=0")
    theirs = stage.open("alice", inbox(stage))
    expect(line(theirs, "which columns")).to_be_visible()


def test_a_small_screen_asks_from_the_board_and_shows_whole_topics(make_stage: Make) -> None:
    topic = "Whether the importer keeps the spelling of the header"
    stage = make_stage(
        MAIL + f"open_discussion(alice, {topic!r}, ['alice', 'hal', 'iris'])\n"
        "from apps.teams.actions import change_team\n"
        "change_team(alice, name='Redesign of the checkout')"
    )
    page = stage.open("bob", viewport={"width": 390, "height": 780})
    buttons = page.locator(".page-head .btn")
    expect(buttons).to_have_text(["Ask…", "New"], use_inner_text=True)
    tops = "all => new Set(all.map((one) => one.getBoundingClientRect().top)).size"
    assert buttons.evaluate_all(tops) == 1
    buttons.first.click()
    expect(page.locator("#ask-title")).to_have_text("New message")
    page.goto(f"{stage.path}discussions/")
    title = page.locator(".row-title").filter(has_text=topic)
    box = title.bounding_box()
    assert box is not None
    assert box["height"] < 50  # two lines
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_title_counts_what_is_unread(make_stage: Make) -> None:
    stage = make_stage()
    page = stage.open("vera", stage.path)
    before = page.title()
    send = "send_message(hal, to=['vera'], body='Look at this')"
    stage.run(MAIL + send)
    expect(page).to_have_title(f"(1 new) {before}")
    stage.run(MAIL + send)
    expect(page).to_have_title(f"(2 new) {before}")
    page.reload()
    expect(page).to_have_title(f"(2 new) {before}")
    stage.run(MAIL + "mark_all_read(seat('vera'))")
    expect(page).to_have_title(before)


def test_a_message_becomes_a_task(make_stage: Make) -> None:
    page = (stage := make_stage(LETTERS)).open("bob", inbox(stage))
    line(page, "Letter 1").click()
    page.click(".letter-head details.dropdown > summary")
    page.click("[data-opens='#make-task']")
    expect(page.locator("#make-subject")).to_have_value("Letter 1")
    page.click("#make-task .btn-primary")
    page.wait_for_url(re.compile(r"/(tasks/1/)?$"))
    page.goto(f"{stage.path}tasks/1/")
    expect(page.locator("h1.sheet-title")).to_have_text("Letter 1")
    expect(page.locator(".sheet-view .prose strong")).to_have_text("1")
    page.click(".sheet-view .prose a[href*='/messages/']")
    expect(page.locator(".letter-head h2")).to_have_text("Letter 1")


def test_markup_of_members_comes_out_as_text(make_stage: Make) -> None:
    evil = "<img src=x onerror=document.title='x'><script>document.title='x'</script>"
    stage = make_stage(
        f"from apps.messaging.actions import send_message\nevil = {evil!r}\n"
        "send_message(hal, to=['bob'], subject=evil, body=evil + ' [go](javascript:alert(1))')"
    )
    page = stage.open("bob", inbox(stage))
    page.locator("#letters a.line").click()
    expect(page.locator(".letter-head h2")).to_have_text(evil)
    expect(page.locator(".letter .prose")).to_contain_text("<script>")
    assert page.locator("#letter img, #letter script, #letter a[href^=javascript]").count() == 0
    assert page.locator("#letters img, #letters script").count() == 0


PASTE = """
(name) => new Promise((done) => {
  const canvas = document.createElement("canvas");
  canvas.toBlob((blob) => {
    const clipboardData = new DataTransfer();
    clipboardData.items.add(new File([blob], "image.png", { type: "image/png" }));
    const field = document.querySelector(name);
    const init = { clipboardData, bubbles: true, cancelable: true };
    field.dispatchEvent(new ClipboardEvent("paste", init));
    done();
  });
})
"""


def test_a_picture_is_pasted_and_a_file_taken_back(make_stage: Make) -> None:
    stage = make_stage(f"{MAIL}send_message(hal, to=['bob'], body='How does it look?')")
    page = stage.open("bob", inbox(stage))
    page.keyboard.press("j")
    page.fill("#reply-body", "So.")
    page.evaluate(PASTE, "#reply-body")
    chosen = page.locator("#reply .attaching li")
    expect(chosen).to_contain_text("pasted ")
    text = {"name": "a.txt", "mimeType": "text/plain", "buffer": b"a"}
    page.set_input_files("#reply input[type=file]", [text])
    expect(chosen).to_have_count(2)
    page.get_by_role("button", name="Remove a.txt").click()
    expect(chosen).to_have_count(1)
    page.locator("#reply-body").press("Control+Enter")
    expect(page.locator(".letter.is-mine .thumb")).to_be_visible()
    expect(chosen).to_have_count(0)

    page.goto(page.url.split("/messages/")[0] + "/tasks/new/")
    page.fill("#content [name=subject]", "A card")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/tasks/\d+/"))
    page.evaluate(PASTE, "#composer")
    page.get_by_role("button", name="Comment").click()
    expect(page.locator(".remark .thumb")).to_be_visible()


def test_the_first_message_offers_itself_beside_an_empty_pane(make_stage: Make) -> None:
    stage = make_stage()
    page = stage.open("bob", inbox(stage))
    pane = page.locator(".letter-none")
    expect(page.get_by_text("Your inbox is empty")).to_be_visible()
    expect(pane).not_to_be_visible()
    stage.run(f"{MAIL}send_message(hal, to=['bob'], subject='First', body='Text')")
    expect(line(page, "First")).to_be_visible()
    expect(pane).to_contain_text("Choose a conversation")
    expect(pane).to_be_visible()
