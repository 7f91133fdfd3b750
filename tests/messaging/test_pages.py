from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from apps.claude.intake import take_in_home
from apps.messaging.actions import (
    answer_permission,
    answer_shutdown,
    archive,
    cancel,
    choose_notices,
    deliver,
    mark_read,
    open_discussion,
    request_shutdown,
    send_message,
    take_turn,
)
from apps.messaging.inbox import inbox, unread_count
from apps.messaging.models import Delivery, Discussion, Message
from apps.tasks.actions import create_task, delete_task
from apps.teams.access import system_seat
from apps.teams.actions import seat_person, transition_team
from apps.teams.models import Artifact, Member, Team, User
from tests.conftest import Cast, make_cast, person

Login = Callable[[str], Client]
CAPTURED = Path(__file__).resolve().parents[3] / "shared" / "fixtures" / "claude-home"
HTMX = {"HTTP_HX_REQUEST": "true"}
INBOX = "/teams/checkout/inbox/"


def text(response: Any) -> str:
    return str(response.content.decode())


def part(client: Client, path: str, target: str, **query: Any) -> str:
    """What htmx would swap into `target`."""
    answer = client.get(path, query, HTTP_HX_TARGET=target, **HTMX)
    assert answer.status_code == 200
    return text(answer)


def test_an_empty_inbox_says_what_it_is_for(cast: Cast, login: Login) -> None:
    page = text(login("bob").get(INBOX))
    assert "Your inbox is empty" in page
    assert "Write a message" in page
    assert "Write a message" not in text(login("vera").get(INBOX))


def test_the_inbox_lists_conversations_and_hands_them_over(cast: Cast, login: Login) -> None:
    first = send_message(cast.hal, to=["bob"], subject="Header", body="Which **one**?")
    send_message(cast.iris, to=["bob"], body="Mine.", reply_to=first.pk)
    page = text(login("bob").get(INBOX))
    assert page.count('class="line is-unread"') == 1
    assert "iris, hal" in page
    assert "Header" in page
    copies = Delivery.objects.filter(recipient=cast.bob)
    assert {(copy.via, copy.read_at) for copy in copies} == {("page", None)}


def test_a_line_says_what_mentions_me_and_what_asks_me(cast: Cast, login: Login) -> None:
    send_message(cast.hal, to=["iris"], body="@alice look", cc=["bob"])
    send_message(cast.hal, to=["alice"], kind="permission_request",
                 payload={"request_id": "7", "tool_name": "Bash"})  # fmt: skip
    page = part(login("alice"), INBOX, "letters")
    assert '<span class="badge badge-accent">mention</span>' in page
    assert '<span class="badge badge-bad">question</span>' in page
    assert "badge-accent" not in part(login("bob"), INBOX, "letters")


def test_a_question_is_loud_until_it_is_answered(cast: Cast, login: Login) -> None:
    red, quiet = '<span class="badge badge-bad">question', '<span class="badge">question'
    seat_person(cast.team, person("otto"), role="leader")
    payload = {"request_id": "7", "tool_name": "Bash"}
    asked = send_message(cast.hal, to=["alice", "otto"], kind="permission_request", payload=payload)
    otto = Client()
    otto.force_login(person("otto"))
    pages = [(client, path) for client in (login("alice"), otto) for path in (INBOX, "/inbox/")]
    assert all(red in part(client, path, "letters") for client, path in pages)
    answer_permission(cast.alice, asked.pk, approve=True)
    for client, path in pages:
        page = part(client, path, "letters")
        assert quiet in page
        assert red not in page


def test_an_idle_notice_alone_is_open_and_takes_no_answer(cast: Cast, login: Login) -> None:
    idle = send_message(cast.hal, to=["alice"], kind="idle_notification",
                        payload={"idle_reason": "available", "mood": "calm"})  # fmt: skip
    alice = login("alice")
    page = part(alice, message_url(idle), "letter")
    assert '<details class="chatter"' not in page
    assert "calm" in page
    for words in ('id="reply"', "data-reply"):
        assert words not in page
    send_message(cast.alice, to=["hal"], body="Take #1.", reply_to=idle.pk)
    page = part(alice, message_url(idle), "letter")
    assert '<details class="chatter"' in page
    assert 'id="reply"' in page


def test_idle_chatter_is_folded_and_failures_are_not(cast: Cast, login: Login) -> None:
    for _ in range(3):
        send_message(cast.hal, to=["alice"], kind="idle_notification", payload={})
    send_message(cast.hal, to=["alice"], kind="idle_notification",
                 payload={"failure_reason": "no memory left"})  # fmt: skip
    page = part(login("alice"), INBOX, "letters")
    assert "3 idle notices" in page
    assert "hal failed: no memory left" in page
    assert page.count('class="line ') == 1


