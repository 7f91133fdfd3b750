from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from apps.messaging.models import Message
from apps.reviews.actions import (
    create_plan,
    decide_plan,
    propose_plan,
    request_review,
    revise_plan,
    withdraw_plan,
)
from apps.reviews.desk import Desk
from apps.reviews.models import Plan, PlanDecision
from apps.tasks.actions import claim_task, create_task
from apps.teams.models import Event, Member, Team, User
from tests.conftest import Cast, make_cast, person
from tests.reviews.conftest import MakeTask

LIST = "admin:reviews_plan_changelist"
CHANGE = "admin:reviews_plan_change"
DECIDE = "admin:reviews_plan_decide"


@pytest.fixture
def sam(cast: Cast) -> User:
    """A staff user with the right to decide and a seat nowhere."""
    user = person("sam")
    user.is_staff = True
    user.save(update_fields=["is_staff"])
    user.user_permissions.add(Permission.objects.get(codename="decide_plan"))
    return User.objects.get(pk=user.pk)


@pytest.fixture
def desk(sam: User) -> Client:
    client = Client()
    client.force_login(sam)
    return client


def propose(cast: Cast, title: str = "Split totals", *, minutes: int = 0) -> Plan:
    plan = propose_plan(cast.hal, title, "Because **slow**.", ["Measure", "Cache"])
    moment = timezone.now() - timedelta(minutes=minutes)
    Plan.objects.filter(pk=plan.pk).update(submitted_at=moment)
    plan.refresh_from_db()
    return plan


def change(plan: Plan) -> str:
    return reverse(CHANGE, args=[plan.pk])


def decide(client: Client, plan: Plan, decision: str = "approve", **values: object) -> str:
    """Decide in the desk; the address it leads to."""
    sent = {"decision": decision, "version": plan.version, "stage": plan.stage, **values}
    answer = client.post(reverse(DECIDE, args=[plan.pk]), sent)
    assert answer.status_code == 302
    return str(answer.headers["Location"])


def said(client: Client, address: str) -> str:
    return client.get(address).text


def test_the_queue_is_the_oldest_first(cast: Cast, desk: Client) -> None:
    propose(cast, "Younger", minutes=5)
    propose(cast, "Older", minutes=50)
    create_plan(cast.hal, "A draft", "Later.")
    page = desk.get(reverse(LIST)).text
    assert page.index("Older") < page.index("Younger")
    assert "A draft" not in page
    assert "50 min" in page
    assert 'class="desk-me"' in page
    assert "the longest waiting first" in page
    assert "the longest waiting first" not in desk.get(reverse(LIST), {"queue": "every"}).text


def test_filters_and_search(cast: Cast, desk: Client) -> None:
    waiting, decided = propose(cast, "Waiting one"), propose(cast, "Decided one")
    decide_plan(cast.alice, decided.pk, "reject", version=1)
    cast.team.approval_stages = ["leader", "staff"]
    cast.team.save(update_fields=["approval_stages"])
    propose(cast, "Not mine yet")

    def shown(query: str) -> set[str]:
        page = desk.get(reverse(LIST) + query).text
        return {t for t in ("Waiting one", "Decided one", "Not mine yet") if t in page}

    assert shown("") == {"Waiting one", "Not mine yet"}
    assert shown("?queue=mine") == {"Waiting one"}
    assert shown("?queue=rejected") == {"Decided one"}
    assert shown("?queue=every") == {"Waiting one", "Decided one", "Not mine yet"}
    assert shown("?q=Waiting") == {"Waiting one"}
    assert shown(f"?team={cast.team.pk}") == {"Waiting one", "Not mine yet"}
    assert shown("?team=0") == set()
    assert "opens the first" in said(desk, reverse(LIST))
    assert "opens the first" not in said(desk, reverse(LIST) + "?team=0")
    assert waiting.is_pending


def test_what_is_mine_agrees_with_who_may_decide(cast: Cast, sam: User) -> None:
    for stages in (
        ["leader"],
        ["staff"],
        ["leader", "staff"],
        ["review"],
        ["decide_plans", "staff"],
    ):
        cast.team.approval_stages = stages
        cast.team.save(update_fields=["approval_stages"])
        propose(cast, stages)
    for user in (sam, cast.people["alice"], cast.people["bob"], cast.people["vera"]):
        desk = Desk(User.objects.get(pk=user.pk))
        one_by_one = {p.pk for p in Plan.objects.pending() if desk.may_decide(p)}
        assert {p.pk for p in desk.needs_me()} == one_by_one
    assert len(Desk(sam).needs_me()) == 3


