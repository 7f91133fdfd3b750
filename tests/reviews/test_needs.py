from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.messaging.actions import answer_permission, mark_read, send_message
from apps.reviews.actions import decide_plan, propose_plan, request_review
from apps.reviews.models import Plan
from apps.reviews.needs import needs_count, needs_of
from apps.reviews.scope import Scope
from apps.tasks.actions import answer, ask, complete_task, create_task
from apps.tasks.agenda import turn
from apps.tasks.models import Task
from apps.teams.actions import change_member, end_seat, transition_team
from apps.teams.models import Member, User
from tests.conftest import Cast, make_cast, person
from tests.reviews.conftest import MakeTask

Login = Callable[[str], Client]
HTMX = {"HX-Request": "true"}
STATES = ["forming", "paused", "completed", "archived", "disbanded"]


def kinds(user: User) -> list[str]:
    found = [need.kind for need in needs_of(Scope.of(user))]
    assert needs_count(user) == len(found)
    return found


@pytest.fixture
def alice_user(cast: Cast) -> User:
    return cast.people["alice"]


@pytest.fixture
def bob_user(cast: Cast) -> User:
    return cast.people["bob"]


def test_nothing_waits_for_strangers_or_at_the_start(cast: Cast, mallory: User) -> None:
    assert all(kinds(cast.people[name]) == [] for name in cast.people)
    assert kinds(mallory) == []


def test_a_plan_waits_for_whose_stage_it_is(cast: Cast, alice_user: User, bob_user: User) -> None:
    cast.team.approval_stages = ["leader", "review"]
    cast.team.save(update_fields=["approval_stages"])
    plan = propose_plan(cast.hal, "Split totals", "Why.", ["One"])
    own = propose_plan(cast.alice, "Her own", "Why.")
    assert kinds(alice_user) == ["plan"]
    assert kinds(bob_user) == []
    decide_plan(cast.alice, plan.pk, "approve", version=1)
    assert kinds(bob_user) == ["plan"]
    need = needs_of(Scope.of(bob_user))[0]
    assert (need.key, need.title) == (f"plan-{plan.pk}", "Plan: Split totals")
    assert own.is_pending


def test_a_review_waits_for_the_reviewer_or_for_anybody(
    cast: Cast, done: MakeTask, alice_user: User, bob_user: User
) -> None:
    request_review(cast.hal, done("One").number, "bob")
    assert (kinds(alice_user), kinds(bob_user)) == ([], ["review"])
    Task.objects.update(reviewer=None)
    assert (kinds(alice_user), kinds(bob_user)) == (["review"], ["review"])
    Task.objects.update(owner=cast.bob)
    assert (kinds(alice_user), kinds(bob_user)) == (["review"], [])
    assert kinds(cast.people["vera"]) == []


def test_late_and_orphaned_reviews_wait_for_the_leader(
    cast: Cast, done: MakeTask, alice_user: User
) -> None:
    request_review(cast.hal, done().number, "iris")
    cast.team.review_sla_minutes = 30
    cast.team.save(update_fields=["review_sla_minutes"])
    assert kinds(alice_user) == []
    Task.objects.update(review_requested_at=timezone.now() - timedelta(minutes=40))
    assert kinds(alice_user) == ["replace"]
    assert needs_of(Scope.of(alice_user))[0].level == "late"
    Task.objects.update(review_requested_at=timezone.now() - timedelta(minutes=1))
    assert kinds(alice_user) == []
    Member.objects.filter(pk=cast.iris.pk).update(terminated_at=timezone.now())
    assert kinds(alice_user) == ["replace"]


@pytest.mark.parametrize("why", ["observer", "denied", "owner"])
def test_a_reviewer_who_cannot_review_is_the_leaders_care(
    why: str, cast: Cast, done: MakeTask, login: Login
) -> None:
    task = done()
    request_review(cast.hal, task.number, "bob")
    assert kinds(cast.people["alice"]) == []
    bob, cards = Member.objects.filter(pk=cast.bob.pk), Task.objects.filter(pk=task.pk)
    changes = {
        "observer": lambda: bob.update(role="observer"),
        "denied": lambda: bob.update(denied=["review"]),
        "owner": lambda: cards.update(owner=cast.bob),
    }
    changes[why]()
    assert kinds(cast.people["alice"]) == ["replace"]
    (need,) = needs_of(Scope.of(cast.people["alice"]))
    page = login("alice").get("/", {"item": need.key}).text
    reason = "self_review" if why == "owner" else "reviewer_gone"
    assert f'data-reason="{reason}"' in page
    assert "alice would review it next" in page


