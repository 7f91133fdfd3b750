from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.core.errors import Conflict
from apps.reviews.actions import create_plan, decide_plan, propose_plan, request_review
from apps.reviews.models import Plan, PlanDecision, PlanStep
from apps.reviews.urls import VERBS
from apps.tasks.actions import claim_task, complete_task, create_task
from apps.tasks.models import Task
from apps.teams.actions import change_member
from apps.teams.models import Member, Team
from tests.conftest import Cast
from tests.reviews.conftest import MakeTask

Login = Callable[[str], Client]
HTMX = {"HX-Request": "true"}
NEEDS_ME = '<span class="badge badge-bad">Needs me</span>'
STEPS = ["Measure", {"title": "Cache", "detail": "For an hour."}]


def url(name: str, cast: Cast, *args: object) -> str:
    return reverse(name, args=[cast.team.slug, *args])


def pending(cast: Cast, author: Member | None = None, task: int | None = None) -> Plan:
    return propose_plan(author or cast.hal, "Split totals", "Because **slow**.", STEPS, task=task)


def test_a_drop_on_review_requests_one_and_places_the_card(
    cast: Cast, done: MakeTask, login: Login
) -> None:
    first, second = done("One"), done("Two")
    request_review(cast.hal, first.number)
    client = login("alice")
    answer = client.post(
        url("task_request_review", cast, second.number), {"after": first.number}, headers=HTMX
    )
    assert answer.status_code == 200
    assert f'id="card-{second.number}"' in answer.text
    assert "hx-swap-oob" in answer.text
    places = dict(Task.objects.in_column("review").values_list("number", "position"))
    assert places[second.number] > places[first.number]


@pytest.mark.parametrize("field", ["note", "text"])
def test_the_text_of_changes(field: str, cast: Cast, done: MakeTask, login: Login) -> None:
    task = done()
    request_review(cast.hal, task.number)
    answer = login("alice").post(
        url("task_request_changes", cast, task.number), {field: "More tests."}
    )
    assert answer.status_code == 302
    assert task.reviews.get().note == "More tests."
    assert Task.objects.get(pk=task.pk).review_state == "needs_fix"


@pytest.mark.parametrize("verb", VERBS)
def test_verbs_refuse_get_strangers_and_observers(
    verb: str, cast: Cast, done: MakeTask, login: Login
) -> None:
    task = done()
    request_review(cast.hal, task.number)
    address = url(f"task_{verb.replace('-', '_')}", cast, task.number)
    assert login("alice").get(address).status_code == 405
    assert login("mallory").post(address).status_code == 404
    assert Client().post(address).status_code == 302
    assert login("vera").post(address).status_code == 403
    assert Task.objects.get(pk=task.pk).review_state == "review"


def test_a_refused_move_is_a_toast(cast: Cast, running: MakeTask, login: Login) -> None:
    task = running()
    answer = login("alice").post(url("task_approve", cast, task.number), headers=HTMX)
    assert answer.status_code == 409
    assert answer.headers["HX-Retarget"] == "#toasts"
    assert f"#{task.number}" in answer.text


def test_replacing_and_resolving_by_page(cast: Cast, done: MakeTask, login: Login) -> None:
    task = done()
    request_review(cast.hal, task.number, "bob")
    client = login("alice")
    client.post(url("task_replace_reviewer", cast, task.number), {"reviewer": "iris"})
    assert Task.objects.get(pk=task.pk).reviewer == cast.iris
    Task.objects.filter(pk=task.pk).update(status="in_progress", completed_at=None)
    client.post(url("task_resolve_conflict", cast, task.number))
    assert Task.objects.get(pk=task.pk).column == "in_progress"


def test_the_page_of_a_card_tells_its_reviews(cast: Cast, done: MakeTask, login: Login) -> None:
    task = done()
    client = login("alice")
    page = client.get(url("task", cast, task.number)).text
    assert "alice (next)" in page
    request_review(cast.hal, task.number, "bob")
    page = client.get(url("task", cast, task.number)).text
    assert "bob was asked to review it" in page
    assert "Replace bob" in page


def test_plans_are_listed(cast: Cast, login: Login) -> None:
    pending(cast)
    create_plan(cast.iris, "Secret draft", "Later.")
    page = login("alice").get(url("plans", cast)).text
    assert "Split totals" in page
    assert NEEDS_ME in page
    assert "Secret draft" not in page
    assert NEEDS_ME not in login("bob").get(url("plans", cast)).text
    assert login("mallory").get(url("plans", cast)).status_code == 404
    assert "Split totals" not in login("alice").get(url("plans", cast) + "?state=approved").text


def test_lists_cost_the_same_however_long(cast: Cast, login: Login) -> None:
    client = login("alice")
    counts = []
    for number in (1, 12):
        for index in range(number):
            pending(cast, cast.hal if index % 2 else cast.iris)
        client.get(url("plans", cast))
        with CaptureQueriesContext(connection) as taken:
            client.get(url("plans", cast))
        counts.append(len(taken))
    assert counts[0] == counts[1] <= 20


