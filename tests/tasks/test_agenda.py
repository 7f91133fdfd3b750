from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest
from django.utils import timezone

from apps.tasks.agenda import Category, Turn, Who, falls_to, turn
from apps.tasks.models import Task
from apps.tasks.moves import ReviewState, Status
from apps.teams.models import Member, Team

TEAM = Team(slug="checkout", name="Checkout")


def seat(pk: int, name: str, **values: Any) -> Member:
    values = {"kind": "agent", "role": "member"} | values
    return Member(pk=pk, team=TEAM, name=name, **values)


HAL = seat(1, "hal")
IRIS = seat(2, "iris")
ALICE = seat(3, "alice", kind="human", role="leader")
GONE = seat(4, "gone", left_at=timezone.now())
DOWN = seat(5, "down", terminated_at=timezone.now())
GATED = seat(6, "gated", plan_mode_required=True)
VERA = seat(7, "vera", kind="human", role="observer")
BOB = seat(8, "bob", kind="human")


def card(**values: Any) -> Task:
    values = {"team": TEAM, "number": 12, "subject": "Split", "owner": HAL} | values
    return Task(**values)


@dataclass
class Case:
    name: str
    card: dict[str, Any]
    who: Who
    action: str
    category: Category
    reason: str
    member: str | None = None
    blockers: tuple[int, ...] = ()
    plan: str = ""
    decider: str = ""
    judges: tuple[int, ...] | None = None