def test_a_staff_user_is_seated_and_decides_and_goes_on(
    cast: Cast, sam: User, desk: Client
) -> None:
    first, second = propose(cast, "First", minutes=9), propose(cast, "Second")
    start = Team.objects.get(pk=cast.team.pk).seq
    assert decide(desk, first, "reject", note="Not now.") == change(second)
    seat = Member.objects.get(team=cast.team, user=sam)
    assert (seat.role, seat.granted) == ("observer", ["decide_plans"])
    assert seat.presence() == "active"
    kinds = Event.objects.filter(team=cast.team, seq__gt=start).order_by("seq")
    assert [event.kind for event in kinds] == ["member.joined", "plan.rejected", "message.sent"]
    told = Message.objects.get(kind="plan_approval_response")
    assert told.sender == seat
    assert told.payload is not None
    assert told.payload["feedback"] == "Not now."
    assert decide(desk, second) == reverse(LIST)
    assert "Second: approved." in said(desk, reverse(LIST))


def test_the_page_has_everything_to_decide(cast: Cast, desk: Client) -> None:
    create_task(cast.alice, "His open task", owner="hal")
    plan = propose(cast)
    decide_plan(cast.alice, plan.pk, "reject", version=1, note="No cache.")
    revise_plan(cast.hal, plan.pk, steps=["Measure", "Prefetch"])
    page = desk.get(change(plan)).text
    assert "<strong>slow</strong>" in page
    assert "<del>Cache</del> <ins>Prefetch</ins>" in page
    assert "No cache." in page
    assert "His open task" in page
    assert 'value="approve"' in page
    assert desk.get(change(plan) + "?v=" + "9" * 5000).status_code == 404
    old = desk.get(change(plan) + "?v=1").text
    assert "earlier version" in old
    assert 'value="approve"' not in old


def test_reading_changes_nothing(cast: Cast, sam: User, desk: Client) -> None:
    plan = propose(cast)
    seq = Team.objects.get(pk=cast.team.pk).seq
    for address in (
        reverse(LIST),
        change(plan),
        reverse("admin:reviews_plan_state", args=[plan.pk]),
        reverse("admin:reviews_plan_queue"),
    ):
        assert desk.get(address).status_code == 200
    assert desk.get(reverse(DECIDE, args=[plan.pk])).status_code == 405
    assert desk.post(change(plan), {"decision": "approve"}).status_code == 403
    assert Team.objects.get(pk=cast.team.pk).seq == seq
    assert not Member.objects.filter(user=sam).exists()


def refused(desk: Client, sam: User, plan: Plan, words: str, **values: object) -> None:
    """The decision is refused with these words, and nobody is seated for it."""
    before = PlanDecision.objects.count(), Message.objects.count()
    assert decide(desk, plan, **values) == change(plan)
    assert words in said(desk, change(plan))
    assert (PlanDecision.objects.count(), Message.objects.count()) == before
    assert not Member.objects.filter(user=sam).exists()


def test_refusals_tell_the_reason(cast: Cast, sam: User, desk: Client) -> None:
    plan = propose(cast)
    refused(desk, sam, plan, "approve", decision="maybe")
    refused(desk, sam, plan, "Version 4 does not exist", version=4)
    refused(desk, sam, plan, "waits for a leader", stage=1)
    decide_plan(cast.alice, plan.pk, "approve", version=1)
    refused(desk, sam, plan, "alice has already approved this plan")
    withdrawn = propose(cast, "Withdrawn")
    withdraw_plan(cast.hal, withdrawn.pk)
    refused(desk, sam, withdrawn, "waits for no decision")
    cast.team.approval_stages = ["leader", "staff"]
    cast.team.save(update_fields=["approval_stages"])
    refused(desk, sam, propose(cast, "Later mine"), "not your stage")
    archived = propose(cast, "Archived")
    Team.objects.update(state="archived")
    refused(desk, sam, archived, "The team is archived")


def test_a_superseded_stage_names_who_was_first(cast: Cast, desk: Client) -> None:
    cast.team.approval_stages = ["leader", "staff"]
    cast.team.save(update_fields=["approval_stages"])
    plan = propose(cast)
    decide_plan(cast.alice, plan.pk, "approve", version=1)
    assert decide(desk, plan, stage=0) == change(plan)
    assert "alice has already approved it as leader" in said(desk, change(plan))
    plan.refresh_from_db()
    decide(desk, plan)
    assert Plan.objects.get(pk=plan.pk).state == "approved"


