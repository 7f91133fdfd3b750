"""Dependencies and relations between cards."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.core.errors import Conflict, Invalid, NotFound
from apps.tasks import actions
from apps.tasks.models import Dependency, Task
from apps.teams import actions as teams
from apps.teams.models import Event
from tests.conftest import Cast, make_cast
from tests.refusing import refused

Journal = Callable[[], list[str]]


@pytest.fixture
def cards(cast: Cast) -> Cast:
    """#1 to #4, unconnected."""
    for subject in ("One", "Two", "Three", "Four"):
        actions.create_task(cast.alice, subject)
    return cast


def edges() -> set[tuple[int, int]]:
    return set(Dependency.objects.values_list("blocker__number", "blocked__number"))


def version(number: int) -> int:
    return Task.objects.get(number=number).version


def last_event(cast: Cast) -> Event:
    return Event.objects.filter(team=cast.team).latest("seq")


def test_an_edge_is_read_from_both_ends(cards: Cast, journal: Journal) -> None:
    actions.add_blocker(cards.alice, 2, 1)
    one, two = (Task.objects.get(number=number) for number in (1, 2))
    assert [edge.blocked for edge in one.blocking.all()] == [two]
    assert [edge.blocker for edge in two.waiting_on.all()] == [one]
    assert journal() == ["task.blocked_by"]
    assert last_event(cards).data == {"task": 2, "column": "todo", "by": 1, "affects": [1]}
    assert (version(1), version(2)) == (2, 2)


def test_the_same_edge_again_is_fine(cards: Cast, journal: Journal) -> None:
    actions.add_blocker(cards.alice, 2, 1)
    actions.add_blocker(cards.alice, 2, 1)
    assert journal() == ["task.blocked_by"]
    assert edges() == {(1, 2)}


def test_taking_an_edge_away(cards: Cast, journal: Journal) -> None:
    actions.add_blocker(cards.alice, 2, 1)
    actions.remove_blocker(cards.alice, 2, 1)
    assert last_event(cards).data == {"task": 2, "column": "todo", "by": 1, "affects": [1]}
    actions.remove_blocker(cards.alice, 2, 1)
    actions.remove_blocker(cards.alice, 1, 2)
    actions.remove_blocker(cards.alice, 1, 99)
    assert journal() == ["task.blocked_by", "task.unblocked"]
    assert edges() == set()
    assert (version(1), version(2)) == (3, 3)


def test_an_edge_to_itself_is_a_circle(cards: Cast) -> None:
    for act in (
        lambda: actions.add_blocker(cards.alice, 2, 2),
        lambda: actions.edit_task(cards.alice, 2, blocked_by=[2]),
    ):
        with refused(Conflict, "cycle") as info:
            act()
        assert info.value.details["path"] == [2, 2]


def test_a_circle_is_refused_with_its_path(cards: Cast) -> None:
    actions.add_blocker(cards.alice, 2, 1)
    actions.add_blocker(cards.alice, 3, 2)
    for act in (
        lambda: actions.add_blocker(cards.alice, 1, 3),
        lambda: actions.edit_task(cards.alice, 1, blocked_by=[4, 3]),
    ):
        with refused(Conflict, "cycle") as info:
            act()
        assert info.value.details["path"] == [1, 2, 3, 1]
        assert "#1 → #2 → #3 → #1" in info.value.message
    assert edges() == {(1, 2), (2, 3)}


def test_a_circle_through_the_trash_is_one_too(cards: Cast) -> None:
    actions.add_blocker(cards.alice, 2, 1)
    actions.add_blocker(cards.alice, 3, 2)
    actions.delete_task(cards.alice, 2)
    with refused(Conflict, "cycle"):
        actions.add_blocker(cards.alice, 1, 3)


def test_a_diamond_is_no_circle(cards: Cast) -> None:
    for blocked, blocker in ((2, 1), (3, 1), (4, 2), (4, 3), (4, 1)):
        actions.add_blocker(cards.alice, blocked, blocker)
    assert len(edges()) == 5


def test_an_edge_stays_when_the_blocker_is_finished(cards: Cast) -> None:
    actions.add_blocker(cards.alice, 2, 1)
    actions.claim_task(cards.hal, 1)
    actions.complete_task(cards.hal, 1)
    assert edges() == {(1, 2)}


def test_an_unknown_card_is_not_found(cards: Cast) -> None:
    actions.create_task(make_cast("payment").alice, "Theirs")
    for number in (99, 0, 10**30):
        for act in (actions.add_blocker, actions.relate):
            with refused(NotFound, "task_not_found"):
                act(cards.alice, 1, number)
            with refused(NotFound, "task_not_found"):
                act(cards.alice, number, 1)


