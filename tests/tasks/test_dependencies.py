from __future__ import annotations

from typing import Any

import pytest

from apps.tasks import actions
from apps.tasks.dependencies import (
    MOST_DRAWN,
    Filters,
    Reading,
    as_data,
    page_for,
    read_graph,
)
from apps.tasks.graph import Node
from apps.tasks.models import Task
from apps.tasks.moves import Column
from apps.teams.models import Member

OVER: dict[str, Any] = {"status": "completed", "finished": True}


def reading(edges: list[tuple[int, int]], **columns: str) -> Reading:
    """Cards named `c1`, `c2` … in these columns; done and approved ones are finished."""
    over = {Column.DONE, Column.APPROVED}
    nodes = [
        Node(int(name[1:]), name, **(OVER if column in over else {}))
        for name, column in columns.items()
    ]
    return Reading(nodes, edges, {int(name[1:]): column for name, column in columns.items()})


def numbers(found: Reading, **filters: str) -> list[int]:
    return [card.number for card in page_for(found, Filters.parse(filters)).cards]


CHAIN = reading([(1, 2), (2, 3)], c1="approved", c2="done", c3="todo", c4="todo", c5="approved")


@pytest.mark.parametrize(
    ("filters", "left"),
    [
        ({}, [1, 2, 3, 4, 5]),
        ({"hide": "approved"}, [2, 3, 4]),
        ({"hide": "finished"}, [3, 4]),
        ({"hide": "nonsense"}, [1, 2, 3, 4, 5]),
        ({"linked": "1"}, [1, 2, 3]),
        ({"linked": "1", "hide": "approved"}, [2, 3]),
        ({"linked": "1", "hide": "finished"}, []),
    ],
)
def test_filters_leave_out_what_they_name(filters: dict[str, str], left: list[int]) -> None:
    assert numbers(CHAIN, **filters) == left


def test_what_still_blocks_is_never_hidden() -> None:
    waits = Reading(
        [Node(1, "done, not approved", status="completed"), Node(2, "waits")],
        [(1, 2)],
        {1: "done", 2: "todo"},
    )
    assert numbers(waits, hide="finished") == [1, 2]


def test_the_order_has_blockers_first_and_what_is_stuck_last() -> None:
    found = reading([(4, 1), (2, 3), (3, 2)], c1="todo", c2="todo", c3="todo", c4="todo")
    page = page_for(found, Filters())
    assert [card.number for card in page.cards] == [4, 1, 2, 3]
    assert page.cycle == [2, 3]
    assert [(card.number, card.waits_for, card.blocks) for card in page.cards][:2] == [
        (4, [], [1]),
        (1, [4], []),
    ]


def test_one_card_alone_is_no_chain() -> None:
    assert page_for(reading([], c1="todo"), Filters()).critical_path == []
    assert page_for(CHAIN, Filters()).critical_path == []
    assert page_for(reading([(1, 2)], c1="todo", c2="todo"), Filters()).critical_path == [1, 2]


def test_of_very_many_cards_those_are_drawn_that_are_left_and_linked() -> None:
    columns = {f"c{number}": "done" for number in range(1, MOST_DRAWN + 1)}
    columns |= {f"c{MOST_DRAWN + extra}": "todo" for extra in range(1, 4)}
    page = page_for(reading([(1, 2)], **columns), Filters())
    drawn = {card.number for card in page.cards}
    assert len(drawn) == MOST_DRAWN
    assert page.left_out == 3
    assert {1, 2, MOST_DRAWN + 1, MOST_DRAWN + 2, MOST_DRAWN + 3} <= drawn


def test_the_graph_of_a_team_leaves_out_trash_and_trackers(alice: Member, hal: Member) -> None:
    first = actions.create_task(alice, "First", owner="hal").number
    actions.create_task(alice, "Second", blocked_by=[first])
    actions.delete_task(alice, actions.create_task(alice, "Gone").number)
    tracker = actions.create_task(alice, "Tracker")
    Task.objects.filter(pk=tracker.pk).update(internal=True)

    data = as_data(read_graph(alice))

    assert [(node["number"], node["owner"]) for node in data["nodes"]] == [(1, "hal"), (2, None)]
    assert data["edges"] == [{"blocker": 1, "blocked": 2}]
    assert (data["ready"], data["order"], data["critical_path"]) == ([1], [1, 2], [1, 2])
    actions.start_task(hal, first)
    actions.complete_task(hal, first)
    assert as_data(read_graph(alice))["ready"] == [2]