def test_idle_chatter_of_a_day_is_one_line_where_its_newest_belongs(
    cast: Cast, login: Login
) -> None:
    def idle(member: Member) -> None:
        send_message(member, to=["alice"], kind="idle_notification", payload={})

    for day, subject in (("2025-03-01", "Yesterday"), ("2025-03-02", "Today")):
        idle(cast.hal)
        send_message(cast.hal, to=["alice"], subject=f"{subject} one", body="Text.")
        idle(cast.iris)
        send_message(cast.iris, to=["alice"], subject=f"{subject} two", body="Text.")
        if subject == "Yesterday":
            idle(cast.hal)
        fresh = Message.objects.filter(sent_at__gte=cast.team.created_at)
        fresh.update(sent_at=f"{day}T09:00:00Z")
    page = part(login("alice"), INBOX, "letters")
    order = re.findall(r"(\w+ (?:one|two))</span>|(\d idle notices)", page)
    assert [subject or notices for subject, notices in order] == [
        "Today two", "2 idle notices", "Today one", "3 idle notices", "Yesterday two",
        "Yesterday one",
    ]  # fmt: skip
    assert page.index('id="chatter-2025-03-02"') < page.index('id="chatter-2025-03-01"')


def test_a_day_of_idle_chatter_alone_stands_in_its_place(cast: Cast, login: Login) -> None:
    send_message(cast.hal, to=["alice"], subject="Long ago", body="Text.")
    Message.objects.update(sent_at="2025-03-01T09:00:00Z")
    send_message(cast.hal, to=["alice"], kind="idle_notification", payload={})
    page = part(login("alice"), INBOX, "letters")
    assert page.index("1 idle notice ") < page.index("Long ago")
    everywhere = text(login("alice").get("/inbox/"))
    assert everywhere.index("1 idle notice ") < everywhere.index("Long ago")


def test_the_lists_are_narrowed_by_the_address(cast: Cast, login: Login) -> None:
    send_message(cast.hal, to=["bob"], subject="Apples", body="x")
    send_message(cast.iris, to=["bob"], kind="task_completed", payload={"task_id": "7"})
    send_message(cast.bob, to=["hal", "iris"], subject="Pears", body="x")
    deliver(cast.hal, inbox(cast.hal).items)
    bob = login("bob")
    for query, found, missing in [
        ({"q": "appl"}, "Apples", "Task completed"),
        ({"from": "iris"}, "Task completed", "Apples"),
        ({"kind": "task_completed"}, "Task completed", "Apples"),
        ({"box": "sent"}, "Pears", "Apples"),
        ({"box": "sent"}, "1 delivered, 1 sent", "Apples"),
        ({"box": "team", "from": "hal"}, "Pears", "Task completed"),
        ({"box": "archived"}, "Nothing is put away", "Apples"),
    ]:
        page = part(bob, INBOX, "letters", **query)
        assert found in page
        assert missing not in page


@pytest.mark.parametrize(
    "query",
    ["kind=no&box=no&why=no&limit=x&cursor=-3", "cursor=" + "9" * 40, "q=%00%ff", "limit=²",
     "limit=123456x", "limit=" + "9" * 5000],
)  # fmt: skip
def test_nonsense_in_an_address_is_passed_over(cast: Cast, login: Login, query: str) -> None:
    assert login("bob").get(f"{INBOX}?{query}").status_code == 200
    assert login("bob").get(f"/inbox/?{query}").status_code == 200


def test_a_number_of_any_length_marks_all_as_read(cast: Cast, login: Login) -> None:
    send_message(cast.hal, to=["bob"], body="x")
    assert login("bob").post(f"{INBOX}read-all/", {"upto": "9" * 5000}).status_code == 302
    assert unread_count(cast.bob) == 0


def test_older_messages_come_in_pages(cast: Cast, login: Login) -> None:
    for number in range(60):
        send_message(cast.hal, to=["bob"], subject=f"Letter {number:02}", body="x")
    bob = login("bob")
    page = text(bob.get(INBOX))
    assert page.count('class="line is-unread"') == 50
    more = re.search(r'hx-get="([^"]*cursor=\d+)"', page)
    assert more is not None
    older = text(bob.get(more[1].replace("&amp;", "&"), HTTP_HX_TARGET="more-letters", **HTMX))
    assert older.count('class="line is-unread"') == 10
    assert "Letter 00" in older
    assert "cursor=" not in older


@pytest.mark.parametrize("number", [3, 12])
def test_a_list_costs_the_same_queries_whatever_is_in_it(
    cast: Cast, login: Login, number: int, django_assert_max_num_queries: Any
) -> None:
    for one in range(number):
        send_message([cast.hal, cast.iris][one % 2], to=["bob", "alice"], body="See #1 @vera")
    first = Message.objects.earliest("pk")
    bob = login("bob")
    bob.get(INBOX)
    with django_assert_max_num_queries(9):
        part(bob, INBOX, "letters")
    with django_assert_max_num_queries(11):
        part(bob, message_url(first), "letter")
    with django_assert_max_num_queries(8):
        part(bob, "/inbox/", "letters")


