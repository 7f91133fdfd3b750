"""The page of a card, “Needs me” and the briefing say the same of whose turn a card is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import product

import pytest
from django.utils import timezone

from apps.api import counts
from apps.api.briefing import brief, parts_of
from apps.reviews.calls import ALLOWED, KINDS
from apps.reviews.card import card_review
from apps.reviews.needs import needs_count, needs_of
from apps.reviews.reviewers import turn_of
from apps.reviews.scope import Scope
from apps.tasks.agenda import Turn, falls_to
from apps.tasks.models import Task
from apps.tasks.moves import ReviewState, Status
from apps.teams.actions import add_member, change_member, end_seat, transition_team
from apps.teams.models import Member, Team
from tests.conftest import Cast

Found = set[tuple[str, int]]
PEOPLE = ("alice", "bob", "vera")
OWN = ("work", "start", "fix", "submit_plan")
SLICES = list(product(Status, ReviewState, ("", "lead", "human")))


def fresh(member: Member) -> Member:
    return Member.objects.select_related("team", "user").get(pk=member.pk)


def cards(cast: Cast, status: str, state: str, asked: str) -> list[Task]:
    """A card for every owner and every reviewer, in one state."""
    Task.objects.filter(team=cast.team).delete()
    gone = Member.objects.get(team=cast.team, name="gone")
    down = Member.objects.get(team=cast.team, name="down")
    now = timezone.now()
    owners = (None, cast.hal, cast.alice, gone, down)
    reviewers = (None, cast.hal, cast.iris, cast.alice, cast.vera, gone)
    return Task.objects.bulk_create(
        Task(
            team=cast.team, number=number, subject="Card", status=status, review_state=state,
            needs_input=asked, asked_at=now if asked else None, owner=owner, reviewer=reviewer,
            completed_at=now if status == Status.COMPLETED else None, review_round=1,
            review_requested_at=now if state == ReviewState.REVIEW else None,
            stalled_at=now if status == Status.IN_PROGRESS and number % 2 else None,
        )
        for number, (owner, reviewer) in enumerate(product(owners, reviewers), 1)
    )  # fmt: skip


def turns(cast: Cast) -> Iterator[tuple[Task, Turn]]:
    team = Team.objects.get(pk=cast.team.pk)
    for task in Task.objects.with_people().filter(team=team):
        task.team = team
        yield task, turn_of(task)


def by_the_page(member: Member, shown: list[tuple[Task, Turn]]) -> Found:
    """What the member is asked for, by the line on the card's own page."""
    return {
        (KINDS[turn.action], task.number)
        for task, turn in shown
        if turn.action in KINDS and falls_to(turn, task, member)
        and member.team.allows(ALLOWED[KINDS[turn.action]])
    }  # fmt: skip


def by_needs_me(member: Member) -> Found:
    assert member.user is not None
    needs = needs_of(Scope.of(member.user))
    assert needs_count(member.user) == len(needs)
    return {(need.kind, need.thing.number) for need in needs if isinstance(need.thing, Task)}


def by_the_briefing(member: Member) -> Found:
    return {(one.call.kind, one.task.number) for one in counts.calls(member)}


def setting(cast: Cast, name: str) -> None:
    """What the team is like."""
    for extra in ("gone", "down"):
        add_member(cast.alice, extra, agent_type="general-purpose")
    end_seat(cast.alice, "gone")
    Member.objects.filter(team=cast.team, name="down").update(terminated_at=timezone.now())
    if name == "self approval":
        Team.objects.filter(pk=cast.team.pk).update(allow_self_approval=True)
    if name == "one person":
        end_seat(cast.alice, "bob")
    if name == "no judge":
        end_seat(cast.alice, "bob")
        change_member(cast.alice, "alice", denied=["review"])
    if name == "paused":
        transition_team(cast.alice, "paused")


