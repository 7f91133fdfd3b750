"""Where the boxes and lines of the dependency picture go, in pixels.

Columns are the layers of the graph, left to right. A line that passes columns on its way gets a
lane of its own in each of them, so that it never runs behind a box. Within a column boxes and
lanes follow their neighbours, which leaves few crossings. Cards without any dependency stand in
rows below. The same graph always gives the same picture.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from textwrap import shorten, wrap

from apps.tasks.graph import Edge, Graph, Node, build, critical_path, layers, open_blockers

BOX_WIDTH, BOX_HEIGHT = 280, 64
COLUMN_PITCH = BOX_WIDTH + 80
ROW_GAP = 24
LANE_HEIGHT = 12
MARGIN = 16
LINE_CHARS = 36
SWEEPS = 4
LEAST_COLUMNS = 3

# The lane of an edge in the column that it passes; a place in a column is this or a card's number.
Lane = tuple[int, int, int]
Place = int | Lane


@dataclass(frozen=True, slots=True)
class Box:
    """A card: its upper left corner, its subject in one or two lines, and what marks it."""

    node: Node
    x: int
    y: int
    lines: tuple[str, ...]
    ready: bool
    blocked: bool
    critical: bool
    width: int = BOX_WIDTH
    height: int = BOX_HEIGHT


@dataclass(frozen=True, slots=True)
class Line:
    """An edge as the `d` of an SVG path; `open` while its blocker is unfinished."""

    blocker: int
    blocked: int
    path: str
    open: bool
    critical: bool


@dataclass(frozen=True, slots=True)
class Picture:
    """All of it, on a ground of `width` by `height`; both 0 when there is nothing to draw."""

    width: int
    height: int
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]


def layout(nodes: Iterable[Node], edges: Iterable[Edge]) -> Picture:
    """The picture of all cards that are not deleted."""
    nodes, edges = list(nodes), list(edges)
    graph = build(nodes, edges)
    if not graph.nodes:
        return Picture(0, 0, (), ())
    linked = [n for number, n in graph.nodes.items() if _is_linked(graph, number)]
    alone = [number for number in graph.nodes if not _is_linked(graph, number)]
    columns = _columns(graph, layers(linked, edges))
    spots = _spots(columns)
    bottom = max((y + _height(place) for place, (_, y) in spots.items()), default=0)
    across = max(len(columns), LEAST_COLUMNS)
    top = bottom + 2 * ROW_GAP if bottom else MARGIN
    for index, number in enumerate(alone):
        row, column = divmod(index, across)
        spots[number] = (_x(column), top + row * (BOX_HEIGHT + ROW_GAP))
    # A path through finished cards says nothing about what is still to do.
    left = [node for node in graph.nodes.values() if not node.finished]
    return _picture(graph, spots, critical_path(left, edges), open_blockers(nodes, edges))


def _is_linked(graph: Graph, number: int) -> bool:
    return bool(graph.blocks[number] or graph.blocked_by[number])


def _x(column: int) -> int:
    return MARGIN + column * COLUMN_PITCH


def _height(place: Place) -> int:
    return BOX_HEIGHT if isinstance(place, int) else LANE_HEIGHT


def _columns(graph: Graph, found: Sequence[Sequence[int]]) -> list[list[Place]]:
    """The layers with their lanes, each in an order that keeps neighbours level."""
    columns: list[list[Place]] = [list(layer) for layer in found]
    depth = {number: column for column, layer in enumerate(found) for number in layer}
    before: dict[Place, list[Place]] = {}
    after: dict[Place, list[Place]] = {}
    for edge in graph.edges:
        lanes = _lanes(edge, depth)
        for lane in lanes:
            columns[lane[2]].append(lane)
        route: list[Place] = [edge[0], *lanes, edge[1]]
        for left, right in pairwise(route):
            after.setdefault(left, []).append(right)
            before.setdefault(right, []).append(left)
    for _ in range(SWEEPS):
        _sweep(columns, before)
        columns.reverse()
        _sweep(columns, after)
        columns.reverse()
    return columns


def _lanes(edge: Edge, depth: dict[int, int]) -> list[Lane]:
    blocker, blocked = edge
    return [(blocker, blocked, column) for column in range(depth[blocker] + 1, depth[blocked])]


def _sweep(columns: list[list[Place]], neighbours: dict[Place, list[Place]]) -> None:
    """Order every column but the first by the mean rank of each place's neighbours before it."""
    for fixed, column in pairwise(columns):
        rank = {place: index / len(fixed) for index, place in enumerate(fixed)}
        own = {place: index / len(column) for index, place in enumerate(column)}
        wish = {}
        for place in column:
            ranks = [rank[other] for other in neighbours.get(place, ()) if other in rank]
            wish[place] = sum(ranks) / len(ranks) if ranks else own[place]
        column.sort(key=wish.__getitem__)


