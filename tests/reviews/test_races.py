from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

import pytest
from django.contrib.auth.models import Permission
from django.db import connections

from apps.core.errors import Conflict
from apps.messaging.models import Message
from apps.reviews.actions import (
    approve,
    decide_at_desk,
    decide_plan,
    propose_plan,
    request_changes,
    request_review,
)
from apps.reviews.models import Plan, PlanDecision, Review
from apps.tasks.actions import claim_task, complete_task, create_task
from apps.teams.models import Event, Member, User
from tests.conftest import Cast, make_cast, person

Result = list[object]


def at_once(*calls: Callable[[], object]) -> Result:
    """What each call returned or raised, all started in the same moment."""
    gate = threading.Barrier(len(calls))
    results: Result = [None] * len(calls)

    def run(place: int, call: Callable[[], object]) -> None:
        gate.wait()
        try:
            results[place] = call()
        except Exception as error:  # the test looks at it
            results[place] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def fresh(member: Member) -> Member:
    return Member.objects.select_related("team").get(pk=member.pk)


def leaders(cast: Cast) -> tuple[Member, Member]:
    Member.objects.filter(pk=cast.bob.pk).update(role="leader")
    return fresh(cast.alice), fresh(cast.bob)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("stages", [["leader"], ["leader", "staff"]])
def test_two_deciders_at_the_same_moment(stages: list[str]) -> None:
    for attempt in range(4):
        cast = make_cast(f"race-{attempt}-{len(stages)}")
        cast.team.approval_stages = stages
        cast.team.save(update_fields=["approval_stages"])
        alice, bob = leaders(cast)
        plan = propose_plan(cast.hal, "Split totals", "Why.")
        results = at_once(
            lambda: decide_plan(alice, plan.pk, "approve", version=1, stage=0),  # noqa: B023
            lambda: decide_plan(bob, plan.pk, "reject", version=1, stage=0),  # noqa: B023
        )
        lost = [result for result in results if isinstance(result, Conflict)]
        assert len(lost) == 1, results
        (decision,) = PlanDecision.objects.filter(version__plan=plan)
        assert decision.member.name in lost[0].message
        assert lost[0].code == "already_decided"
        final = Plan.objects.get(pk=plan.pk).state != "pending_review"
        told = Message.objects.filter(team=cast.team, kind="plan_approval_response").count()
        assert told == int(final)
        kinds = Event.objects.filter(team=cast.team, kind__startswith="plan.")
        assert kinds.count() == 2


def staff(name: str) -> User:
    user = person(name)
    user.is_staff = True
    user.save(update_fields=["is_staff"])
    user.user_permissions.add(Permission.objects.get(codename="decide_plan"))
    return User.objects.get(pk=user.pk)


@pytest.mark.django_db(transaction=True)
def test_two_at_the_desk_at_the_same_moment() -> None:
    cast, sam, pat = make_cast("desk-race"), staff("sam"), staff("pat")
    for attempt in range(4):
        plan = propose_plan(cast.hal, f"Plan {attempt}", "Why.")
        results = at_once(
            lambda: decide_at_desk(sam, plan.pk, "approve", version=1, stage=0),  # noqa: B023
            lambda: decide_at_desk(pat, plan.pk, "reject", version=1, stage=0),  # noqa: B023
        )
        (lost,) = [result for result in results if isinstance(result, Conflict)]
        (decision,) = PlanDecision.objects.filter(version__plan=plan)
        assert lost.message.startswith(f"{decision.member.name} has already {decision.decision}")
        assert Message.objects.filter(payload__plan_id=plan.pk, reply_to=None).count() == 1
        answers = Message.objects.filter(kind="plan_approval_response", payload__plan_id=plan.pk)
        assert answers.count() == 1
    seats = Member.objects.filter(team=cast.team, user__in=[sam, pat])
    assert seats.count() == PlanDecision.objects.values("member").distinct().count()


@pytest.mark.django_db(transaction=True)
def test_one_person_in_two_browsers() -> None:
    cast, sam = make_cast("two-windows"), staff("sam")
    plan = propose_plan(cast.hal, "Split totals", "Why.")
    decide = partial(decide_at_desk, sam, plan.pk, "approve", version=1, stage=0)
    results = at_once(decide, decide)
    assert sum(isinstance(result, Conflict) for result in results) == 1, results
    assert PlanDecision.objects.get().member == Member.objects.get(user=sam)


@pytest.mark.django_db(transaction=True)
def test_approval_and_changes_at_the_same_moment() -> None:
    cast = make_cast("verdicts")
    task = create_task(cast.alice, "Split")
    claim_task(cast.hal, task.number)
    complete_task(cast.hal, task.number)
    request_review(cast.hal, task.number)
    alice, bob = fresh(cast.alice), fresh(cast.bob)
    results = at_once(
        lambda: approve(alice, task.number), lambda: request_changes(bob, task.number, "No.")
    )
    assert sum(isinstance(result, Conflict) for result in results) == 1, results
    review = Review.objects.get(task=task)
    task.refresh_from_db()
    expected = {"approved": "approved", "changes": "needs_fix"}
    assert task.review_state == expected[review.outcome]
    assert Message.objects.filter(kind="review_response").count() == 1
