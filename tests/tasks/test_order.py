"""The order inside a column, and drops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.core.errors import Conflict, Invalid, NotAllowed, NotFound
from apps.tasks import actions
from apps.tasks.models import Task
from apps.teams.models import Event
from tests.conftest import Cast, make_cast
from tests.refusing import refused

Journal = Callable[[], list[str]]


@pytest.fixture
def cards(cast: Cast) -> Cast:
    """#5 is on top of TODO, #1 at its end."""
    for number in range(1, 6):
        actions.create_task(cast.alice, f"Card {number}")
    return cast


def order(cast: Cast, column: str = "todo") -> list[int]:
    found = Task.objects.visible_to(cast.alice).in_column(column)
    return list(found.values_list("number", flat=True))


def test_before_and_after(cards: Cast, journal: Journal) -> None:
    assert order(cards) == [5, 4, 3, 2, 1]
    actions.position_task(cards.alice, 1, before=4)
    assert order(cards) == [5, 1, 4, 3, 2]
    actions.position_task(cards.bob, 5, after=2)
    assert order(cards) == [1, 4, 3, 2, 5]
    actions.position_task(cards.alice, 2, before=1)
    assert order(cards) == [2, 1, 4, 3, 5]
    assert journal() == ["task.moved"] * 3
    assert Event.objects.latest("seq").data == {"task": 2, "column": "todo"}
    assert Task.objects.get(number=2).version == 2
    assert Task.objects.get(number=3).version == 1


@pytest.mark.parametrize(
    "where", [{"before": 3}, {"after": 5}, {"before": 4}, {"after": 4}],
)  # fmt: skip
def test_where_it_is_already_is_no_event(
    where: dict[str, int], cards: Cast, journal: Journal
) -> None:
    actions.position_task(cards.alice, 4, **where)
    assert order(cards) == [5, 4, 3, 2, 1]
    assert journal() == []


@pytest.mark.parametrize("where", [{}, {"before": 1, "after": 3}])
def test_one_neighbour_is_named(where: dict[str, int], cards: Cast) -> None:
    with refused(Invalid):
        actions.position_task(cards.alice, 2, **where)


def test_a_neighbour_elsewhere_is_a_conflict(cards: Cast) -> None:
    actions.claim_task(cards.hal, 3)
    actions.create_task(make_cast("payment").alice, "Theirs")
    for number in (3, 99, 10**30):
        with refused(Conflict, "wrong_state") as info:
            actions.position_task(cards.alice, 1, before=number)
        assert f"#{number} is not in To do" in info.value.message
    with refused(NotFound, "task_not_found"):
        actions.position_task(cards.alice, 99, before=1)


@pytest.mark.parametrize("who", ["hal", "vera"])
def test_only_who_manages_tasks_orders(who: str, cards: Cast) -> None:
    with refused(NotAllowed):
        actions.position_task(getattr(cards, who), 1, before=4)


def test_columns_have_orders_of_their_own(cards: Cast) -> None:
    for number in (1, 2, 3):
        actions.claim_task(cards.hal, number)
    assert order(cards, "in_progress") == [3, 2, 1]
    actions.position_task(cards.alice, 1, before=3)
    assert order(cards, "in_progress") == [1, 3, 2]
    assert order(cards) == [5, 4]


def test_equal_places_are_told_apart(cards: Cast) -> None:
    Task.objects.update(position=0)
    assert order(cards) == [1, 2, 3, 4, 5]
    actions.position_task(cards.alice, 5, after=2)
    assert order(cards) == [1, 2, 5, 3, 4]
    actions.position_task(cards.alice, 4, before=1)
    assert order(cards) == [4, 1, 2, 5, 3]


def test_a_gap_that_comes_to_its_end_is_spread(cards: Cast) -> None:
    for _ in range(40):
        actions.position_task(cards.alice, 1, after=5)
        assert order(cards)[:2] == [5, 1]
        actions.position_task(cards.alice, 2, after=5)
        assert order(cards)[:3] == [5, 2, 1]
    spread = Event.objects.filter(kind="task.moved", data__has_key="affects")
    assert spread.exists()
    assert set(spread.latest("seq").data["affects"]) | {spread.latest("seq").task} == {
        1, 2, 3, 4, 5,
    }  # fmt: skip
    assert Task.objects.get(number=3).version == 1  # spreading is no change of a card


CARDS = 6
STEPS = st.lists(
    st.tuples(st.integers(1, CARDS), st.integers(1, CARDS), st.booleans()), min_size=1, max_size=25
)


@settings(
    max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    steps=STEPS, places=st.lists(st.sampled_from([0.0, 1e-7, 1.0, -5.0]), min_size=6, max_size=6)
)
def test_positions_are_the_order_of_a_plain_list(
    steps: list[tuple[int, int, bool]], places: list[float], cast: Cast
) -> None:
    Task.objects.all().delete()
    Task.objects.bulk_create(
        Task(team=cast.team, number=n, subject="Card", position=places[n - 1])
        for n in range(1, CARDS + 1)
    )
    plain = order(cast)
    for number, anchor, before in steps:
        where: dict[str, int] = {"before" if before else "after": anchor}
        seq = Event.objects.count()
        actions.position_task(cast.alice, number, **where)
        was = list(plain)
        if number != anchor:
            plain.remove(number)
            plain.insert(plain.index(anchor) + (0 if before else 1), number)
        assert order(cast) == plain
        assert Event.objects.count() - seq == (was != plain)


def test_ordering_asks_little_of_the_database(cards: Cast, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(10):
        actions.position_task(cards.alice, 1, before=4)


def test_a_drop_moves_and_places(cards: Cast, journal: Journal) -> None:
    for number in (1, 2):
        actions.claim_task(cards.hal, number)
    task = actions.drop(cards.alice, 3, actions.start_task, after=2)
    assert (task.column, order(cards, "in_progress")) == ("in_progress", [2, 3, 1])
    assert journal() == ["task.claimed", "task.claimed", "task.started", "task.moved"]


def test_a_drop_by_who_orders_nothing_only_moves(cards: Cast) -> None:
    for number in (1, 2):
        actions.claim_task(cards.hal, number)
    assert actions.drop(cards.hal, 3, actions.claim_task, after=1).column == "in_progress"
    assert order(cards, "in_progress") == [3, 2, 1]


def test_a_drop_beside_what_moved_away_stays_on_top(cards: Cast) -> None:
    actions.claim_task(cards.hal, 1)
    actions.drop(cards.alice, 3, actions.start_task, after=2)
    assert order(cards, "in_progress") == [3, 1]
    actions.drop(cards.alice, 2, actions.start_task)
    assert order(cards, "in_progress") == [2, 3, 1]


def test_a_refused_drop_moves_nothing(cards: Cast) -> None:
    with refused(Conflict, "wrong_state"):
        actions.drop(cards.alice, 3, actions.complete_task, after=2)
    assert order(cards) == [5, 4, 3, 2, 1]