def test_ones_own_plan(cast: Cast) -> None:
    user = cast.people["alice"]
    user.is_staff = user.is_superuser = True
    user.save(update_fields=["is_staff", "is_superuser"])
    client = Client()
    client.force_login(user)
    plan = propose_plan(cast.alice, "Her own", "Why.")
    assert 'value="approve"' not in client.get(change(plan)).text
    decide(client, plan)
    assert "your own plan" in said(client, change(plan))
    assert not PlanDecision.objects.exists()


def test_unknown_plans_and_drafts(cast: Cast, desk: Client) -> None:
    draft = create_plan(cast.hal, "A draft", "Later.")
    for number in (9_999, draft.pk):
        assert desk.get(reverse(CHANGE, args=[number])).status_code == 404
        sent = {"decision": "approve", "version": 1}
        assert desk.post(reverse(DECIDE, args=[number]), sent).status_code == 404
        assert desk.get(reverse("admin:reviews_plan_state", args=[number])).status_code == 404


@pytest.mark.parametrize("key", ["9" * 25, "abc", "²", "-1", ""])
def test_keys_that_are_none(key: str, cast: Cast, desk: Client) -> None:
    plan = propose(cast)
    assert desk.get(reverse(LIST), {"team": key}).status_code == 200
    assert desk.get(reverse(LIST) + (key or "0") + "/change/").status_code == 404
    shown = desk.get(change(plan), {"v": key}).status_code
    assert shown == (404 if key == "9" * 25 else 200)
    values = {"action": "approve_selected", "_selected_action": [key], "seen": [f"{key}:1:0"]}
    assert desk.post(reverse(LIST), values).status_code == 400
    assert not PlanDecision.objects.exists()


@pytest.mark.parametrize("kind", ["anonymous", "member", "staff"])
def test_only_with_the_right(kind: str, cast: Cast) -> None:
    plan = propose(cast)
    client = Client()
    if kind != "anonymous":
        user = person("pat")
        user.is_staff = kind == "staff"
        user.save(update_fields=["is_staff"])
        client.force_login(user)
    sent = {"decision": "approve", "version": 1, "stage": 0}
    for answer in (
        client.get(reverse(LIST)),
        client.get(change(plan)),
        client.get(reverse("admin:reviews_plan_queue")),
        client.get(reverse("admin:reviews_plan_state", args=[plan.pk])),
        client.post(reverse(DECIDE, args=[plan.pk]), sent),
    ):
        assert answer.status_code in (302, 403)
    assert not PlanDecision.objects.exists()


def bulk(client: Client, word: str, plans: list[Plan], note: str = "") -> str:
    values = {
        "action": f"{word}_selected",
        "_selected_action": [plan.pk for plan in plans],
        "seen": [f"{plan.pk}:{plan.version}:{plan.stage}" for plan in plans],
        "note": note,
    }
    return client.post(reverse(LIST), values, follow=True).text


def test_a_bulk_decides_each_on_its_own(cast: Cast, sam: User, desk: Client) -> None:
    other = make_cast("docs")
    plans = [propose(cast, "One"), propose(other, "Two"), propose(cast, "Three")]
    taken = propose(cast, "Taken")
    revised = propose(cast, "Revised")
    decide_plan(cast.alice, taken.pk, "approve", version=1)
    revise_plan(cast.hal, revised.pk, body="Another text.")
    page = bulk(desk, "reject", [*plans, taken, revised], note="Budget is spent.")
    assert "3 plans rejected." in page
    assert "Taken: alice has already approved this plan." in page
    assert "Revised: Version 1 was superseded" in page
    for plan in plans:
        plan.refresh_from_db()
        assert plan.state == "rejected"
        assert plan.current.decisions.get().note == "Budget is spent."
    assert Plan.objects.get(pk=revised.pk).is_pending
    assert Member.objects.filter(user=sam).count() == 2
    assert Plan.objects.get(pk=taken.pk).state == "approved"


@pytest.mark.parametrize("note", ["a\0b", "x" * 4_001])
def test_a_bulk_with_a_wrong_note_decides_nothing(note: str, cast: Cast, desk: Client) -> None:
    plan = propose(cast)
    assert "plan approved" not in bulk(desk, "approve", [plan], note=note)
    assert not PlanDecision.objects.exists()
    assert decide(desk, plan, note=note) == change(plan)
    assert not PlanDecision.objects.exists()