def test_ones_own_card_that_nobody_can_review_is_the_leaders_care(
    cast: Cast, running: MakeTask, login: Login
) -> None:
    end_seat(cast.alice, "bob")
    for agent in ("hal", "iris"):
        change_member(cast.alice, agent, denied=["review"])
    task = running("Mine", cast.alice)
    complete_task(cast.alice, task.number)
    assert request_review(cast.alice, task.number).reviewer is None
    assert kinds(cast.people["alice"]) == ["replace"]
    page = login("alice").get("/").text
    assert 'data-reason="no_reviewer"' in page
    assert "Nobody here can review it: give another member that right, or seat one." in page
    assert "nobody can review it" in page
    change_member(cast.alice, "iris", denied=[])
    assert "iris would review it next" in login("alice").get("/").text


def test_the_list_agrees_with_whose_turn_it_is(
    cast: Cast, done: MakeTask, running: MakeTask
) -> None:
    fill(cast, done, running)
    request_review(cast.hal, done("Orphaned").number, "bob")
    end_seat(cast.alice, "bob")
    request_review(cast.hal, done("Went on").number, "iris")
    Task.objects.filter(subject="Went on").update(status="in_progress", completed_at=None)
    actions = {
        "review": "review", "replace": "replace_reviewer", "question": "answer",
        "stalled": "release", "conflict": "resolve",
    }  # fmt: skip
    needs = needs_of(Scope.of(cast.people["alice"]))
    cards = [need for need in needs if isinstance(need.thing, Task)]
    assert {need.kind for need in cards} == actions.keys()
    for need in cards:
        card = Task.objects.with_people().select_related("team").get(pk=need.thing.pk)
        assert turn(card).action == actions[need.kind]


def test_questions_wait_for_who_answers(
    cast: Cast, running: MakeTask, alice_user: User, bob_user: User
) -> None:
    lead, human = running("One"), running("Two", cast.iris)
    ask(cast.hal, lead.number, "Which?", of="lead")
    assert (kinds(alice_user), kinds(bob_user)) == (["question"], [])
    ask(cast.iris, human.number, "May I?", of="human")
    assert (kinds(alice_user), kinds(bob_user)) == (["question", "question"], ["question"])
    answer(cast.alice, lead.number, "This.")
    assert kinds(alice_user) == ["question"]
    mine = running("Three", cast.bob)
    ask(cast.bob, mine.number, "Can somebody?", of="human")
    assert kinds(bob_user) == ["question"]


def test_silent_and_conflicting_work(
    cast: Cast, running: MakeTask, done: MakeTask, alice_user: User
) -> None:
    task = running("One")
    Task.objects.filter(pk=task.pk).update(stalled_at=timezone.now())
    assert kinds(alice_user) == ["stalled"]
    other = done("Two")
    request_review(cast.hal, other.number, "bob")
    Task.objects.filter(pk=other.pk).update(status="in_progress", completed_at=None)
    assert sorted(kinds(alice_user)) == ["conflict", "stalled"]
    assert kinds(cast.people["vera"]) == []


def test_mentions_and_permissions_until_they_are_read_or_answered(
    cast: Cast, alice_user: User
) -> None:
    mention = send_message(cast.hal, to=["bob"], cc=["alice"], body="@alice look at this.")
    assert kinds(alice_user) == ["mention"]
    mark_read(cast.alice, [mention.pk])
    assert kinds(alice_user) == []
    asked = send_message(
        cast.hal,
        to=["alice"],
        kind="permission_request",
        payload={"request_id": "7", "tool_name": "Bash"},
    )
    assert kinds(alice_user) == ["permission"]
    mark_read(cast.alice, [asked.pk])
    assert kinds(alice_user) == ["permission"]
    send_message(
        cast.alice,
        to=["hal"],
        kind="permission_response",
        payload={"request_id": "7", "approve": True},
        reply_to=asked.pk,
    )
    assert kinds(alice_user) == []