def test_a_conversation_shows_each_copy_as_it_was(cast: Cast, login: Login) -> None:
    message = send_message(cast.alice, to=["hal", "iris", "bob"], subject="Who?", body="Who?")
    cast.hal.via = "mcp"
    deliver(cast.hal, inbox(cast.hal).items)
    mark_read(cast.iris, message.pk)
    page = part(login("alice"), message_url(message), "letter")
    for name, step in (("hal", "delivered"), ("iris", "read"), ("bob", "sent")):
        assert re.search(rf'data-step="{step}"[^>]*>{name} <b>{step}</b>', page)
    assert "handed over through mcp" in page


def message_url(message: Message) -> str:
    return reverse("message", args=["checkout", message.pk])


def test_opening_a_message_opens_the_list_beside_it(cast: Cast, login: Login) -> None:
    message = send_message(cast.hal, to=["bob"], subject="Header", body="Which?")
    page = text(login("bob").get(message_url(message)))
    assert 'aria-current="true"' in page
    assert "has-open" in page
    assert f'data-answers="{message.pk}" data-to="hal"' in page


def test_beside_the_list_alone_stands_no_letter(cast: Cast, login: Login) -> None:
    send_message(cast.hal, to=["bob"], subject="Header", body="Which?")
    pane = part(login("bob"), INBOX, "letter")
    assert "Choose a conversation" in pane
    assert "Header" not in pane


def test_what_members_write_comes_out_as_text(cast: Cast, login: Login) -> None:
    evil = "<script>alert(1)</script>"
    message = send_message(cast.hal, to=["bob"], subject=evil, body=f"{evil} [x](javascript:a)")
    payload = {"request_id": "1", "tool_name": evil, "input": {evil: [evil]}}
    send_message(
        cast.hal, to=["bob"], kind="permission_request", reply_to=message.pk, payload=payload
    )
    for path in (INBOX, message_url(message), "/inbox/"):
        page = text(login("bob").get(path))
        assert "<script>alert" not in page
        assert 'href="javascript' not in page
    assert "alert(1)" in page


KINDS: list[tuple[str, dict[str, Any], list[str]]] = [
    ("task_assignment", {"task_id": "3", "subject": "Parse it"}, ["Task assigned", "#3"]),
    ("plan_approval_request", {"plan": "# Steps\n\n1. Read"}, ["approve a plan", "<li>Read"]),
    ("plan_approval_response", {"approved": False, "feedback": "Too long"},
     ["rejected", "Too long"]),
    ("review_request", {"task_id": "3", "round": 2}, ["Asks for a review", "round 2"]),
    ("review_response", {"task_id": "3", "approved": True}, ["Review", "approved"]),
    ("task_completed", {"task_id": "3", "task_subject": "Parse it"},
     ["Task completed", "Parse it"]),
    ("permission_request",
     {"request_id": "p", "tool_name": "Bash", "input": {"command": "ls", "deep": {"a": [1, True]}}},
     ["leave to use Bash", "command", "deep a", "1, yes", "not answered yet"]),
    ("permission_response", {"request_id": "p", "approve": False, "error": "No."},
     ["Denied", "No."]),
    ("idle_notification", {"idle_reason": "blocked", "mood": "calm"}, ["hal is blocked", "calm"]),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "payload", "shown"), KINDS)
def test_structured_kinds_are_shown_as_what_they_are(
    cast: Cast, login: Login, kind: str, payload: dict[str, Any], shown: list[str]
) -> None:
    Team.objects.filter(pk=cast.team.pk).update(task_watermark=3)
    message = send_message(cast.hal, to=["alice"], kind=kind, payload=payload)
    page = part(login("alice"), message_url(message), "letter")
    for words in shown:
        assert words in page
    assert not re.search(r"[{\[](&quot;|&#x27;)", page.partition('id="thread"')[2])


def test_a_shutdown_shows_its_state(cast: Cast, login: Login) -> None:
    request = request_shutdown(cast.alice, "hal", reason="Done.")
    alice = login("alice")
    assert "not answered yet" in part(alice, message_url(request), "thread")
    answer_shutdown(cast.hal, request.pk, approve=False, reason="Not yet.")
    page = part(alice, message_url(request), "thread")
    assert "rejected" in page
    assert "Not yet." in page


