"""What a page answers to what must not happen: the reason, and nothing else changes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from apps.messaging.models import Message
from apps.reviews.actions import decide_plan, propose_plan, request_review, revise_plan
from apps.reviews.models import Plan, PlanDecision, PlanStep, Review
from apps.tasks.models import Task
from apps.teams.actions import end_seat
from apps.teams.models import Event, Member, Team
from tests.conftest import Cast
from tests.reviews.conftest import MakeTask

Login = Callable[[str], Client]
HTMX = {"HX-Request": "true"}


def everything() -> list[object]:
    """What a refusal leaves alone."""
    tables = (PlanDecision, Review, Event, Message, Member)
    return [
        *(model.objects.count() for model in tables),
        *Plan.objects.order_by("pk").values_list("state", "version", "stage", "decided_at"),
        *Task.objects.order_by("pk").values_list("status", "review_state", "reviewer", "version"),
        *PlanStep.objects.order_by("pk").values_list("state", "reported_at"),
    ]


def refused(client: Client, address: str, status: int, words: str, **values: object) -> None:
    before = everything()
    for headers in ({}, HTMX):
        answer = client.post(address, values, headers=headers)
        assert answer.status_code == status, answer.text
        assert words in answer.text
    assert everything() == before


def at(cast: Cast, name: str, *args: object) -> str:
    return reverse(name, args=[cast.team.slug, *args])


def decision(plan: Plan, **values: object) -> dict[str, object]:
    return {"decision": "approve", "version": plan.version, "stage": plan.stage, **values}


def staged(cast: Cast, *stages: str) -> Plan:
    Team.objects.filter(pk=cast.team.pk).update(approval_stages=list(stages))
    return propose_plan(cast.hal, "Split totals", "Why.", ["One", "Two"])


def test_deciding_twice(cast: Cast, login: Login) -> None:
    plan = staged(cast, "leader")
    address, client = at(cast, "plan_decide", plan.pk), login("alice")
    assert client.post(address, decision(plan)).status_code == 302
    refused(client, address, 409, "alice has already approved this plan", **decision(plan))
    refused(client, address, 409, "already", **decision(plan, decision="reject"))


def test_a_superseded_version(cast: Cast, login: Login) -> None:
    plan = staged(cast, "leader")
    revise_plan(cast.hal, plan.pk, body="Better.")
    address = at(cast, "plan_decide", plan.pk)
    refused(login("alice"), address, 409, "Version 1 was superseded", **decision(plan))


def test_ones_own_plan(cast: Cast, login: Login) -> None:
    plan = propose_plan(cast.alice, "Hers", "Why.")
    address = at(cast, "plan_decide", plan.pk)
    refused(login("alice"), address, 403, "your own plan", **decision(plan))


def test_the_wrong_stage(cast: Cast, login: Login) -> None:
    plan = staged(cast, "member", "leader")
    address = at(cast, "plan_decide", plan.pk)
    refused(login("alice"), address, 409, "that is not your stage", **decision(plan))
    refused(login("alice"), address, 409, "waits for a member first", **decision(plan, stage=1))


def test_unknown_plans_strangers_and_no_right(cast: Cast, login: Login) -> None:
    plan = staged(cast, "leader")
    address = at(cast, "plan_decide", plan.pk)
    unknown = at(cast, "plan_decide", 9_999)
    refused(login("alice"), unknown, 404, "There is no such plan", **decision(plan))
    refused(login("bob"), address, 403, "You may not decide plans here", **decision(plan))
    refused(login("mallory"), address, 404, "no such team", **decision(plan))


@pytest.mark.parametrize("state", ["forming", "completed", "archived", "disbanded"])
def test_teams_that_decide_nothing_now(
    state: str, cast: Cast, done: MakeTask, login: Login
) -> None:
    plan = staged(cast, "leader")
    card = done()
    request_review(cast.hal, card.number, "alice")
    Team.objects.update(state=state)
    client = login("alice")
    for address in (at(cast, "plan_decide", plan.pk), at(cast, "task_approve", card.number)):
        before = everything()
        assert client.post(address, decision(plan)).status_code in (404, 409)
        assert everything() == before


def test_approving_ones_own_task(cast: Cast, done: MakeTask, login: Login) -> None:
    card = done(owner=cast.bob)
    refused(login("bob"), at(cast, "task_approve", card.number), 403, "your own work")
    request_review(cast.bob, card.number, "alice")
    refused(login("bob"), at(cast, "task_approve", card.number), 403, "your own work")


def test_a_reviewer_who_left(cast: Cast, done: MakeTask, login: Login) -> None:
    card, other = done(), done("Another")
    request_review(cast.hal, card.number, "bob")
    end_seat(cast.alice, "bob")
    refused(login("bob"), at(cast, "task_approve", card.number), 404, "no such team")
    address = at(cast, "task_request_review", other.number)
    refused(login("alice"), address, 422, "bob has left the team", reviewer="bob")
    address = at(cast, "task_replace_reviewer", card.number)
    refused(login("alice"), address, 422, "bob has left the team", reviewer="bob")


def test_a_review_of_a_running_task(cast: Cast, running: MakeTask, login: Login) -> None:
    card = running()
    for name in ("task_request_review", "task_approve", "task_request_changes"):
        refused(login("alice"), at(cast, name, card.number), 409, f"#{card.number}")


def test_steps_reported_by_others_or_too_early(cast: Cast, login: Login) -> None:
    plan = propose_plan(cast.bob, "His", "Why.", ["One"])
    address = at(cast, "plan_step", plan.pk, 0)
    refused(login("bob"), address, 409, "once it is approved", state="done")
    decide_plan(cast.alice, plan.pk, "approve", version=1)
    refused(login("alice"), address, 403, "Only its author, bob", state="done")
    refused(login("mallory"), address, 404, "no such team", state="done")
    refused(login("bob"), address, 422, "Choose one of", state="finished")
    refused(login("bob"), at(cast, "plan_step", plan.pk, 7), 404, "no step 7", state="done")
    assert login("bob").get(address).status_code == 405


def test_a_bulk_by_get_decides_nothing(cast: Cast) -> None:
    user = cast.people["vera"]
    user.is_staff = True
    user.save(update_fields=["is_staff"])
    user.user_permissions.add(Permission.objects.get(codename="decide_plan"))
    plan = staged(cast, "leader")
    client = Client()
    client.force_login(user)
    before = everything()
    sent = {"action": "approve_selected", "_selected_action": plan.pk, "index": 0}
    assert client.get(reverse("admin:reviews_plan_changelist"), sent).status_code in (200, 302)
    sent = {"decision": "approve", "version": 1}
    assert client.get(reverse("admin:reviews_plan_change", args=[plan.pk]), sent).status_code == 200
    assert everything() == before
