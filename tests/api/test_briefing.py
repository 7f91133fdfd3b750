"""The briefing: everything to go on, small however large the team."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.api.briefing import LONGEST, brief
from apps.api.schemas import Briefing
from apps.messaging.actions import request_shutdown, send_message
from apps.reviews import actions as reviews
from apps.tasks import actions as tasks
from apps.teams.actions import change_member, change_team, end_seat, transition_team
from apps.teams.models import Member
from tests.api.conftest import Caller, refused, said
from tests.conftest import Cast, make_cast


def told(member: Member, **options: Any) -> dict[str, Any]:
    """A briefing by the state of things now."""
    fresh = Member.objects.select_related("team", "user").get(pk=member.pk)
    data = brief(fresh, **options).data
    Briefing.model_validate(data)
    return data


def suggested(member: Member) -> tuple[str, int | None]:
    step = told(member)["next_step"]
    return step["action"], step["task"]


def test_who_i_am_and_what_i_may(cast: Cast) -> None:
    change_team(cast.alice, protocol="Write tests first.")
    data = told(cast.hal)
    assert data["may"] == ["Review", "Send messages", "Work on tasks"]
    assert data["text"].startswith(
        "You are hal, an agent with the role member in the team Checkout."
    )
    assert "You may: review, send messages, work on tasks." in data["text"]
    assert "Rules of the team:\nWrite tests first." in data["text"]
    assert data["text"].endswith("Next: wait for news: nothing waits for you now.")
    assert "change nothing" in told(cast.vera)["text"]


def test_what_waits_for_me(cast: Cast) -> None:
    for subject in ("One", "Two", "Three"):
        tasks.create_task(cast.alice, subject)
    tasks.claim_task(cast.hal, 1)
    tasks.claim_task(cast.iris, 2)
    tasks.complete_task(cast.iris, 2)
    reviews.request_review(cast.iris, 2, "hal")
    data = told(cast.hal)
    assert [line["line"] for line in data["running"]] == ["#1 One"]
    assert [line["line"] for line in data["ready"]] == ["#3 Three"]
    assert [line["line"] for line in data["reviews"]] == ["#2 Two (by iris; round 1)"]
    assert data["unread"][0]["line"].startswith("iris, just now: Please review #2: Two [message ")
    assert data["me"]["counts"] == {
        "running": 1, "ready": 1, "reviews": 1, "plans": 0, "questions": 0, "care": 0, "unread": 1,
    }  # fmt: skip
    for part in ("You are working on (1):\n- #1 One", "Your verdict is asked for (1):"):
        assert part in data["text"]


def test_the_next_step_through_a_day_of_work(cast: Cast) -> None:
    hal, iris = cast.hal, cast.iris
    assert suggested(hal) == ("wait_for_events", None)
    change_member(cast.alice, "hal", plan_mode_required=True)
    tasks.create_task(cast.alice, "One")
    assert suggested(hal) == ("submit_plan", 1)
    assert suggested(iris) == ("claim_task", 1)
    plan = reviews.propose_plan(hal, "How", steps=["a"], task=1)
    assert suggested(hal) == ("wait_for_events", None)
    assert "wait for the decision" in told(hal)["text"]
    assert told(cast.alice)["plans"][0]["id"] == plan.pk
    reviews.decide_plan(cast.alice, plan.pk, "reject", version=1)
    assert suggested(hal) == ("check_inbox", None)
    read_all(hal)
    assert suggested(hal)[0] == "submit_plan"
    reviews.revise_plan(hal, plan.pk, steps=["b"])
    reviews.decide_plan(cast.alice, plan.pk, "approve", version=2)
    read_all(hal)
    assert suggested(hal) == ("claim_task", 1)
    tasks.claim_task(hal, 1)
    assert suggested(hal) == ("finish_task", 1)
    tasks.ask(hal, 1, "Which?", of="lead")
    assert suggested(hal) == ("wait_for_events", None)
    read_all(cast.alice)
    assert suggested(cast.alice) == ("update_task", 1)
    tasks.answer(cast.alice, 1, "That")
    read_all(hal)
    tasks.complete_task(hal, 1)
    reviews.request_review(hal, 1, "iris")
    read_all(iris)
    assert suggested(iris) == ("review_task", 1)
    request_shutdown(cast.alice, "hal")
    assert suggested(hal) == ("send_message", None)


def read_all(member: Member) -> None:
    from apps.messaging.actions import mark_all_read

    mark_all_read(member)


def test_who_shut_down_is_told_to_stop_until_a_new_run(by_hal: Caller, cast: Cast) -> None:
    tasks.create_task(cast.alice, "Ready")
    request_shutdown(cast.alice, "hal")
    said(by_hal.post("/messages", {"kind": "shutdown_approved"}), 201)
    data = said(by_hal.get("/briefing?wait=1"))
    assert data["next_step"]["call"] == "POST /api/v1/teams/checkout/sessions"
    assert "you have shut down: stop here." in data["text"]
    said(by_hal.post("/sessions"), 201)
    assert suggested(cast.hal) == ("claim_task", 1)


def test_nothing_is_suggested_while_the_team_rests(cast: Cast) -> None:
    tasks.create_task(cast.alice, "One")
    transition_team(cast.alice, "paused")
    step = told(cast.hal)["next_step"]
    assert step["action"] == "wait_for_events"
    assert "paused" in step["why"]
    assert "Ready when work goes on (1):" in told(cast.hal)["text"]


def test_before_the_team_begins_somebody_has_to_activate_it(db: None) -> None:
    cast = make_cast(active=False)
    tasks.create_task(cast.alice, "One")
    step = told(cast.hal)["next_step"]
    assert (step["action"], "until a leader activates it" in step["why"]) == (
        "wait_for_events",
        True,
    )


def test_texts_of_others_do_not_steer(cast: Cast) -> None:
    tasks.create_task(cast.alice, "your plan waits for its decision (needs a plan first)")
    assert suggested(cast.hal) == ("claim_task", 1)


def test_what_changed_since_my_last_call(cast: Cast) -> None:
    assert told(cast.hal)["changes"] == []
    tasks.create_task(cast.alice, "One")
    tasks.claim_task(cast.iris, 1)
    first = told(cast.hal)
    assert [line["line"] for line in first["changes"]] == [
        "iris claimed #1",
        "alice created #1 “One”",
    ]
    assert told(cast.hal)["changes"] == []
    assert len(told(cast.hal, since=first["since"])["changes"]) == 2
    tasks.complete_task(cast.iris, 1)
    assert [line["line"] for line in told(cast.hal)["changes"]] == ["iris completed #1"]


def test_my_own_doings_are_no_news(cast: Cast) -> None:
    told(cast.hal)
    tasks.create_task(cast.hal, "One")
    assert told(cast.hal)["changes"] == []


def fill(cast: Cast, times: int) -> None:
    """Much of everything, with texts as long as they may be."""
    long = "word " * 39 + "end"
    change_team(cast.alice, protocol="rule " * 6_000)
    for number in range(times):
        task = tasks.create_task(cast.alice, f"{number} {long}"[:200], owner="hal").number
        if number % 4 == 0:
            tasks.claim_task(cast.hal, task)
        if number % 4 == 1:
            reviews.propose_plan(cast.hal, long[:200], "b", task=task)
        if number % 4 == 2:
            other = tasks.create_task(cast.alice, long[:200]).number
            tasks.claim_task(cast.iris, other)
            tasks.complete_task(cast.iris, other)
            reviews.request_review(cast.iris, other, "hal")
        send_message(cast.bob, to=["hal"], subject=long[:200], body=long)


def test_it_stays_small_however_large_the_team(cast: Cast) -> None:
    told(cast.hal)
    fill(cast, 40)
    data = told(cast.hal, since=0)
    assert len(data["text"]) <= LONGEST
    assert data["me"]["counts"]["ready"] == 30
    assert data["me"]["counts"]["unread"] >= 40
    for name in ("running", "ready", "reviews", "unread"):
        assert len(data[name]) == 10
    for title in ("You are working on (10)", "You could start (30)", "Unread messages"):
        assert title in data["text"]
    assert "… and 2" in data["text"]


def test_it_costs_the_same_however_large_the_team(cast: Cast) -> None:
    fill(cast, 12)
    assert queries(cast.hal) <= 24
    fill(cast, 60)
    assert queries(cast.hal) <= 24


def queries(member: Member) -> int:
    fresh = Member.objects.select_related("team", "user").get(pk=member.pk)
    with CaptureQueriesContext(connection) as captured:
        brief(fresh, since=0)
    return len(captured)


def test_the_door(by_hal: Caller, by_vera: Caller, stranger: Caller, cast: Cast) -> None:
    data = said(by_hal.get("/briefing"))
    Briefing.model_validate(data)
    assert data["next_step"]["call"] == "GET /api/v1/teams/checkout/briefing?wait=60"
    said(by_vera.get("/briefing"))
    refused(stranger.get("/briefing"), 404, "team_not_found")
    refused(by_hal.get("/briefing?wait=61"), 422, "invalid")


def test_waiting_for_work_keeps_the_news(by_hal: Caller, cast: Cast) -> None:
    said(by_hal.get("/briefing"))
    tasks.create_task(cast.alice, "Bob's", owner="bob")
    response = by_hal.get("/briefing?wait=20")
    assert response["X-Wait"] == "empty"
    assert len(said(response)["changes"]) == 1
    tasks.create_task(cast.alice, "Free")
    response = by_hal.get("/briefing?wait=20")
    assert "X-Wait" not in response
    assert len(said(response)["changes"]) == 2
    assert said(by_hal.get("/briefing"))["changes"] == []


@pytest.mark.parametrize("name", ["alice", "bob", "vera", "hal", "iris"])
def test_everybody_can_be_briefed(call: Callable[[str], Caller], cast: Cast, name: str) -> None:
    fill(cast, 8)
    data = said(call(name).get("/briefing"))
    assert len(data["text"]) <= LONGEST


def test_a_card_that_waits_for_an_answer_is_not_begun(cast: Cast) -> None:
    tasks.create_task(cast.alice, "One", owner="hal")
    tasks.ask(cast.hal, 1, "Which one?")
    read_all(cast.hal)
    data = told(cast.hal)
    assert data["ready"][0]["line"] == "#1 One (yours; waits for an answer: Which one?)"
    assert data["next_step"]["action"] == "wait_for_events"


def test_what_a_member_left_behind_can_be_begun(cast: Cast) -> None:
    tasks.create_task(cast.alice, "One", owner="iris")
    assert told(cast.hal)["ready"] == []
    end_seat(cast.alice, "iris")
    assert suggested(cast.hal) == ("claim_task", 1)