def _spots(columns: Sequence[Sequence[Place]]) -> dict[Place, tuple[int, int]]:
    """The upper left corner of each place, every column centred on the tallest."""
    heights = [sum(_height(place) + ROW_GAP for place in column) for column in columns]
    spots: dict[Place, tuple[int, int]] = {}
    for index, column in enumerate(columns):
        y = MARGIN + (max(heights) - heights[index]) // 2
        for place in column:
            spots[place] = (_x(index), y)
            y += _height(place) + ROW_GAP
    return spots


def _picture(
    graph: Graph,
    spots: dict[Place, tuple[int, int]],
    critical: Sequence[int],
    waiting: dict[int, list[int]],
) -> Picture:
    # A path of one card is no path, and marking it would mark an arbitrary card.
    on_path = set(critical) if len(critical) > 1 else set()
    steps = set(pairwise(critical))
    boxes = [
        Box(
            node,
            *spots[number],
            lines=_lines(node.subject),
            ready=node.status == "pending" and not node.finished and number not in waiting,
            blocked=number in waiting,
            critical=number in on_path,
        )
        for number, node in graph.nodes.items()
    ]
    lines = [
        Line(
            *edge,
            path=_path(edge, spots),
            open=not graph.nodes[edge[0]].finished,
            critical=edge in steps,
        )
        for edge in graph.edges
    ]
    right = max(x for x, _ in spots.values()) + BOX_WIDTH + MARGIN
    bottom = max(y + _height(place) for place, (_, y) in spots.items()) + MARGIN
    return Picture(right, bottom, tuple(boxes), tuple(lines))


def _lines(subject: str) -> tuple[str, ...]:
    first, *rest = wrap(" ".join(subject.split()), LINE_CHARS) or [""]
    return (first, shorten(" ".join(rest), LINE_CHARS, placeholder=" …")) if rest else (first,)


def _path(edge: Edge, spots: dict[Place, tuple[int, int]]) -> str:
    """From the right side of the blocker through its lanes to the left side of the blocked."""
    blocker, blocked = edge
    x, y = spots[blocker][0] + BOX_WIDTH, spots[blocker][1] + BOX_HEIGHT // 2
    parts = [f"M{x} {y}"]
    lane = _lanes_start(spots, edge)
    while (place := (blocker, blocked, lane)) in spots:
        left, top = spots[place]
        parts += [_curve(x, y, left, top + LANE_HEIGHT // 2), f"H{left + BOX_WIDTH}"]
        x, y = left + BOX_WIDTH, top + LANE_HEIGHT // 2
        lane += 1
    left, top = spots[blocked]
    return "".join([*parts, _curve(x, y, left, top + BOX_HEIGHT // 2)])


def _lanes_start(spots: dict[Place, tuple[int, int]], edge: Edge) -> int:
    return (spots[edge[0]][0] - MARGIN) // COLUMN_PITCH + 1


def _curve(x: int, y: int, to_x: int, to_y: int) -> str:
    bend = max(abs(to_x - x) // 2, 40)
    return f"C{x + bend} {y} {to_x - bend} {to_y} {to_x} {to_y}"