def test_the_short_address_of_a_plan_leads_to_its_team(cast: Cast, login: Login) -> None:
    short = f"/plans/{pending(cast).pk}/"
    assert login("alice").get(short).url == url("plan", cast, int(short.split("/")[2]))
    assert login("mallory").get(short).status_code == 404
    assert login("alice").get("/plans/999999/").status_code == 404


def test_a_plan_is_decided_on_its_page(cast: Cast, login: Login) -> None:
    plan = pending(cast)
    client = login("alice")
    page = client.get(url("plan", cast, plan.pk)).text
    assert "<strong>slow</strong>" in page
    assert 'value="approve"' in page
    assert 'value="approve"' not in login("bob").get(url("plan", cast, plan.pk)).text
    answer = client.post(
        url("plan_decide", cast, plan.pk),
        {"decision": "reject", "version": 1, "stage": 0, "note": "No cache."},
        headers=HTMX,
    )
    assert answer.status_code == 200
    assert "Rejected by" in answer.text
    assert "No cache." in answer.text
    assert PlanDecision.objects.get().member == cast.alice


def test_what_a_page_shows_late_is_refused_with_the_first(cast: Cast, login: Login) -> None:
    plan = pending(cast)
    Member.objects.filter(pk=cast.bob.pk).update(role="leader")
    decide_plan(cast.alice, plan.pk, "approve", version=1)
    answer = login("bob").post(
        url("plan_decide", cast, plan.pk),
        {"decision": "reject", "version": 1, "stage": 0},
        headers=HTMX,
    )
    assert answer.status_code == 409
    assert "alice has already approved" in answer.text
    assert PlanDecision.objects.count() == 1


@pytest.mark.parametrize(
    ("person", "values", "status"),
    [
        ("alice", {"decision": "maybe", "version": 1}, 422),
        ("alice", {"decision": "approve"}, 422),
        ("alice", {"decision": "approve", "version": 7}, 409),
        ("alice", {"decision": "approve", "version": 1, "stage": 3}, 409),
        ("bob", {"decision": "approve", "version": 1}, 403),
        ("vera", {"decision": "approve", "version": 1}, 403),
        ("mallory", {"decision": "approve", "version": 1}, 404),
    ],
)
def test_decisions_that_are_refused(
    person: str, values: dict[str, object], status: int, cast: Cast, login: Login
) -> None:
    plan = pending(cast)
    answer = login(person).post(url("plan_decide", cast, plan.pk), values)
    assert answer.status_code == status
    assert not PlanDecision.objects.exists()
    assert Plan.objects.get(pk=plan.pk).is_pending


def test_unknown_plans_versions_and_read_only_teams(cast: Cast, login: Login) -> None:
    plan = pending(cast)
    client = login("alice")
    values = {"decision": "approve", "version": 1}
    assert client.post(url("plan_decide", cast, 9_999), values).status_code == 404
    assert client.get(url("plan", cast, 9_999)).status_code == 404
    assert client.get(url("plan", cast, plan.pk) + "?v=9").status_code == 404
    assert client.get(url("plan", cast, plan.pk) + "?v=" + "9" * 5000).status_code == 404
    Team.objects.update(state="archived")
    assert client.get(url("plan", cast, plan.pk)).status_code == 200
    assert client.post(url("plan_decide", cast, plan.pk), values).status_code == 409
    assert not PlanDecision.objects.exists()


def test_a_person_writes_revises_submits_and_withdraws(cast: Cast, login: Login) -> None:
    task = create_task(cast.alice, "Split")
    client = login("bob")
    values = {"title": "Mine", "body": "Why.", "steps": "One\nTwo — with care\n\n", "draft": "1"}
    answer = client.post(url("plan_new", cast), {**values, "task": task.number})
    plan = Plan.objects.get()
    assert answer.headers["Location"] == plan.get_absolute_url()
    assert (plan.state, plan.task, plan.step_count) == ("draft", task, 2)
    assert plan.current.steps.get(index=1).detail == "with care"
    assert login("alice").get(plan.get_absolute_url()).status_code == 404
    client.post(url("plan_submit", cast, plan.pk))
    assert Plan.objects.get().is_pending
    page = client.get(url("plan_revise", cast, plan.pk)).text
    assert "Two — with care" in page
    client.post(url("plan_revise", cast, plan.pk), {**values, "steps": "One\nThree"})
    page = client.get(plan.get_absolute_url()).text
    assert "<del>Two</del> <ins>Three</ins>" in page
    assert "superseded" in page
    assert "earlier version" in client.get(plan.get_absolute_url() + "?v=1").text
    client.post(url("plan_withdraw", cast, plan.pk))
    assert Plan.objects.get().state == "draft"