def test_a_shutdown_is_asked_for_on_a_page(cast: Cast, login: Login) -> None:
    alice = login("alice")
    assert "Ask hal to shut down" in text(alice.get("/teams/checkout/shutdown/?name=hal"))
    answer = alice.post("/teams/checkout/shutdown/", {"name": "hal", "reason": "Done."})
    assert answer.status_code == 302
    assert Message.objects.get().kind == "shutdown_request"
    refused = alice.post("/teams/checkout/shutdown/", {"name": "bob", "reason": ""})
    assert refused.status_code == 422
    assert login("bob").post("/teams/checkout/shutdown/", {"name": "hal"}).status_code == 403
    assert alice.get("/teams/checkout/shutdown/").headers["Location"] == "/teams/checkout/members/"


def test_leave_is_given_once_and_by_who_was_asked(cast: Cast, login: Login) -> None:
    asked = send_message(cast.hal, to=["alice"], kind="permission_request",
                         payload={"request_id": "p-1", "tool_name": "Bash"})  # fmt: skip
    url = reverse("message_answer", args=["checkout", asked.pk])
    assert login("bob").post(url, {"answer": "yes"}).status_code == 403
    assert login("alice").post(url, {"answer": "yes"}).status_code == 302
    again = login("alice").post(url, {"answer": "no"})
    assert (again.status_code, "alice has already allowed" in text(again)) == (409, True)
    reply = Message.objects.get(reply_to=asked)
    assert (reply.kind, reply.payload) == (
        "permission_response",
        {"request_id": "p-1", "approve": True, "subtype": "success", "response": {}},
    )
    assert [copy.recipient.name for copy in reply.deliveries.all()] == ["hal"]
    assert "allowed" in part(login("alice"), message_url(asked), "thread")


def test_what_asks_for_nothing_is_not_answered(cast: Cast, login: Login) -> None:
    message = send_message(cast.hal, to=["alice"], body="x")
    url = reverse("message_answer", args=["checkout", message.pk])
    assert login("alice").post(url, {"answer": "yes"}).status_code == 404


def test_a_new_message_is_sent_from_the_page(cast: Cast, login: Login) -> None:
    bob = login("bob")
    assert 'value="hal"' in text(bob.get("/teams/checkout/messages/new/?to=hal&task=1"))
    values = {"to": "hal; iris", "cc": "Alice", "subject": "S", "body": "Text", "message_id": "m-1"}
    answers = [bob.post("/teams/checkout/messages/new/", values) for _ in range(2)]
    message = Message.objects.get()
    assert [answer.headers["Location"] for answer in answers] == [message_url(message)] * 2
    roles = {copy.recipient.name: copy.role for copy in message.deliveries.all()}
    assert roles == {"hal": "to", "iris": "to", "alice": "cc"}


@pytest.mark.parametrize(
    ("values", "says"),
    [({"to": "hall", "body": "x"}, "Did you mean hal?"), ({"to": "hal", "body": " "}, "required"),
     ({"to": "", "body": "x"}, "at least one recipient")],
)  # fmt: skip
def test_a_refused_message_keeps_what_was_written(
    cast: Cast, login: Login, values: dict[str, str], says: str
) -> None:
    answer = login("bob").post("/teams/checkout/messages/new/", {"subject": "Kept", **values})
    assert answer.status_code == 422
    assert says in text(answer)
    assert 'value="Kept"' in text(answer)
    assert not Message.objects.exists()


def test_a_message_is_sent_from_a_dialog_over_any_page(cast: Cast, login: Login) -> None:
    bob, url = login("bob"), "/teams/checkout/messages/new/"
    dialog = part(bob, url, "ask", to="hal", task="1")
    assert "<html" not in dialog
    assert "Ask hal" in dialog
    assert "About #1: " in dialog
    answer = bob.post(url, {"to": "hal", "body": "Which?"}, HTTP_HX_TARGET="ask", **HTMX)
    assert answer.status_code == 204
    assert [copy.recipient.name for copy in Delivery.objects.all()] == ["hal"]


def test_a_dialog_says_beside_the_field_what_is_wrong(cast: Cast, login: Login) -> None:
    values, more = {"to": "hall", "body": "x"}, {"HTTP_HX_TARGET": "ask", **HTMX}
    answer = login("bob").post("/teams/checkout/messages/new/", values, **more)
    assert answer.status_code == 422
    assert "data-fields" in text(answer)
    assert login("vera").post("/teams/checkout/messages/new/", values, **more).status_code == 403
    assert not Message.objects.exists()


def test_observers_send_nothing_from_the_page(cast: Cast, login: Login) -> None:
    answer = login("vera").post("/teams/checkout/messages/new/", {"to": "hal", "body": "x"})
    assert answer.status_code == 403
    assert "Send" not in part(login("vera"), INBOX, "letters")


