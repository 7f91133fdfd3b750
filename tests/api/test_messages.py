"""Messages, inboxes and discussions over REST."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test.utils import CaptureQueriesContext

from apps.api.schemas import Discussion, Inbox, Message
from apps.messaging.models import Delivery
from tests.api.conftest import Caller, refused, said

Queries = Callable[..., CaptureQueriesContext]


def test_a_message_and_how_far_it_came(by_hal: Caller, by_alice: Caller, by_bob: Caller) -> None:
    body = {"to": ["alice"], "cc": ["BOB"], "subject": "Done", "body": "See **#1**.",
            "message_id": "m-1"}  # fmt: skip
    sent = said(by_hal.post("/messages", body), 201)
    assert (sent["from"], sent["to"], sent["cc"]) == ("hal", ["alice"], ["bob"])
    Message.model_validate(sent)
    assert sent["deliveries"][0]["delivered_at"] is None
    inbox = said(by_alice.get("/inbox"))
    assert (inbox["unread"], [m["id"] for m in inbox["items"]]) == (1, [sent["id"]])
    assert inbox["items"][0]["read"] is False
    assert said(by_alice.post(f"/messages/{sent['id']}/read")) == {"count": 1}
    assert said(by_alice.post(f"/messages/{sent['id']}/read")) == {"count": 0}
    first, second = said(by_hal.get(f"/messages/{sent['id']}"))["deliveries"]
    assert (first["to"], first["via"]) == ("alice", "rest")
    assert first["delivered_at"].endswith("Z")
    assert first["read_at"] is not None
    assert (second["to"], second["read_at"]) == ("bob", None)


def test_what_is_answered_unopened_came_by_this_door(by_hal: Caller, by_alice: Caller) -> None:
    asked = said(by_hal.post("/messages", {"to": "alice", "body": "Ready?"}), 201)
    said(by_alice.post("/messages", {"body": "Yes.", "reply_to": asked["id"]}), 201)
    (copy,) = said(by_hal.get(f"/messages/{asked['id']}"))["deliveries"]
    assert (copy["via"], copy["delivered_at"]) == ("rest", copy["answered_at"])


def test_a_message_id_makes_sending_safe(by_hal: Caller) -> None:
    body = {"to": "alice", "body": "Once", "message_id": "m-1"}
    first = said(by_hal.post("/messages", body), 201)
    assert said(by_hal.post("/messages", body), 201)["id"] == first["id"]
    other = {**body, "body": "Twice"}
    refused(by_hal.post("/messages", other), 409, "message_id_conflict")


def test_messages_that_cannot_be_sent(by_hal: Caller, by_vera: Caller, stranger: Caller) -> None:
    refused(by_vera.post("/messages", {"to": ["alice"], "body": "x"}), 403, "not_allowed")
    mistyped = by_hal.post("/messages", {"to": ["alcie"], "body": "x"})
    assert refused(mistyped, 422, "unknown_recipient")["hint"] == "Did you mean alice?"
    refused(by_hal.post("/messages", {"to": ["alice"], "body": " "}), 422, "invalid")
    refused(
        by_hal.post("/messages", {"to": ["bob"], "body": "x", "reply_to": 999}),
        404,
        "message_not_found",
    )
    refused(by_hal.post("/messages", {"to": ["bob"], "body": "x", "kind": "poem"}), 422, "invalid")
    refused(stranger.post("/messages", {"to": ["alice"], "body": "x"}), 404, "team_not_found")
    refused(stranger.get("/inbox"), 404, "team_not_found")
    refused(by_hal.get("/messages/999"), 404, "message_not_found")
    refused(by_hal.get("/threads/999"), 404, "message_not_found")


def test_a_broadcast_goes_to_everyone_else(by_alice: Caller, by_hal: Caller) -> None:
    sent = said(by_alice.post("/messages", {"broadcast": True, "body": "Hello"}), 201)
    assert sent["kind"] == "broadcast"
    assert sorted(sent["to"]) == ["bob", "hal", "iris", "vera"]
    assert said(by_hal.get("/inbox?kind=Broadcast"))["items"][0]["body"] == "Hello"


@pytest.fixture
def letters(by_alice: Caller, by_bob: Caller) -> list[int]:
    """Five messages to hal, every other one from Bob."""
    senders = (by_alice, by_bob, by_alice, by_bob, by_alice)
    return [
        said(one.post("/messages", {"to": ["hal"], "body": f"Text {n}"}), 201)["id"]
        for n, one in enumerate(senders)
    ]


def test_the_inbox_is_narrowed_and_comes_in_pages(by_hal: Caller, letters: list[int]) -> None:
    first = said(by_hal.get("/inbox?limit=2"))
    rest = said(by_hal.get(f"/inbox?limit=3&cursor={first['next']}"))
    assert [m["id"] for m in first["items"] + rest["items"]] == letters
    assert (rest["next"], rest["unread"]) == (None, 5)
    assert [m["id"] for m in said(by_hal.get("/inbox?from=bob"))["items"]] == letters[1::2]
    assert said(by_hal.post("/inbox/read-all", {"upto": letters[1]})) == {"count": 2}
    assert [m["id"] for m in said(by_hal.get("/inbox?unread=true"))["items"]] == letters[2:]
    assert said(by_hal.post("/inbox/read-all")) == {"count": 3}
    assert said(by_hal.post("/inbox/clear")) == {"count": 5}
    assert said(by_hal.get("/inbox"))["items"] == []
    assert [m["id"] for m in said(by_hal.get("/inbox?archived=true"))["items"]] == letters
    refused(by_hal.get("/inbox?kind=poem"), 422, "invalid")


def test_the_inbox_costs_the_same_however_full(
    by_hal: Caller, letters: list[int], django_assert_max_num_queries: Queries
) -> None:
    Inbox.model_validate(said(by_hal.get("/inbox")))
    with django_assert_max_num_queries(5):
        said(by_hal.get("/inbox"))


def test_waiting_says_when_there_is_nothing(by_hal: Caller, by_alice: Caller) -> None:
    response = by_hal.get("/inbox?wait=30")
    assert (said(response)["items"], response["X-Wait"]) == ([], "empty")
    assert "X-Wait" not in by_hal.get("/inbox")
    said(by_alice.post("/messages", {"to": ["hal"], "body": "Now"}), 201)
    response = by_hal.get("/inbox?wait=30")
    assert "X-Wait" not in response
    (message,) = said(response)["items"]
    said(by_hal.post(f"/messages/{message['id']}/read"))
    assert by_hal.get("/inbox?wait=30")["X-Wait"] == "empty"
    for wrong in ("-1", "61", "long", "nan"):
        refused(by_hal.get(f"/inbox?wait={wrong}"), 422, "invalid")


def test_delivery_is_noted_once(by_hal: Caller, letters: list[int], journal: Any) -> None:
    first, again = said(by_hal.get("/inbox")), said(by_hal.get("/inbox"))
    assert {step["state"] for m in first["items"] for step in m["deliveries"]} == {"delivered"}
    assert [m["id"] for m in again["items"]] == letters
    assert journal().count("message.delivered") == 1
    assert set(Delivery.objects.values_list("via", flat=True)) == {"rest"}


def test_threads_and_searches(by_hal: Caller, by_alice: Caller) -> None:
    first = said(by_alice.post("/messages", {"to": ["hal"], "body": "Which grammar?"}), 201)["id"]
    reply = said(by_hal.post("/messages", {"body": "EBNF", "reply_to": first}), 201)
    assert (reply["to"], reply["thread"]) == (["alice"], first)
    thread = said(by_alice.get(f"/threads/{reply['id']}"))["items"]
    assert [m["id"] for m in thread] == [first, reply["id"]]
    assert [m["id"] for m in said(by_hal.get("/messages?q=grammar"))["items"]] == [first]
    assert [m["id"] for m in said(by_hal.get("/messages?q=grammar+which"))["items"]] == [first]
    assert said(by_hal.get("/messages?q=%22grammar+which%22"))["items"] == []
    assert said(by_hal.get("/messages?q=grammar&sent=true"))["items"] == []
    assert [m["id"] for m in said(by_hal.get("/messages?sent=true"))["items"]] == [reply["id"]]
    assert len(said(by_hal.get("/messages?about=alice"))["items"]) == 2
    assert said(by_alice.get(f"/messages/{first}"))["deliveries"][0]["state"] == "answered"


def test_a_discussion(by_alice: Caller, by_hal: Caller, by_vera: Caller, journal: Any) -> None:
    body = {"topic": "Grammar", "participants": ["alice", "hal"], "max_rounds": 2}
    opened = said(by_alice.post("/discussions", body), 201)
    Discussion.model_validate(opened)
    at = f"/discussions/{opened['id']}"
    assert said(by_hal.post(f"{at}/turn", {"body": "EBNF"}))["turns"][0]["from"] == "hal"
    refused(by_vera.post(f"{at}/turn", {"body": "x"}), 403, "not_a_participant")
    said(by_alice.post(f"{at}/turn", {"text": "Agreed"}))
    refused(by_hal.post(f"{at}/turn", {"body": "More"}), 409, "max_rounds")
    end = {"conclusion": "EBNF it is", "agreed_by": ["alice", "hal"], "dissent": ""}
    done = said(by_alice.post(f"{at}/conclude", end))
    assert (done["state"], done["agreed_by"]) == ("concluded", ["alice", "hal"])
    assert said(by_vera.get("/discussions"))["items"] == [done] == [said(by_vera.get(at))]
    refused(by_alice.post(f"{at}/cancel"), 409, "wrong_state")
    other = said(by_alice.post("/discussions", body), 201)["id"]
    refused(by_vera.post(f"/discussions/{other}/cancel"), 403, "not_a_participant")
    assert said(by_alice.post(f"/discussions/{other}/cancel"))["state"] == "cancelled"
    kinds = [kind for kind in journal() if kind.startswith("discussion.")]
    assert kinds == [
        "discussion.opened", "discussion.turn", "discussion.turn", "discussion.concluded",
        "discussion.opened", "discussion.cancelled",
    ]  # fmt: skip


def test_discussions_cost_the_same_however_many(
    by_alice: Caller, by_vera: Caller, stranger: Caller, django_assert_max_num_queries: Queries
) -> None:
    body = {"topic": "Grammar", "participants": ["alice", "hal"]}
    for _ in range(4):
        said(by_alice.post("/discussions", body), 201)
    said(by_vera.get("/discussions"))
    with django_assert_max_num_queries(5):
        assert len(said(by_vera.get("/discussions?limit=4"))["items"]) == 4
    refused(by_vera.post("/discussions", body), 403, "not_allowed")
    refused(by_vera.get("/discussions/999"), 404, "discussion_not_found")
    refused(stranger.get("/discussions"), 404, "team_not_found")
