from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.tasks.graph import (
    Edge,
    Node,
    build,
    critical_path,
    find_cycle,
    layers,
    open_blockers,
    ready,
    topological_order,
)

CHAIN = [(1, 2), (2, 3)]
DIAMOND = [(1, 2), (1, 3), (2, 4), (3, 4)]


def cards(*numbers: int, **values: object) -> list[Node]:
    return [Node(number, f"Card {number}", **values) for number in numbers]


def done(number: int) -> Node:
    return Node(number, f"Card {number}", status="completed", finished=True)


def trashed(number: int) -> Node:
    return Node(number, f"Card {number}", status="deleted", deleted=True)


numbers = st.integers(1, 12)
any_edges = st.lists(st.tuples(numbers, numbers), max_size=40)
# An edge from the smaller to the larger number can close no circle.
sound_edges = any_edges.map(lambda edges: [(min(e), max(e)) for e in edges if e[0] != e[1]])


def reaches(edges: list[Edge], start: int, goal: int) -> bool:
    found, todo = {start}, [start]
    while todo:
        here = todo.pop()
        todo += [b for a, b in edges if a == here and b not in found]
        found |= {b for a, b in edges if a == here}
    return goal in found


# Neighbours


def test_a_chain_is_readable_in_both_directions() -> None:
    graph = build(cards(3, 1, 2), CHAIN)
    assert graph.blocked_by == {1: [], 2: [1], 3: [2]}
    assert graph.blocks == {1: [2], 2: [3], 3: []}


def test_the_last_of_a_diamond_has_two_blockers() -> None:
    assert build(cards(1, 2, 3, 4), DIAMOND).blocked_by[4] == [2, 3]


def test_an_edge_counts_once_and_unknown_or_deleted_ends_do_not_count() -> None:
    graph = build([*cards(1, 2), trashed(3)], [(1, 2), (1, 2), (3, 2), (9, 1), (1, 9)])
    assert graph.edges == [(1, 2)]
    assert list(graph.nodes) == [1, 2]


# Cycles


@pytest.mark.parametrize(
    ("edges", "blocker", "blocked", "circle"),
    [
        ([(1, 2)], 2, 1, [1, 2, 1]),
        (CHAIN, 3, 1, [1, 2, 3, 1]),
        (DIAMOND, 4, 1, [1, 2, 4, 1]),
        ([], 1, 1, [1, 1]),
        (CHAIN, 2, 2, [2, 2]),
        (CHAIN, 4, 1, None),
        (CHAIN, 1, 3, None),
        (CHAIN, 1, 2, None),
        (DIAMOND, 1, 4, None),
        (DIAMOND, 2, 3, None),
        ([], 8, 9, None),
    ],
)
def test_find_cycle(edges: list[Edge], blocker: int, blocked: int, circle: list[int]) -> None:
    assert find_cycle(edges, blocker, blocked) == circle


def test_of_two_circles_the_shorter_is_told() -> None:
    assert find_cycle([(1, 2), (2, 3), (3, 4), (1, 4)], 4, 1) == [1, 4, 1]


@given(any_edges, numbers, numbers)
def test_a_circle_is_found_exactly_when_there_is_one(
    edges: list[Edge], blocker: int, blocked: int
) -> None:
    circle = find_cycle(edges, blocker, blocked)
    assert (circle is not None) == reaches(edges, blocked, blocker)
    if circle is not None:
        assert circle[0] == circle[-1] == blocked
        assert circle[-2] == blocker
        steps = list(pairwise(circle))
        assert set(steps) <= {*edges, (blocker, blocked)}


def test_a_long_chain_needs_no_recursion_and_no_search_per_card() -> None:
    size = 20_000
    edges = [(number, number + 1) for number in range(1, size)]
    circle = find_cycle(edges, size, 1)
    assert circle is not None
    assert len(circle) == size + 1
    assert len(critical_path(cards(*range(1, size + 1)), edges)) == size


# Ready


@pytest.mark.parametrize(
    ("blocker", "is_ready"),
    [
        (done(1), True),
        (trashed(1), True),
        (Node(1, "Card 1"), False),
        (Node(1, "Card 1", status="in_progress"), False),
        (Node(1, "Card 1", status="completed"), False),  # where the team waits for approval
    ],
)
def test_ready_when_the_blocker_is_finished(blocker: Node, is_ready: bool) -> None:
    assert (2 in ready([blocker, *cards(2)], [(1, 2)])) is is_ready


def test_without_blockers_a_pending_card_is_ready() -> None:
    assert ready(cards(2, 10, 1), []) == [1, 2, 10]


def test_an_edge_to_a_card_that_is_gone_does_not_block() -> None:
    """Deleting a blocker frees what it blocked, so one that is missing altogether does too."""
    assert ready(cards(2), [(1, 2)]) == [2]


@pytest.mark.parametrize("status", ["in_progress", "completed", "deleted"])
def test_only_pending_cards_are_ready(status: str) -> None:
    assert ready(cards(1, status=status), []) == []


def test_ready_for_an_owner_leaves_out_what_others_own() -> None:
    nodes = [Node(1, "a"), Node(2, "b", owner="Hal"), Node(3, "c", owner="Iris")]
    assert ready(nodes, [], owner="Hal") == [1, 2]
    assert ready(nodes, []) == [1, 2, 3]