@pytest.mark.parametrize("word", ["yes", "no"])
def test_a_permission_is_answered_in_place(word: str, cast: Cast, login: Login) -> None:
    asked = send_message(
        cast.hal, to=["alice"], kind="permission_request",
        payload={"request_id": "7", "tool_name": "Bash", "input": {"command": "make clean"},
                 "description": "Start from nothing."},
    )  # fmt: skip
    client = login("alice")
    (need,) = needs_of(Scope.of(cast.people["alice"]))
    address = f"/teams/checkout/messages/{asked.pk}/answer/"
    page = client.get("/", {"item": need.key}).text
    assert f'hx-post="{address}"' in page
    assert "make clean</dd>" in page
    assert "Start from nothing." in page
    sent = {"answer": word, "note": "Read only.", "next": "/"}
    assert client.get(address, sent).status_code == 405
    assert client.post(address, sent).headers["Location"] == "/"
    assert kinds(cast.people["alice"]) == []
    reply = asked.replies.get()
    assert (reply.kind, reply.payload["approve"]) == ("permission_response", word == "yes")
    assert client.post(address, sent).status_code == 409
    assert asked.replies.count() == 1


def test_what_one_allowed_no_longer_waits_for_the_others(cast: Cast, alice_user: User) -> None:
    asked = send_message(
        cast.hal, to=["alice", "bob"], kind="permission_request",
        payload={"request_id": "7", "tool_name": "Bash"},
    )  # fmt: skip
    assert kinds(alice_user) == ["permission"]
    answer_permission(cast.bob, asked.pk, approve=True)
    assert kinds(alice_user) == []


def test_nobody_answers_who_has_left(cast: Cast, alice_user: User) -> None:
    payload = {"request_id": "7", "tool_name": "Bash"}
    send_message(cast.hal, to=["alice"], kind="permission_request", payload=payload)
    assert kinds(alice_user) == ["permission"]
    end_seat(cast.alice, "hal")
    assert "permission" not in kinds(alice_user)


def test_the_oldest_comes_first_over_all_teams(cast: Cast, alice_user: User) -> None:
    other = make_cast("docs")
    first = propose_plan(other.hal, "Old", "Why.")
    second = propose_plan(cast.hal, "New", "Why.")
    Plan.objects.filter(pk=first.pk).update(submitted_at=timezone.now() - timedelta(hours=1))
    assert [need.thing for need in needs_of(Scope.of(alice_user))] == [first, second]


@pytest.mark.parametrize("state", STATES)
def test_teams_at_rest_need_only_what_can_be_settled(
    state: str, cast: Cast, done: MakeTask, alice_user: User
) -> None:
    propose_plan(cast.hal, "Split", "Why.")
    request_review(cast.hal, done().number, "alice")
    type(cast.team).objects.filter(pk=cast.team.pk).update(state=state)
    assert sorted(kinds(alice_user)) == (["plan", "review"] if state == "paused" else [])


def test_levels(cast: Cast, alice_user: User) -> None:
    cast.team.review_sla_minutes = 60
    cast.team.save(update_fields=["review_sla_minutes"])
    propose_plan(cast.hal, "Split", "Why.")
    for minutes, level in ((10, ""), (35, "soon"), (61, "late")):
        Plan.objects.update(submitted_at=timezone.now() - timedelta(minutes=minutes))
        assert needs_of(Scope.of(alice_user))[0].level == level


def fill(cast: Cast, done: MakeTask, running: MakeTask) -> None:
    propose_plan(cast.hal, "Split totals", "Why.", ["One"])
    request_review(cast.hal, done("To review").number, "alice")
    ask(cast.hal, running("To answer").number, "Which one?", of="human")
    send_message(cast.hal, to=["alice"], body="@alice look.")
    stalled = running("Silent")
    Task.objects.filter(pk=stalled.pk).update(stalled_at=timezone.now())


def test_the_page_shows_each_kind_with_what_settles_it(
    cast: Cast, done: MakeTask, running: MakeTask, login: Login
) -> None:
    fill(cast, done, running)
    client = login("alice")
    words = {
        "plan": 'value="approve"',
        "review": "Request changes",
        "question": "Which one?",
        "stalled": "Release",
        "mention": "mention",
    }
    needs = needs_of(Scope.of(cast.people["alice"]))
    assert {need.kind for need in needs} == words.keys()
    for need in needs:
        page = client.get("/", {"item": need.key}).text
        assert page.count('aria-current="true"') >= 1
        assert words[need.kind] in page
        part = client.get(
            "/", {"item": need.key}, headers={"HX-Request": "true", "HX-Target": "need"}
        ).text
        assert part.lstrip().startswith("<section")
        assert words[need.kind] in part
    assert "5 waiting" in client.get("/").text