def test_a_reply_answers_with_the_conversation(cast: Cast, login: Login) -> None:
    first = send_message(cast.hal, to=["bob"], body="Ready?")
    url = reverse("message_reply", args=["checkout", first.pk])
    values = {"to": "hal", "body": "Yes.", "reply_to": first.pk, "message_id": "r-1"}
    bob = login("bob")
    page = text(bob.post(url, values, HTTP_HX_TARGET="thread", **HTMX))
    assert 'id="thread"' in page
    assert "<p>Yes.</p>" in page
    assert 'hx-swap-oob="true"' in page
    reply = Message.objects.get(reply_to=first)
    copy = Delivery.objects.get(message=first)
    assert (copy.answered_at, copy.via) == (reply.sent_at, "page")
    assert bob.post(url, values).status_code == 302
    assert Message.objects.count() == 2
    refused = bob.post(url, {"to": "hal", "body": ""}, **HTMX)
    assert (refused.status_code, refused.headers["HX-Retarget"]) == (422, "#toasts")


def test_a_reply_answers_what_came_to_who_writes_it(cast: Cast, login: Login) -> None:
    def answers(name: str) -> tuple[str, str]:
        page = part(login(name), message_url(first), "letter")
        to = re.search(r'name="to" value="([^"]*)"', page)
        reply_to = re.search(r'name="reply_to" value="(\d+)"', page)
        assert to is not None
        assert reply_to is not None
        return to[1], reply_to[1]

    first = send_message(cast.alice, to=["bob", "hal"], body="Who takes it?")
    assert answers("alice") == ("bob, hal", str(first.pk))
    aside = send_message(cast.hal, to=["iris"], body="Not me.", reply_to=first.pk)
    assert answers("bob") == ("alice", str(first.pk))
    mine = send_message(cast.iris, to=["alice"], body="I do.", reply_to=aside.pk)
    assert answers("alice") == ("iris", str(mine.pk))
    send_message(cast.iris, to=["alice"], kind="idle_notification", reply_to=mine.pk, payload={})
    assert answers("alice") == ("iris", str(mine.pk))
    Member.objects.filter(pk=cast.iris.pk).update(left_at=mine.sent_at)
    assert answers("alice") == ("hal", str(aside.pk))


def test_a_conversation_is_read_up_to_what_was_shown(cast: Cast, login: Login) -> None:
    first = send_message(cast.hal, to=["bob"], body="1")
    second = send_message(cast.hal, to=["bob"], body="2", reply_to=first.pk)
    url = reverse("message_read", args=["checkout", first.pk])
    bob = login("bob")
    assert bob.post(url, {"thread": "1", "upto": first.pk}, **HTMX).status_code == 204
    assert unread_count(cast.bob) == 1
    assert bob.post(url, {"thread": "1", "upto": second.pk}).status_code == 302
    assert unread_count(cast.bob) == 0
    assert {copy.via for copy in cast.bob.deliveries.all()} == {"page"}


def test_a_conversation_is_put_away_and_brought_back(cast: Cast, login: Login) -> None:
    first = send_message(cast.hal, to=["bob"], body="1")
    send_message(cast.hal, to=["bob"], body="2", reply_to=first.pk)
    bob = login("bob")
    bob.post(reverse("message_archive", args=["checkout", first.pk]), {"thread": "1"})
    assert inbox(cast.bob).items == []
    assert "Back to inbox" in part(bob, message_url(first), "letter")
    bob.post(reverse("message_unarchive", args=["checkout", first.pk]), {"thread": "1"})
    assert len(inbox(cast.bob).items) == 2


def test_news_of_a_conversation_bring_who_takes_part_and_what_to_do(
    cast: Cast, login: Login
) -> None:
    first = send_message(cast.bob, to=["hal"], body="Ready?")
    bob = login("bob")
    assert "data-archives" not in part(bob, message_url(first), "letter")
    send_message(cast.iris, to=["bob"], body="I am.", reply_to=first.pk)
    page = part(bob, message_url(first), "thread")
    assert re.search(rf'id="people-{first.pk}" hx-swap-oob="true">bob, hal, iris', page)
    assert f'id="archives-{first.pk}" hx-swap-oob="true"><form' in page
    assert "with=bob,hal,iris," in page
    assert 'id="letter"' not in page


def test_what_the_system_sent_takes_no_answer_but_leads_to_members(
    cast: Cast, login: Login
) -> None:
    told = send_message(system_seat(cast.team), to=["bob"], body="It is late.")
    page = part(login("bob"), message_url(told), "letter")
    assert "The system sent it and reads no answers." in page
    assert 'href="/teams/checkout/messages/new/"' in page
    assert 'id="reply"' not in page
    send_message(cast.alice, to=["bob"], body="Sorry.", reply_to=told.pk)
    page = part(login("bob"), message_url(told), "letter")
    assert 'name="to" value="alice"' in page
    assert "reads no answers" not in page


