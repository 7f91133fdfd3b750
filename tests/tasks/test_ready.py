"""What stands between a card and its start: dependencies, plans, limits; the next one."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest

from apps.core.errors import Conflict, NotAllowed
from apps.messaging.models import Message
from apps.tasks import actions
from apps.tasks.models import Task
from apps.teams import actions as teams
from apps.teams.models import Event, Member, Team
from tests.conftest import Cast
from tests.refusing import refused

Journal = Callable[[], list[str]]
Act = Callable[[Member, int], Task]


def card(cast: Cast, number: int) -> Task:
    return Task.objects.select_related("owner", "team").get(team=cast.team, number=number)


def last_event(cast: Cast, kind: str = "") -> Event:
    found = Event.objects.filter(team=cast.team)
    return (found.filter(kind=kind) if kind else found).latest("seq")


# Ready


@pytest.mark.parametrize("wait", [False, True])
def test_when_a_dependency_is_finished(wait: bool, cast: Cast) -> None:
    teams.change_team(cast.alice, dependencies_wait_for_approval=wait)
    actions.create_task(cast.alice, "First")
    actions.create_task(cast.alice, "Then", blocked_by=[1])
    team = Team.objects.get(pk=cast.team.pk)
    for status, review in product(Task.Status.values, Task.ReviewState.values):
        Task.objects.filter(number=1).update(status=status, review_state=review)
        done = review == "approved" if wait else status == "completed"
        finished = done or status == "deleted"
        assert card(cast, 1).is_finished is finished
        blocked = Task.objects.filter(team=team).blocked(team)
        free = Task.objects.filter(team=team).blocked(team, yes=False)
        assert [task.number for task in blocked] == ([] if finished else [2])
        assert set(free.values_list("number", flat=True)) == ({1, 2} if finished else {1})


def test_a_blocked_card_is_neither_claimed_nor_started(cast: Cast) -> None:
    for subject in ("One", "Two"):
        actions.create_task(cast.alice, subject)
    actions.create_task(cast.alice, "Third", blocked_by=[2, 1])
    for act in (actions.claim_task, actions.start_task):
        with refused(Conflict, "task_blocked") as info:
            act(cast.bob, 3)
        assert info.value.message == "#3 waits for #1, #2."
        assert info.value.details["blocked_by"] == [1, 2]


def test_finishing_frees_and_reopening_blocks_again(cast: Cast) -> None:
    actions.create_task(cast.alice, "First")
    actions.create_task(cast.alice, "Then", blocked_by=[1])
    actions.claim_task(cast.hal, 1)
    actions.complete_task(cast.hal, 1)
    assert last_event(cast).data["affects"] == [2]
    actions.claim_task(cast.hal, 2)
    actions.release_task(cast.hal, 2)
    actions.delete_task(cast.alice, 1)
    assert "affects" not in last_event(cast).data  # it was finished before
    actions.restore_task(cast.alice, 1)
    assert last_event(cast).data["affects"] == [2]
    with refused(Conflict, "task_blocked"):
        actions.claim_task(cast.hal, 2)
    actions.delete_task(cast.alice, 1)
    assert actions.claim_task(cast.hal, 2).column == "in_progress"


def test_a_card_shows_a_new_version_when_what_blocks_it_changes(cast: Cast) -> None:
    actions.create_task(cast.alice, "First")
    actions.create_task(cast.alice, "Then", blocked_by=[1])
    version = card(cast, 2).version
    actions.claim_task(cast.hal, 1)
    assert card(cast, 2).version == version
    actions.complete_task(cast.hal, 1)
    assert card(cast, 2).version == version + 1


def test_owners_are_told_when_their_cards_become_ready(cast: Cast, journal: Journal) -> None:
    actions.create_task(cast.alice, "One")
    actions.create_task(cast.alice, "Two")
    actions.create_task(cast.hal, "Both", owner="hal", blocked_by=[1, 2])
    actions.create_task(cast.hal, "First", owner="hal", blocked_by=[1])
    actions.create_task(cast.alice, "Nobody's", blocked_by=[1])
    actions.claim_task(cast.iris, 1)
    actions.complete_task(cast.iris, 1)
    assert journal()[-2:] == ["task.completed", "message.sent"]
    message = Message.objects.get()
    assert (message.kind, message.sender.kind) == ("system_notification", "system")
    assert message.subject == "#4 is ready to start"
    assert [copy.recipient for copy in message.deliveries.all()] == [cast.hal]


# Claim next


def test_the_next_is_the_most_urgent_then_the_oldest(cast: Cast) -> None:
    for priority in ("low", "normal", "critical", "high", "critical", "normal"):
        actions.create_task(cast.alice, priority, priority=priority)
    claimed = [actions.claim_next(cast.hal).number for _ in range(6)]
    assert claimed == [3, 5, 4, 2, 6, 1]


def test_the_next_is_mine_or_nobody_s_and_ready(cast: Cast, journal: Journal) -> None:
    actions.create_task(cast.alice, "Iris's", owner="iris", priority="critical")
    actions.create_task(cast.alice, "Waits", blocked_by=[1], priority="high")
    actions.create_task(cast.alice, "Hal's", owner="hal")
    actions.create_task(cast.alice, "Free")
    Task.objects.filter(number=4).update(internal=True)
    assert actions.claim_next(cast.hal).number == 3
    assert journal()[-1] == "task.claimed"
    with refused(Conflict, "nothing_ready") as info:
        actions.claim_next(cast.hal)
    assert info.value.message == "No task is ready for you: #2 waits for #1; 1 belongs to others."


def test_nothing_to_do_is_said(cast: Cast) -> None:
    with refused(Conflict, "nothing_ready") as info:
        actions.claim_next(cast.hal)
    assert info.value.message == "No task is ready for you: To do is empty."


def test_an_observer_claims_nothing(cast: Cast) -> None:
    actions.create_task(cast.alice, "Free")
    with refused(NotAllowed):
        actions.claim_next(cast.vera)


# The plan gate


def test_an_agent_that_needs_plans_starts_with_one_of_its_own(cast: Cast) -> None:
    teams.change_member(cast.alice, "hal", plan_mode_required=True)
    actions.create_task(cast.alice, "Planned")
    actions.create_task(cast.alice, "Given", owner="hal")
    for act, actor, number in (
        (actions.claim_task, cast.hal, 1), (actions.start_task, cast.hal, 2),
        (actions.start_task, cast.alice, 2),
    ):  # fmt: skip
        with refused(Conflict, "plan_required"):
            act(actor, number)
    Task.objects.filter(number=1).update(planned_by=cast.iris)
    with refused(Conflict, "plan_required"):
        actions.claim_task(cast.hal, 1)
    Task.objects.filter(number=1).update(planned_by=cast.hal)
    assert actions.claim_task(cast.hal, 1).owner == cast.hal


def test_people_need_no_plan(cast: Cast) -> None:
    Member.objects.filter(pk=cast.bob.pk).update(plan_mode_required=True)
    actions.create_task(cast.alice, "Free")
    assert actions.claim_task(cast.bob, 1).owner == cast.bob


def test_the_next_for_who_needs_plans_is_a_planned_one(cast: Cast) -> None:
    teams.change_member(cast.alice, "hal", plan_mode_required=True)
    for number in range(1, 31):
        actions.create_task(cast.alice, f"Card {number}", priority="critical")
    actions.create_task(cast.alice, "Planned", priority="low")
    with refused(Conflict, "plan_required") as info:
        actions.claim_next(cast.hal)
    assert "#1 " in info.value.message
    Task.objects.filter(number=31).update(planned_by=cast.hal)
    assert actions.claim_next(cast.hal).number == 31


# Limits


def test_the_column_has_a_limit(cast: Cast) -> None:
    teams.change_team(cast.alice, wip_limits={"in_progress": 2})
    for number in range(1, 5):
        actions.create_task(cast.alice, f"Card {number}")
    actions.claim_task(cast.hal, 1)
    actions.claim_task(cast.iris, 2)
    for act in (actions.claim_task, actions.start_task):
        with refused(Conflict, "wip_limit") as info:
            act(cast.bob, 3)
        assert info.value.details["limit"] == 2
    with refused(Conflict, "wip_limit"):
        actions.claim_next(cast.bob)
    assert actions.claim_task(cast.hal, 1).owner == cast.hal
    actions.release_task(cast.hal, 1)
    assert actions.claim_task(cast.bob, 3).owner == cast.bob


def test_each_member_has_a_limit(cast: Cast) -> None:
    teams.change_team(cast.alice, wip_per_member=1)
    for owner in (None, None, "hal"):
        actions.create_task(cast.alice, "Card", owner=owner)
    actions.claim_task(cast.hal, 1)
    for act, actor in ((actions.claim_task, cast.hal), (actions.start_task, cast.alice)):
        with refused(Conflict, "wip_limit") as info:
            act(actor, 3)
        assert "hal already works on 1" in info.value.message
    assert actions.claim_task(cast.iris, 2).owner == cast.iris