@pytest.mark.parametrize("name", ["plain", "self approval", "one person", "no judge", "paused"])
def test_all_three_say_the_same_of_every_card(cast: Cast, name: str) -> None:
    setting(cast, name)
    people = [fresh(getattr(cast, who)) for who in PEOPLE]
    agents = [fresh(cast.hal), fresh(cast.iris)]
    met: set[str] = set()
    for status, state, asked in SLICES:
        cards(cast, status, state, asked)
        shown = list(turns(cast))
        for member in (*people, *agents):
            expected = by_the_page(member, shown)
            assert by_the_briefing(member) == expected, (member.name, status, state, asked)
            if member in people and member.left_at is None:
                assert by_needs_me(member) == expected, (member.name, status, state, asked)
            met |= {kind for kind, _ in expected}
    paused = {"review", "replace", "question"}
    assert met == (paused if name == "paused" else {*KINDS.values()})


def test_own_work_is_told_as_on_its_page(cast: Cast) -> None:
    setting(cast, "plain")
    change_member(cast.alice, "hal", plan_mode_required=True)
    hal = fresh(cast.hal)
    for status, state, asked in SLICES:
        cards(cast, status, state, asked)
        Task.objects.exclude(owner=hal).delete()
        Task.objects.filter(number__lte=9).update(planned_by=hal)
        expected = {
            task.number: turn.action
            for task, turn in turns(cast)
            if task.owner_id == hal.pk and turn.member == hal.name and turn.who == "owner"
        }
        parts = parts_of(hal, hal.team.seq)
        lines = [*parts["running"].lines, *parts["ready"].lines]
        told = {line.id: line.mark for line in lines if line.mark in OWN}
        assert told == expected, (status, state, asked)


def test_the_page_asks_who_may_judge(cast: Cast) -> None:
    setting(cast, "one person")
    cards(cast, Status.COMPLETED, ReviewState.REVIEW, "")
    task = Task.objects.with_people().get(owner=cast.alice, reviewer=None)
    alice = fresh(cast.alice)
    task.team = alice.team
    found = card_review(task, alice).turn
    assert (found.action, found.reason) == ("find_reviewer", "no_reviewer")
    assert (found.who_label, found.category) == ("the lead", "oversight")


def test_a_late_review_is_the_leads_care_and_still_the_reviewers(cast: Cast) -> None:
    setting(cast, "plain")
    Team.objects.filter(pk=cast.team.pk).update(review_sla_minutes=5)
    cards(cast, Status.COMPLETED, ReviewState.REVIEW, "")
    Task.objects.exclude(owner=cast.hal, reviewer=cast.iris).delete()
    alice, iris = fresh(cast.alice), fresh(cast.iris)
    assert (by_needs_me(alice), by_the_briefing(alice)) == (set(), set())
    Task.objects.update(review_requested_at=timezone.now() - timedelta(minutes=6))
    number = Task.objects.get().number
    assert by_needs_me(alice) == by_the_briefing(alice) == {("replace", number)}
    assert by_the_briefing(iris) == {("review", number)}


@pytest.mark.parametrize(
    ("status", "state", "action", "path"),
    [
        ("in_progress", "none", "release_task", "release"),
        ("in_progress", "review", "resolve_conflict", "resolve-conflict"),
        ("completed", "review", "replace_reviewer", "replace-reviewer"),
    ],
)
def test_a_lead_is_told_what_to_do_about_it(
    cast: Cast, status: str, state: str, action: str, path: str
) -> None:
    setting(cast, "plain")
    cards(cast, status, state, "")
    Task.objects.exclude(owner__name="down", reviewer__name="gone").delete()
    data = brief(fresh(cast.alice)).data
    (line,) = data["care"]
    assert data["me"]["counts"]["care"] == 1
    assert "Needs your care (1):" in data["text"]
    step = data["next_step"]
    assert (step["action"], step["task"]) == (action, line["id"])
    assert step["call"].endswith(f"/tasks/{line['id']}/{path}")