def test_a_message_names_the_cards_that_were_made_of_it(cast: Cast, login: Login) -> None:
    first = send_message(cast.hal, to=["bob"], subject="Header", body="Which?")
    link = f"From [a message of hal]({message_url(first)})."
    other = link.replace(f"/{first.pk}/", f"/{first.pk}1/")
    for subject, text in (("Choose a header", link), ("Gone", link), ("Other", other)):
        create_task(cast.bob, subject, description=text)
    delete_task(cast.bob, 2)
    for target in ("letter", "thread"):
        page = part(login("bob"), message_url(first), target)
        assert f'href="{reverse("task", args=["checkout", 1])}">#1 Choose a header</a>' in page
        assert "Gone" not in page
        assert "Other" not in page


def test_all_is_read_up_to_what_the_page_showed_or_put_away(cast: Cast, login: Login) -> None:
    first = send_message(cast.hal, to=["bob"], body="1")
    send_message(cast.hal, to=["bob"], body="2")
    bob = login("bob")
    bob.post(reverse("inbox_read_all", args=["checkout"]), {"upto": first.pk})
    assert unread_count(cast.bob) == 1
    bob.post(reverse("inbox_clear", args=["checkout"]))
    assert (unread_count(cast.bob), len(inbox(cast.bob, archived=True).items)) == (0, 2)


def test_a_list_that_came_anew_says_what_all_read_means_now(cast: Cast, login: Login) -> None:
    send_message(cast.hal, to=["bob"], body="1")
    bob = login("bob")
    assert bob.get(INBOX).status_code == 200
    second = send_message(cast.hal, to=["bob"], body="2")
    page = part(bob, INBOX, "letters")
    assert f'name="upto" value="{second.pk}" form="read-all"' in page
    assert 'id="inbox-unread" hx-swap-oob="true">2<' in page
    bob.post(reverse("inbox_read_all", args=["checkout"]), {"upto": second.pk}, **HTMX)
    assert 'id="inbox-unread" hx-swap-oob="true"><' in part(bob, INBOX, "letters", box="sent")


@pytest.mark.parametrize(("query", "offered"), [
    ({}, True), ({"unread": "1"}, True), ({"from": "hal"}, False), ({"kind": "message"}, False),
    ({"q": "1"}, False),
])  # fmt: skip
def test_what_is_done_with_all_is_offered_where_all_are_listed(
    cast: Cast, login: Login, query: dict[str, str], offered: bool
) -> None:
    send_message(cast.hal, to=["bob"], body="1")
    page = text(login("bob").get(INBOX, query))
    assert [word in page for word in ("Mark all read", "Archive all")] == [offered, offered]


def test_a_long_conversation_begins_with_its_newest_part(cast: Cast, login: Login) -> None:
    first = send_message(cast.hal, to=["bob"], subject="The beginning", body="first words")
    for number in range(105):
        send_message(cast.hal, to=["bob"], body=f"reply {number}", reply_to=first.pk)
    bob = login("bob")
    page = part(bob, message_url(first), "letter")
    assert "The beginning" in page
    assert "first words" not in page.partition('id="thread"')[2].partition('id="reply"')[0]
    more = re.search(r"\?before=(\d+)", page)
    assert more is not None
    earlier = part(bob, message_url(first), "earlier", before=more[1])
    assert "first words" in earlier


def test_an_archived_team_is_read_only(cast: Cast, login: Login) -> None:
    message = send_message(cast.hal, to=["bob"], body="Last words.")
    transition_team(cast.alice, "archived")
    page = text(login("bob").get(message_url(message)))
    assert "Last words." in page
    for word in ("Mark all read", 'id="reply"', "data-archives"):
        assert word not in page
    values = {"to": "hal", "body": "x"}
    assert login("bob").post("/teams/checkout/messages/new/", values).status_code == 409


PATHS = ["inbox/", "messages/new/", "messages/{}/", "discussions/", "discussions/{}/"]


@pytest.mark.parametrize("path", PATHS)
def test_strangers_find_no_page(cast: Cast, login: Login, path: str) -> None:
    message = send_message(cast.hal, to=["bob"], body="x")
    talk = open_discussion(cast.alice, "T", ["hal", "iris"])
    number = talk.pk if "discussions" in path else message.pk
    url = f"/teams/checkout/{path.format(number)}"
    assert login("mallory").get(url).status_code == 404
    assert login("bob").get(url).status_code == 200
    assert Client().get(url).headers["Location"].startswith("/login/")


def test_messages_of_other_teams_are_not_found(cast: Cast, login: Login) -> None:
    other = make_cast("elsewhere")
    foreign = send_message(other.alice, to=["hal"], body="x")
    archive(other.hal, foreign.pk)
    url = f"/teams/checkout/messages/{foreign.pk}/"
    bob = login("bob")
    for path in ("", "read/", "archive/", "reply/", "answer/"):
        answer = bob.post(url + path, {"body": "x"}) if path else bob.get(url)
        assert answer.status_code == 404