def test_what_was_settled_meanwhile_says_so(cast: Cast, login: Login) -> None:
    plan = propose_plan(cast.hal, "Split totals", "Why.")
    decide_plan(cast.alice, plan.pk, "approve", version=1)
    page = login("alice").get("/", {"item": f"plan-{plan.pk}"}).text
    assert "no longer waits" in page
    assert "Nothing waits for you" in page


def test_another_persons_need_is_not_shown(cast: Cast, login: Login) -> None:
    plan = propose_plan(cast.hal, "Split totals", "Why.")
    for name in ("bob", "mallory"):
        page = login(name).get("/", {"item": f"plan-{plan.pk}"}).text
        assert "Split totals" not in page


def test_settling_from_the_page_comes_back_to_it(cast: Cast, login: Login) -> None:
    plan = propose_plan(cast.hal, "Split totals", "Why.")
    client = login("alice")
    values = {"decision": "approve", "version": 1, "stage": 0, "from": "needs", "next": "/"}
    address = f"/teams/checkout/plans/{plan.pk}/decide/"
    assert client.post(address, values).headers["Location"] == "/"
    plan = propose_plan(cast.hal, "Another", "Why.")
    address = f"/teams/checkout/plans/{plan.pk}/decide/"
    assert client.post(address, values, headers={"HX-Request": "true"}).status_code == 204


def test_a_newcomer_is_told_what_to_do(db: None) -> None:
    client = Client()
    client.force_login(person("nora"))
    page = client.get("/").text
    assert "Create a team" in page
    cast = make_cast("checkout", active=False)
    client.force_login(cast.people["alice"])
    page = client.get("/").text
    assert "Activate the team" in page
    transition_team(cast.alice, "active")
    create_task(cast.alice, "First")
    assert "first-steps" not in client.get("/").text
    client.force_login(cast.people["bob"])
    assert "first-steps" not in client.get("/").text


def test_the_page_needs_an_account(db: None) -> None:
    assert Client().get("/").status_code == 302
    assert Client().get("/digest/").status_code == 302


def test_the_digest_tells_what_others_did(cast: Cast, done: MakeTask, login: Login) -> None:
    client = login("alice")
    client.post("/digest/seen/")
    assert "Checkout" not in client.get("/digest/", headers=HTMX).text
    done()
    text = client.get("/digest/", headers=HTMX).text
    assert "Checkout" in text
    assert "</b> completed" in text
    assert "created" not in text
    propose_plan(cast.hal, "One", "Why.")
    assert '<b class="num">1</b> plan submitted' in client.get("/digest/", headers=HTMX).text
    propose_plan(cast.hal, "Two", "Why.")
    assert '<b class="num">2</b> plans submitted' in client.get("/digest/", headers=HTMX).text
    assert client.get("/digest/seen/").status_code == 405
    assert client.post("/digest/seen/").headers["Location"] == "/"
    assert "Checkout" not in client.get("/digest/", headers=HTMX).text


def test_queries_do_not_grow(cast: Cast, done: MakeTask, running: MakeTask, login: Login) -> None:
    fill(cast, done, running)
    client = login("alice")
    keys = [need.key for need in needs_of(Scope.of(cast.people["alice"]))]
    few = [_queries(client, key) for key in keys]
    for index in range(4):
        other = make_cast(f"other-{index}")
        propose_plan(other.hal, "Split totals", "Why.", ["One"])
        for number in range(3):
            task = create_task(other.alice, f"Card {number}")
            Task.objects.filter(pk=task.pk).update(
                needs_input="human", question="?", asked_at=timezone.now()
            )
    many = [_queries(client, key) for key in keys]
    assert few == many
    assert max(many) <= 32


def _queries(client: Client, key: str) -> int:
    client.get("/", {"item": key})
    with CaptureQueriesContext(connection) as taken:
        client.get("/", {"item": key})
    return len(taken)


def test_the_count_is_cheap(cast: Cast, alice_user: User) -> None:
    with CaptureQueriesContext(connection) as taken:
        needs_count(alice_user)
    assert len(taken) <= 8