def test_a_bulk_of_what_left_the_list_says_why(cast: Cast, sam: User, desk: Client) -> None:
    taken, archived = propose(cast, "Taken"), propose(make_cast("docs"), "Archived")
    draft = create_plan(cast.hal, "A draft", "Later.")
    decide_plan(cast.alice, taken.pk, "approve", version=1)
    Team.objects.filter(pk=archived.team_id).update(state="archived")
    events = Event.objects.count()
    page = bulk(desk, "approve", [taken, archived, draft])
    assert "Taken: alice has already approved this plan." in page
    assert "Archived: The team is archived" in page
    assert "A draft" not in page
    assert Event.objects.count() == events
    assert not Member.objects.filter(user=sam).exists()


def test_a_bulk_approves(cast: Cast, desk: Client) -> None:
    assert "1 plan approved." in bulk(desk, "approve", [propose(cast)])


def test_open_pages_hear_of_decisions(cast: Cast, desk: Client) -> None:
    plan = propose(cast)
    address = reverse("admin:reviews_plan_state", args=[plan.pk])
    queue = reverse("admin:reviews_plan_queue")
    before, listed = desk.get(address).json(), desk.get(queue).json()
    assert before["mark"] in desk.get(change(plan)).text
    assert f'data-mark="{listed["mark"]}"' in desk.get(reverse(LIST)).text
    decide_plan(cast.alice, plan.pk, "reject", version=1)
    after = desk.get(address).json()
    assert after["mark"] != before["mark"]
    assert after["says"] == "alice has just rejected this plan."
    assert desk.get(queue).json()["mark"] != listed["mark"]
    revise_plan(cast.hal, plan.pk, body="Other.")
    assert "handed in version 2" in desk.get(address).json()["says"]
    waiting = desk.get(queue).json()
    Team.objects.update(state="archived")
    assert desk.get(queue).json() != waiting


@pytest.mark.parametrize("number", [1, 30])
def test_the_queue_costs_the_same_however_long(number: int, cast: Cast, desk: Client) -> None:
    casts = [cast, *(make_cast(f"team-{index}") for index in range(3))]
    for index in range(number):
        propose(casts[index % 4], f"Plan {index}")
    for query in ("", "?queue=mine"):
        with CaptureQueriesContext(connection) as taken:
            desk.get(reverse(LIST) + query)
        assert len(taken) <= 12, [q["sql"] for q in taken.captured_queries]


def test_reviews_and_cards_are_listed(cast: Cast, done: MakeTask) -> None:
    request_review(cast.hal, done("A reviewed card").number)
    user = person("root")
    user.is_staff = user.is_superuser = True
    user.save(update_fields=["is_staff", "is_superuser"])
    client = Client()
    client.force_login(user)
    for name in ("reviews_review", "tasks_task"):
        address = reverse(f"admin:{name}_changelist")
        assert "A reviewed card" in client.get(address).text
        assert client.get(reverse(f"admin:{name}_add")).status_code == 403


def test_pages_run_under_the_policy(cast: Cast, desk: Client) -> None:
    plan = propose(cast)
    for address in (reverse(LIST), change(plan)):
        answer = desk.get(address)
        assert answer.headers["Content-Security-Policy"] == "default-src 'self'"
        assert "<script>" not in answer.text
        assert " style=" not in answer.text
        assert " onclick=" not in answer.text


def test_the_desk_says_whose_task_it_is_by_now(cast: Cast, desk: Client) -> None:
    task = create_task(cast.alice, "Contract tests")
    plan = propose_plan(cast.hal, "Split totals", "Because.", task=task.number)
    state = reverse("admin:reviews_plan_state", args=[plan.pk])
    queue = reverse("admin:reviews_plan_queue")
    before = desk.get(state).json(), desk.get(queue).json()
    assert before[0]["taken"] == ""
    claim_task(cast.iris, task.number)
    taken = f"#{task.number} is now worked on by iris"
    assert taken in said(desk, reverse(LIST))
    assert taken in said(desk, change(plan))
    assert desk.get(state).json() == {**before[0], "taken": taken}
    assert desk.get(queue).json() != before[1]
    decide(desk, plan, "reject")
    assert taken not in said(desk, change(plan))