def test_open_blockers_names_what_each_card_waits_for() -> None:
    nodes = [done(1), *cards(2, 3, 4)]
    assert open_blockers(nodes, DIAMOND) == {4: [2, 3]}


def test_a_finished_card_waits_for_nothing() -> None:
    assert open_blockers([*cards(1), done(2)], [(1, 2)]) == {}


# Order


@pytest.mark.parametrize(
    ("nodes", "edges", "order"),
    [
        (cards(3, 2, 1), CHAIN, [1, 2, 3]),
        (cards(4, 3, 2, 1), DIAMOND, [1, 2, 3, 4]),
        (cards(10, 9, 2), [], [2, 9, 10]),
        (cards(1, 2, 3), [(3, 1)], [2, 3, 1]),
        ([*cards(1, 3), trashed(2)], CHAIN, [1, 3]),
        ([], [], []),
    ],
)
def test_topological_order_takes_the_smallest_free_number(
    nodes: list[Node], edges: list[Edge], order: list[int]
) -> None:
    found = topological_order(nodes, edges)
    assert (found.numbers, found.stuck, found.cycle) == (order, [], [])


def test_a_cycle_is_reported_with_all_that_waits_behind_it() -> None:
    found = topological_order(cards(1, 2, 3, 4, 5), [(1, 2), (2, 3), (3, 4), (4, 2), (4, 5)])
    assert found.numbers == [1]
    assert found.stuck == [2, 3, 4, 5]
    assert found.cycle == [2, 3, 4]


def test_a_card_that_blocks_itself_is_a_cycle() -> None:
    found = topological_order(cards(1, 2), [(1, 1)])
    assert (found.numbers, found.stuck, found.cycle) == ([2], [1], [1])


@given(sound_edges)
def test_every_blocker_comes_before_what_it_blocks(edges: list[Edge]) -> None:
    order = topological_order(cards(*range(1, 13)), edges)
    place = {number: index for index, number in enumerate(order.numbers)}
    assert sorted(place) == list(range(1, 13))
    assert all(place[blocker] < place[blocked] for blocker, blocked in edges)


@given(any_edges)
def test_nothing_raises_or_loses_a_card_on_any_edges(edges: list[Edge]) -> None:
    nodes = cards(*range(1, 13))
    order = topological_order(nodes, edges)
    assert sorted(order.numbers + order.stuck) == list(range(1, 13))
    assert bool(order.stuck) == bool(order.cycle)
    circle = [*order.cycle, *order.cycle[:1]]
    assert set(pairwise(circle)) <= set(edges)
    assert sorted(number for layer in layers(nodes, edges) for number in layer) == list(
        range(1, 13)
    )
    path = critical_path(nodes, edges)
    assert set(pairwise(path)) <= set(edges)


# Critical path


@pytest.mark.parametrize(
    ("nodes", "edges", "path"),
    [
        (cards(1, 2, 3), CHAIN, [1, 2, 3]),
        (cards(1, 2, 3, 4), DIAMOND, [1, 2, 4]),
        (cards(3, 1, 2), [], [1]),
        ([*cards(1, 3), trashed(2)], CHAIN, [1]),
        (cards(1, 2, 3, 4, 5), [(1, 5), (2, 3), (3, 4)], [2, 3, 4]),
        (cards(10, 9, 2), [(10, 9), (10, 2)], [10, 2]),
        (cards(1, 2, 3), [(1, 2), (2, 3), (3, 2)], [1]),
        ([], [], []),
    ],
)
def test_critical_path(nodes: list[Node], edges: list[Edge], path: list[int]) -> None:
    assert critical_path(nodes, edges) == path


def test_the_order_of_the_input_never_matters() -> None:
    nodes, edges = cards(1, 2, 3, 4), DIAMOND
    for step in (1, -1):
        assert critical_path(nodes[::step], edges[::step]) == [1, 2, 4]
        assert layers(nodes[::step], edges[::step]) == [[1], [2, 3], [4]]


@given(sound_edges)
def test_no_chain_is_longer_than_the_critical_path(edges: list[Edge]) -> None:
    nodes = cards(*range(1, 13))
    assert len(critical_path(nodes, edges)) == len(layers(nodes, edges))


# Layers


@pytest.mark.parametrize(
    ("nodes", "edges", "expected"),
    [
        (cards(1, 2, 3), CHAIN, [[1], [2], [3]]),
        (cards(1, 2, 3, 4), DIAMOND, [[1], [2, 3], [4]]),
        (cards(1, 2, 3, 4, 5, 6), [(1, 4), (2, 4), (4, 6), (5, 6)], [[1, 2, 3, 5], [4], [6]]),
        (cards(1, 2, 3), [(1, 2), (2, 3), (1, 3)], [[1], [2], [3]]),
        (cards(1, 2, 3), [(2, 3), (3, 2)], [[1], [2, 3]]),
        (cards(10, 9), [], [[9, 10]]),
        ([], [], []),
    ],
)
def test_layers(nodes: list[Node], edges: list[Edge], expected: list[list[int]]) -> None:
    assert layers(nodes, edges) == expected