REVIEW = {"status": "completed", "review_state": "review", "review_round": 1}
CASES = [
    Case("deleted", {"status": "deleted"}, Who.NOBODY, "none", Category.DONE, "terminal_deleted"),
    Case("approved", {"status": "completed", "review_state": "approved"},
         Who.NOBODY, "none", Category.DONE, "terminal_approved"),
    Case("approved, then taken up", {"status": "in_progress", "review_state": "approved"},
         Who.LEAD, "resolve", Category.OVERSIGHT, "conflict"),
    Case("in review, then taken up", {**REVIEW, "status": "in_progress", "reviewer": IRIS},
         Who.LEAD, "resolve", Category.OVERSIGHT, "conflict"),
    Case("asks a person", {"status": "in_progress", "needs_input": "human", "question": "Which?"},
         Who.HUMAN, "answer", Category.WAITING, "waiting_human"),
    Case("asks the lead", {"needs_input": "lead", "question": "Which?"},
         Who.LEAD, "answer", Category.OVERSIGHT, "waiting_lead"),
    Case("in review", {**REVIEW, "reviewer": IRIS},
         Who.REVIEWER, "review", Category.ACTIONABLE, "review_requested", "iris"),
    Case("in review by the lead", {**REVIEW, "reviewer": ALICE},
         Who.REVIEWER, "review", Category.OVERSIGHT, "review_requested", "alice"),
    Case("in review by nobody", REVIEW, Who.HUMAN, "review", Category.WAITING, "review_unassigned"),
    Case("in review by nobody, and there is somebody", REVIEW,
         Who.HUMAN, "review", Category.WAITING, "review_unassigned", judges=(1, 3)),
    Case("in review by nobody, and there is nobody", REVIEW,
         Who.LEAD, "find_reviewer", Category.OVERSIGHT, "no_reviewer", judges=()),
    Case("in review by nobody, and there is its owner alone", {**REVIEW, "owner": ALICE},
         Who.LEAD, "find_reviewer", Category.OVERSIGHT, "no_reviewer", judges=(3,)),
    Case("in review by its owner", {**REVIEW, "reviewer": HAL},
         Who.LEAD, "replace_reviewer", Category.OVERSIGHT, "self_review"),
    Case("in review by one who left", {**REVIEW, "reviewer": GONE},
         Who.LEAD, "replace_reviewer", Category.OVERSIGHT, "reviewer_gone"),
    Case("in review by one shut down", {**REVIEW, "reviewer": DOWN},
         Who.LEAD, "replace_reviewer", Category.OVERSIGHT, "reviewer_gone"),
    Case("in review by an observer", {**REVIEW, "reviewer": VERA},
         Who.LEAD, "replace_reviewer", Category.OVERSIGHT, "reviewer_gone"),
    Case("done", {"status": "completed"}, Who.NOBODY, "none", Category.DONE, "completed"),
    Case("done by nobody", {"status": "completed", "owner": None},
         Who.NOBODY, "none", Category.DONE, "completed"),
    Case("done with an open blocker", {"status": "completed"},
         Who.NOBODY, "none", Category.DONE, "completed", blockers=(3,)),
    Case("nobody's", {"owner": None},
         Who.LEAD, "assign_owner", Category.OVERSIGHT, "owner_missing"),
    Case("running, owner left", {"owner": GONE, "status": "in_progress"},
         Who.LEAD, "release", Category.OVERSIGHT, "owner_gone"),
    Case("owner left", {"owner": GONE}, Who.LEAD, "assign_owner", Category.OVERSIGHT, "owner_gone"),
    Case("running", {"status": "in_progress"},
         Who.OWNER, "work", Category.ACTIONABLE, "owner_working", "hal"),
    Case("running with an open blocker", {"status": "in_progress"},
         Who.OWNER, "work", Category.ACTIONABLE, "owner_working", "hal", blockers=(3,)),
    Case("running, owned by the lead", {"status": "in_progress", "owner": ALICE},
         Who.OWNER, "work", Category.OVERSIGHT, "owner_working", "alice"),
    Case("stalled", {"status": "in_progress", "stalled_at": timezone.now()},
         Who.LEAD, "release", Category.OVERSIGHT, "owner_silent"),
    Case("running, owner shut down", {"status": "in_progress", "owner": DOWN},
         Who.LEAD, "release", Category.OVERSIGHT, "owner_terminated"),
    Case("stalled, owner shut down",
         {"status": "in_progress", "owner": DOWN, "stalled_at": timezone.now()},
         Who.LEAD, "release", Category.OVERSIGHT, "owner_terminated"),
    Case("blocked", {},
         Who.NOBODY, "wait", Category.WAITING, "dependency_waiting", blockers=(3, 4)),
    Case("needs a plan", {"owner": GATED},
         Who.OWNER, "submit_plan", Category.ACTIONABLE, "plan_required", "gated"),
    Case("its plan waits", {"owner": GATED}, Who.LEAD, "decide_plan", Category.OVERSIGHT,
         "plan_waiting", plan="pending_review"),
    Case("its plan waits for somebody else", {"owner": GATED}, Who.HUMAN, "decide_plan",
         Category.WAITING, "plan_waiting", plan="pending_review", decider="staff"),
    Case("its plan was rejected", {"owner": GATED}, Who.OWNER, "submit_plan", Category.ACTIONABLE,
         "plan_required", "gated", plan="rejected"),
    Case("its plan is approved", {"owner": GATED, "planned_by": GATED},
         Who.OWNER, "start", Category.ACTIONABLE, "owner_ready", "gated"),
    Case("needs fixes", {"review_state": "needs_fix", "review_round": 2},
         Who.OWNER, "fix", Category.ACTIONABLE, "needs_fix", "hal"),
    Case("needs fixes, blocked", {"review_state": "needs_fix"},
         Who.NOBODY, "wait", Category.WAITING, "dependency_waiting", blockers=(3,)),
    Case("ready", {}, Who.OWNER, "start", Category.ACTIONABLE, "owner_ready", "hal"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_row(case: Case) -> None:
    found = turn(
        card(**case.card), blockers=case.blockers, plan=case.plan, decider=case.decider,
        judges=case.judges,
    )  # fmt: skip
    assert found == Turn(case.who, case.action, case.category, case.reason, found.why, case.member)
    assert found.why.endswith((".", "?"))


def every_card() -> Iterator[tuple[Task, tuple[int, ...]]]:
    for status, state, asked, owner, reviewer, blockers in product(
        Status, ReviewState, ("", "lead", "human"), (None, HAL, ALICE, GONE, DOWN, GATED),
        (None, HAL, IRIS, GONE, ALICE), ((), (3,)),
    ):  # fmt: skip
        values = {"status": status, "review_state": state, "needs_input": asked}
        yield card(owner=owner, reviewer=reviewer, **values), blockers


def test_every_combination_has_one_sound_answer() -> None:
    for task, blockers in every_card():
        found = turn(task, blockers=blockers)
        who_knows = found.who in (Who.OWNER, Who.REVIEWER)
        assert (found.member is not None) == who_knows
        assert (found.category == Category.DONE) == (found.action == "none")
        if found.who == Who.OWNER:
            assert task.owner is not None
            assert task.owner.left_at is None
        if found.who == Who.REVIEWER:
            assert task.reviewer not in (None, task.owner)
        if found.reason == "owner_missing":
            assert task.status in (Status.PENDING, Status.IN_PROGRESS)
        if found.reason == "dependency_waiting":
            assert task.status == Status.PENDING


def test_own_review_where_the_team_allows_it() -> None:
    team = Team(slug="solo", allow_self_approval=True)
    found = turn(card(team=team, **REVIEW, reviewer=HAL))
    assert (found.who, found.member) == (Who.REVIEWER, "hal")


def test_ones_own_review_needs_nobody_else_where_the_team_allows_it() -> None:
    team = Team(slug="solo", allow_self_approval=True)
    found = turn(card(team=team, owner=ALICE, **REVIEW), judges=(3,))
    assert (found.who, falls_to(found, card(team=team, owner=ALICE), ALICE)) == (Who.HUMAN, True)


@pytest.mark.parametrize(
    ("values", "judges", "members"),
    [
        ({"status": "in_progress"}, None, "hal"),
        ({"status": "in_progress", "needs_input": "human"}, None, "alice bob"),
        ({"status": "in_progress", "needs_input": "lead"}, None, "alice"),
        ({"status": "in_progress", "owner": DOWN}, None, "alice bob"),
        ({**REVIEW, "reviewer": IRIS}, None, "iris"),
        (REVIEW, (3,), "alice bob"),
        (REVIEW, (), "alice"),
        ({**REVIEW, "owner": BOB}, (3,), "alice"),
        ({**REVIEW, "reviewer": GONE}, None, "alice"),
        ({**REVIEW, "owner": ALICE}, (3,), "alice"),
        ({"status": "completed"}, None, ""),
    ],
)
def test_whom_it_falls_to(
    values: dict[str, Any], judges: tuple[int, ...] | None, members: str
) -> None:
    task = card(**values)
    found = turn(task, judges=judges)
    cast = (HAL, IRIS, ALICE, BOB, VERA, GATED)
    assert {one.name for one in cast if falls_to(found, task, one)} == set(members.split())


def test_words_for_whose_turn_it_is() -> None:
    assert turn(card()).who_label == "hal"
    assert turn(card(owner=None)).who_label == "the lead"
    assert turn(card(status="completed")).who_label == "nobody"