def test_edges_of_two_teams_do_not_mix(cards: Cast) -> None:
    other = make_cast("payment")
    for subject in ("One", "Two"):
        actions.create_task(other.alice, subject)
    actions.add_blocker(cards.alice, 2, 1)
    actions.add_blocker(other.alice, 1, 2)
    assert Task.objects.get(team=other.team, number=1).waiting_on.get().blocker.team == other.team


def test_an_edit_sets_exactly_these(cards: Cast, journal: Journal) -> None:
    actions.edit_task(cards.alice, 4, blocked_by=[1, 2])
    actions.edit_task(cards.alice, 4, blocked_by=[2, 3])
    assert edges() == {(2, 4), (3, 4)}
    event = last_event(cards)
    assert (event.data["changed"], event.data["affects"]) == (["blocked_by"], [1, 3])
    assert [version(number) for number in (1, 2, 3, 4)] == [3, 2, 2, 3]
    actions.edit_task(cards.alice, 4, blocked_by=[])
    assert edges() == set()
    assert journal() == ["task.edited"] * 3


def test_an_edit_may_turn_an_edge_around(cards: Cast) -> None:
    actions.add_blocker(cards.alice, 2, 1)
    actions.edit_task(cards.alice, 2, blocked_by=[])
    actions.edit_task(cards.alice, 1, blocked_by=[2])
    assert edges() == {(2, 1)}


def test_a_new_card_names_no_card_to_come(cards: Cast) -> None:
    with refused(Invalid) as info:
        actions.create_task(cards.alice, "Five", blocked_by=[5, 6])
    assert info.value.fields["blocked_by"] == "There is no task #6 in this team."
    assert not Task.objects.filter(number=5).exists()
    with refused(Conflict, "cycle"):
        actions.create_task(cards.alice, "Five", blocked_by=[5])


def test_related_is_said_by_both(cards: Cast, journal: Journal) -> None:
    actions.relate(cards.alice, 1, 2)
    assert [card.number for card in Task.objects.get(number=1).related.all()] == [2]
    assert [card.number for card in Task.objects.get(number=2).related.all()] == [1]
    data = last_event(cards).data
    assert (data["changed"], data["affects"]) == (["related"], [2])
    actions.relate(cards.alice, 2, 1)
    assert journal() == ["task.edited"]
    assert (version(1), version(2)) == (2, 2)
    actions.unrelate(cards.alice, 2, 1)
    actions.unrelate(cards.alice, 1, 2)
    assert journal() == ["task.edited"] * 2
    assert not Task.objects.get(number=1).related.exists()
    assert (version(1), version(2)) == (3, 3)


def test_a_card_is_not_related_to_itself(cards: Cast) -> None:
    with refused(Invalid):
        actions.relate(cards.alice, 1, 1)
    with refused(Invalid) as info:
        actions.edit_task(cards.alice, 1, related=[1])
    assert set(info.value.fields) == {"related"}


def test_relations_block_nothing(cards: Cast) -> None:
    actions.relate(cards.alice, 1, 2)
    actions.relate(cards.alice, 2, 3)
    actions.relate(cards.alice, 3, 1)
    assert actions.claim_task(cards.hal, 1).column == "in_progress"


def test_counting_dependencies_differently_renews_the_cards_that_wait(cards: Cast) -> None:
    actions.add_blocker(cards.alice, 2, 1)
    before = [version(number) for number in (1, 2, 3)]
    teams.change_team(cards.alice, name="Other")
    assert [version(number) for number in (1, 2, 3)] == before
    teams.change_team(cards.alice, dependencies_wait_for_approval=True)
    assert [version(number) for number in (1, 2, 3)] == [before[0], before[1] + 1, before[2]]


PAIRS = st.lists(st.tuples(st.integers(1, 4), st.integers(1, 4)), max_size=14)


@settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(pairs=PAIRS)
def test_no_order_of_edges_makes_a_circle(pairs: list[tuple[int, int]], cards: Cast) -> None:
    Dependency.objects.all().delete()
    kept: set[tuple[int, int]] = set()
    for blocker, blocked in pairs:
        if reaches(kept, blocked, blocker):
            with refused(Conflict, "cycle"):
                actions.add_blocker(cards.alice, blocked, blocker)
        else:
            actions.add_blocker(cards.alice, blocked, blocker)
            kept.add((blocker, blocked))
    assert edges() == kept


def reaches(pairs: set[tuple[int, int]], start: int, end: int) -> bool:
    """Whether a path of edges leads from `start` to `end`; every card reaches itself."""
    seen, todo = set[int](), [start]
    while todo:
        here = todo.pop()
        if here == end:
            return True
        if here not in seen:
            seen.add(here)
            todo.extend(blocked for blocker, blocked in pairs if blocker == here)
    return False