def test_a_wrong_plan_is_shown_again_with_the_reason(cast: Cast, login: Login) -> None:
    task = create_task(cast.alice, "Hers", owner="iris")
    client = login("bob")
    answer = client.post(url("plan_new", cast), {"title": "", "body": "kept text"})
    assert answer.status_code == 422
    assert "Give the plan a title." in answer.text
    assert "kept text" in answer.text
    values = {"title": "Mine", "body": "Why.", "task": task.number}
    answer = client.post(url("plan_new", cast), values)
    assert answer.status_code == 409
    assert "belongs to iris" in answer.text
    assert not Plan.objects.exists()
    plan = pending(cast)
    assert client.get(url("plan_revise", cast, plan.pk)).status_code == 403
    assert client.post(url("plan_withdraw", cast, plan.pk)).status_code == 403


def test_the_author_reports_steps(cast: Cast, login: Login) -> None:
    plan = pending(cast, cast.bob)
    decide_plan(cast.alice, plan.pk, "approve", version=1)
    address = url("plan_step", cast, plan.pk, 0)
    answer = login("bob").post(address, {"state": "done"}, headers=HTMX)
    assert "1 of 2" in answer.text
    assert login("alice").post(address, {"state": "todo"}).status_code == 403
    assert PlanStep.objects.get(index=0).state == "done"


@pytest.mark.parametrize("name", ["plan_decide", "plan_submit", "plan_withdraw"])
def test_reading_changes_nothing(name: str, cast: Cast, login: Login) -> None:
    plan = pending(cast)
    assert login("alice").get(url(name, cast, plan.pk)).status_code == 405
    seq = Team.objects.get(pk=cast.team.pk).seq
    client = login("alice")
    for address in (url("plans", cast), url("plan", cast, plan.pk), "/"):
        assert client.get(address).status_code == 200
    assert client.get("/digest/", headers=HTMX).status_code == 200
    assert Team.objects.get(pk=cast.team.pk).seq == seq


def test_text_of_members_is_escaped(cast: Cast, login: Login) -> None:
    evil = "<script>alert(1)</script>"
    plan = propose_plan(cast.hal, evil, evil, [evil, {"title": "x", "detail": evil}])
    decide_plan(cast.alice, plan.pk, "reject", version=1, note=evil)
    propose_plan(cast.hal, evil, evil, [evil])
    client = login("alice")
    for address in (url("plans", cast), url("plan", cast, plan.pk), "/"):
        assert evil not in client.get(address).text


def test_the_next_reviewer_heads_the_column(cast: Cast, login: Login) -> None:
    assert "next: alice" in login("bob").get(url("board", cast)).text


def test_conflicts_know_their_state(cast: Cast) -> None:
    plan = pending(cast)
    with pytest.raises(Conflict) as caught:
        decide_plan(cast.alice, plan.pk, "approve", version=2)
    assert caught.value.as_dict()["error"]["version"] == 1


def test_a_card_says_whom_its_plan_waits_for(cast: Cast, login: Login) -> None:
    change_member(cast.alice, "hal", plan_mode_required=True)
    cast.team.approval_stages = ["leader", "review"]
    cast.team.save(update_fields=["approval_stages"])
    task = create_task(cast.alice, "Card", owner="hal")
    plan = pending(cast, task=task.number)
    page = login("bob").get(f"/teams/checkout/tasks/{task.number}/").text
    assert "<b>the lead</b>" in page
    decide_plan(cast.alice, plan.pk, "approve", version=1)
    page = login("bob").get(f"/teams/checkout/tasks/{task.number}/").text
    assert "hal&#x27;s plan for it waits for who may review." in page
    assert "<b>a person</b>" in page


def test_a_plan_whose_task_somebody_else_took_says_so(cast: Cast, login: Login) -> None:
    task = create_task(cast.alice, "Contract tests")
    plan = pending(cast, task=task.number)
    pages = ("/", f"/?item=plan-{plan.pk}", url("plans", cast), url("plan", cast, plan.pk))
    client = login("alice")
    for page in pages:
        assert "worked on by" not in client.get(page).text
    claim_task(cast.iris, task.number)
    for page in pages:
        assert f"#{task.number} is now worked on by iris" in client.get(page).text
    complete_task(cast.iris, task.number)
    assert f"#{task.number} was meanwhile done by iris" in client.get("/").text
    decide_plan(cast.alice, plan.pk, "approve", version=1)
    assert "meanwhile" not in client.get(url("plan", cast, plan.pk)).text


def test_a_plan_for_a_task_of_its_author_or_of_nobody_says_nothing(
    cast: Cast, login: Login
) -> None:
    task = create_task(cast.alice, "Contract tests")
    plan = pending(cast, task=task.number)
    claim_task(cast.hal, task.number)
    for page in ("/", url("plan", cast, plan.pk)):
        assert "worked on by" not in login("alice").get(page).text