def test_everything_that_came_in_all_teams_is_in_one_place(cast: Cast, login: Login) -> None:
    other = make_cast("elsewhere")
    send_message(cast.hal, to=["bob"], body="plain words")
    send_message(other.hal, body="@bob mentioned")
    bob = login("bob")
    page = text(bob.get("/inbox/"))
    assert page.index("mentioned") < page.index("plain words")
    assert "Elsewhere" in page
    assert "plain words" not in part(bob, "/inbox/", "letters", why="mention")


def test_all_that_is_shown_of_all_teams_is_read_at_once(cast: Cast, login: Login) -> None:
    other = make_cast("elsewhere")
    send_message(cast.hal, to=["bob", "iris"], body="1")
    send_message(other.hal, to=["bob"], body="2")
    bob = login("bob")
    upto = re.search(r'name="upto" value="(\d+)" form="read-all"', text(bob.get("/inbox/")))
    assert upto is not None
    send_message(cast.hal, to=["bob"], body="3")
    answer = bob.post("/inbox/read-all/", {"upto": upto[1]})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/inbox/")
    assert [unread_count(seat) for seat in (cast.bob, other.bob, cast.iris)] == [1, 0, 1]
    assert other.bob.deliveries.get().via == "page"
    assert bob.post("/inbox/read-all/", **HTMX).status_code == 204
    assert unread_count(cast.bob) == 0
    assert Client().post("/inbox/read-all/").headers["Location"].startswith("/login/")
    assert "Mark all read" not in text(bob.get("/inbox/?why=mention"))


def test_a_message_is_begun_in_a_team_where_one_may_write(cast: Cast, login: Login) -> None:
    new = "/teams/{}/messages/new/"
    page = text(login("bob").get("/inbox/"))
    assert f'<a class="btn btn-primary" href="{new.format("checkout")}"' in page
    other = make_cast("elsewhere")
    page = text(login("bob").get("/inbox/"))
    for slug in ("checkout", "elsewhere"):
        assert f'<a class="menu-item" href="{new.format(slug)}"' in page
    assert "messages/new" not in text(login("vera").get("/inbox/"))
    transition_team(other.alice, "archived")
    assert new.format("elsewhere") not in text(login("bob").get("/inbox/"))


def test_the_browser_is_told_once_of_what_was_chosen(cast: Cast, login: Login) -> None:
    bob = login("bob")
    send_message(cast.hal, body="@bob look")
    send_message(cast.hal, to=["bob"], kind="idle_notification", payload={})
    news = bob.get("/inbox/news/").json()
    assert [item["text"] for item in news["items"]] == ["@bob look"]
    assert news["items"][0]["url"] == message_url(Message.objects.first())  # type: ignore[arg-type]
    again = bob.get("/inbox/news/", {"after": news["last"]}).json()
    assert again == {"items": [], "last": news["last"]}
    bob.post("/inbox/notices/", {"browser": ["plan"]})
    assert bob.get("/inbox/news/").json()["items"] == []


def test_notices_are_chosen_on_a_page(cast: Cast, login: Login, settings: Any) -> None:
    bob, user = login("bob"), cast.people["bob"]
    settings.EMAIL_HOST = "mail.example.org"
    chosen = {"email": ["mention", "plan"], "address": "bob@example.org"}
    bob.post("/inbox/notices/", chosen)
    user.refresh_from_db()
    assert user.notifications == {"browser": [], "email": ["mention", "plan"]}
    assert user.email == "bob@example.org"
    assert 'value="bob@example.org"' in text(bob.get("/inbox/notices/"))
    for wrong in ({"email": ["pigeon"]}, {"address": "nowhere"}):
        assert bob.post("/inbox/notices/", chosen | wrong).status_code == 422
    user.refresh_from_db()
    assert (user.notifications["email"], user.email) == (["mention", "plan"], "bob@example.org")


def test_without_a_mail_server_no_e_mail_is_offered_and_choices_stay(
    cast: Cast, login: Login
) -> None:
    bob, user = login("bob"), cast.people["bob"]
    choose_notices(user, email=["plan"], address="bob@example.org")
    assert "This site sends no e-mail" in text(bob.get("/inbox/notices/"))
    bob.post("/inbox/notices/", {"browser": ["plan"]})
    user.refresh_from_db()
    assert user.notifications == {"browser": ["plan"], "email": ["plan"]}
    assert user.email == "bob@example.org"


