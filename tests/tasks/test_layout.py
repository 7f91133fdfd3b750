from __future__ import annotations

import re
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from apps.tasks.graph import Edge, Node
from apps.tasks.layout import (
    BOX_HEIGHT,
    BOX_WIDTH,
    COLUMN_PITCH,
    MARGIN,
    Box,
    Picture,
    layout,
)

DIAMOND = [(1, 2), (1, 3), (2, 4), (3, 4)]
NUMBER = re.compile(r"-?\d+")


def cards(*numbers: int) -> list[Node]:
    return [Node(number, f"Card {number}") for number in numbers]


def box(picture: Picture, number: int) -> Box:
    return next(box for box in picture.boxes if box.node.number == number)


def test_nothing_makes_no_picture() -> None:
    assert layout([], []) == Picture(0, 0, (), ())
    assert layout([Node(1, "Gone", deleted=True)], []) == Picture(0, 0, (), ())


def test_columns_follow_the_layers_and_a_chain_is_level() -> None:
    picture = layout(cards(1, 2, 3), [(1, 2), (2, 3)])
    assert [box(picture, n).x for n in (1, 2, 3)] == [MARGIN + n * COLUMN_PITCH for n in range(3)]
    assert len({box.y for box in picture.boxes}) == 1
    assert picture.width == MARGIN * 2 + COLUMN_PITCH * 2 + BOX_WIDTH


def test_a_line_leads_from_the_right_of_the_blocker_to_the_left_of_the_blocked() -> None:
    picture = layout(cards(1, 2), [(1, 2)])
    (line,) = picture.lines
    middle = box(picture, 1).y + BOX_HEIGHT // 2
    assert line.path.startswith(f"M{MARGIN + BOX_WIDTH} {middle}C")
    assert line.path.endswith(f" {box(picture, 2).x} {middle}")


def test_a_line_over_a_column_has_a_lane_beside_its_boxes() -> None:
    picture = layout(cards(1, 2, 3), [(1, 2), (2, 3), (1, 3)])
    long = next(line for line in picture.lines if (line.blocker, line.blocked) == (1, 3))
    assert f"H{box(picture, 2).x + BOX_WIDTH}" in long.path
    level = int(re.findall(r"(\d+)H", long.path)[0])
    assert not box(picture, 2).y <= level <= box(picture, 2).y + BOX_HEIGHT


def test_neighbours_are_level_so_that_lines_do_not_cross() -> None:
    """By number alone 3 would stand above 4 and both lines would cross."""
    picture = layout(cards(1, 2, 3, 4), [(1, 4), (2, 3)])
    assert box(picture, 1).y == box(picture, 4).y
    assert box(picture, 2).y == box(picture, 3).y


def test_cards_without_dependencies_stand_in_rows_below() -> None:
    picture = layout(cards(1, 2, 3, 4, 5, 6), [(1, 2)])
    rows = [(box(picture, n).x, box(picture, n).y) for n in (3, 4, 5, 6)]
    assert len({y for _, y in rows[:3]}) == 1
    assert rows[0][1] > box(picture, 1).y + BOX_HEIGHT
    assert rows[3][0] == rows[0][0]
    assert rows[3][1] > rows[0][1]


def test_marks() -> None:
    nodes = [
        Node(1, "a", status="completed", finished=True),
        *cards(2, 3),
        Node(5, "e", status="in_progress"),
    ]
    picture = layout(nodes, [(1, 2), (2, 3)])
    assert [b.node.number for b in picture.boxes if b.ready] == [2]
    assert [b.node.number for b in picture.boxes if b.blocked] == [3]
    assert [b.node.number for b in picture.boxes if b.critical] == [2, 3]
    assert [(line.blocker, line.open, line.critical) for line in picture.lines] == [
        (1, False, False),
        (2, True, True),
    ]


def test_without_any_chain_nothing_is_critical() -> None:
    assert not any(box.critical for box in layout(cards(1, 2), []).boxes)


def test_a_subject_takes_two_lines_at_most() -> None:
    picture = layout([Node(1, "word " * 40), Node(2, "Short"), Node(3, "x" * 100)], [])
    assert all(len(line) <= 36 for each in picture.boxes for line in each.lines)
    assert [len(each.lines) for each in picture.boxes] == [2, 1, 2]
    assert picture.boxes[0].lines[1].endswith("…")
    assert box(picture, 2).lines == ("Short",)


def test_a_cycle_is_drawn_in_one_last_column() -> None:
    picture = layout(cards(1, 2, 3), [(1, 2), (2, 3), (3, 2)])
    assert box(picture, 2).x == box(picture, 3).x == MARGIN + COLUMN_PITCH
    assert len(picture.lines) == 3


numbers = st.integers(1, 10)


@given(st.lists(st.tuples(numbers, numbers), max_size=25))
def test_any_graph_fits_its_ground_and_no_boxes_overlap(edges: list[Edge]) -> None:
    nodes = cards(*range(1, 11))
    picture = layout(nodes, edges)
    assert picture == layout(nodes[::-1], edges[::-1])
    assert {b.node.number for b in picture.boxes} == set(range(1, 11))
    assert {(line.blocker, line.blocked) for line in picture.lines} == set(edges)
    for each in picture.boxes:
        assert MARGIN <= each.x <= picture.width - MARGIN - BOX_WIDTH
        assert MARGIN <= each.y <= picture.height - MARGIN - BOX_HEIGHT
    for one, other in combinations(picture.boxes, 2):
        apart = abs(one.x - other.x) >= BOX_WIDTH or abs(one.y - other.y) >= BOX_HEIGHT
        assert apart
    for line in picture.lines:
        start, end = box(picture, line.blocker), box(picture, line.blocked)
        x, y, *_, to_x, to_y = map(int, NUMBER.findall(line.path))
        assert (x, y) == (start.x + BOX_WIDTH, start.y + BOX_HEIGHT // 2)
        assert (to_x, to_y) == (end.x, end.y + BOX_HEIGHT // 2)


@given(st.lists(st.tuples(numbers, numbers).filter(lambda e: e[0] < e[1]), max_size=20))
def test_no_lane_runs_behind_a_box(edges: list[Edge]) -> None:
    picture = layout(cards(*range(1, 11)), edges)
    for line in picture.lines:
        for y, end in re.findall(r"(\d+)H(\d+)", line.path):
            column = [b for b in picture.boxes if b.x + BOX_WIDTH == int(end)]
            assert all(not b.y <= int(y) <= b.y + BOX_HEIGHT for b in column)