def test_a_discussion_is_held_on_its_page(
    cast: Cast, login: Login, settings: Any, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = tmp_path
    alice, bob = login("alice"), login("bob")
    values = {"topic": "Tabs", "participants": "bob, hal", "max_rounds": "3"}
    opened = alice.post("/teams/checkout/discussions/", values)
    talk = Discussion.objects.get()
    url = reverse("discussion", args=["checkout", talk.pk])
    assert opened.headers["Location"] == url
    assert bob.post(f"{url}turn/", {"body": "Tabs **win**."}, **HTMX).status_code == 204
    assert alice.post(f"{url}turn/", {"body": "Me too."}).status_code == 403
    take_turn(cast.hal, talk.pk, "Spaces.")
    page = part(bob, url, "talk")
    assert "<strong>win</strong>" in page
    assert "the next is the last" in page
    done = {"conclusion": "Tabs it is.", "agreed_by": "bob", "dissent": "hal: widths"}
    assert bob.post(f"{url}conclude/", done).status_code == 302
    page = text(bob.get(url))
    for words in ("Tabs it is.", "Agreed by bob", "widths", "Session conclusion: Tabs"):
        assert words in page
    assert "Take the turn" not in page
    assert bob.post(f"{url}cancel/").status_code == 409


def test_a_discussion_that_cannot_be_concluded_keeps_the_form(cast: Cast, login: Login) -> None:
    talk = open_discussion(cast.alice, "Tabs", ["alice", "bob"])
    url = reverse("discussion", args=["checkout", talk.pk])
    values = {"conclusion": "Tabs it is.", "agreed_by": "bob, irsi"}
    answer = login("alice").post(f"{url}conclude/", values)
    assert answer.status_code == 422
    for words in ("no member “irsi”. Did you mean iris?", "Tabs it is.</textarea>"):
        assert words in text(answer)
    assert login("alice").get(f"{url}conclude/").headers["Location"] == url
    assert Discussion.objects.get().state == "active"
    cancel(cast.alice, talk.pk)
    answer = login("alice").post(f"{url}conclude/", {"conclusion": "Tabs it is."})
    assert (answer.status_code, "already cancelled" in text(answer)) == (409, True)


def test_a_discussion_that_cannot_be_opened_keeps_the_form(cast: Cast, login: Login) -> None:
    values = {"topic": "Tabs", "participants": "bob", "max_rounds": "3"}
    answer = login("alice").post("/teams/checkout/discussions/", values)
    assert answer.status_code == 422
    assert "at least two members" in text(answer)
    assert 'value="Tabs"' in text(answer)


def test_a_card_and_a_member_lead_to_a_message(cast: Cast, login: Login) -> None:
    seat = reverse("member", args=["checkout", cast.hal.pk])
    assert "Ask to shut down" in text(login("alice").get(seat))
    page = text(login("bob").get(seat))
    assert "/messages/new/?to=hal" in page
    assert "Ask to shut down" not in page
    assert "/messages/new/" not in text(login("vera").get(seat)).partition('id="content"')[2]


def test_files_go_with_a_message_and_with_its_answer(
    cast: Cast, login: Login, settings: Any, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = tmp_path
    alice = login("alice")

    def file() -> SimpleUploadedFile:
        return SimpleUploadedFile("plan.md", b"# Plan", "text/markdown")

    new = {"to": "bob", "body": "Here.", "attached": [file()]}
    assert alice.post(reverse("message_new", args=["checkout"]), new).status_code == 302
    first = Message.objects.get()
    url = reverse("message_reply", args=["checkout", first.pk])
    answer = {"to": "alice", "body": "Mine.", "attached": [file()], "message_id": "r-1"}
    page = text(login("bob").post(url, answer, HTTP_HX_TARGET="thread", **HTMX))
    assert [(one.name, one.version) for one in Artifact.objects.order_by("pk")] == [
        ("plan.md", 1), ("plan.md", 2),
    ]  # fmt: skip
    for one in Artifact.objects.all():
        assert f"/artifacts/{one.pk}/preview/" in page


def test_a_refused_message_keeps_none_of_its_files(
    cast: Cast, login: Login, settings: Any, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = tmp_path
    for name, values, status in (
        ("alice", {"to": "nobody", "body": "Here."}, 422),
        ("vera", {"to": "bob", "body": "Here."}, 403),
    ):
        attached = {"attached": [SimpleUploadedFile("a.md", b"a", "text/markdown")]}
        sent = login(name).post(reverse("message_new", args=["checkout"]), values | attached)
        assert sent.status_code == status
    assert Message.objects.count() == Artifact.objects.count() == 0
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.skipif(not CAPTURED.is_dir(), reason="the captured teams are not here")
def test_what_the_lead_of_an_imported_team_heard_with_idle_notices_folded(db: None) -> None:
    reader = User.objects.create(username="alice", is_superuser=True)
    list(take_in_home(CAPTURED))
    client = Client()
    client.force_login(reader)
    page = part(
        client, "/teams/analysis-team/inbox/", "letters", box="team", **{"from": "team-lead"}
    )
    heard = Delivery.objects.filter(
        recipient__team__slug="analysis-team", recipient__name="team-lead"
    )
    assert (heard.count(), heard.filter(noise=True).count()) == (16, 6)
    assert re.findall(r"(\d+) idle notice", page) == ["6"]
