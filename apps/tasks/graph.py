"""The dependency graph of a team's cards, on plain data.

An edge is a pair (blocker, blocked). Every function takes nodes and edges in any order and answers
in an order of its own: by number where nothing else decides. Edges to numbers that are not among
the nodes are ignored, and so are deleted cards, since deleting a blocker frees what it blocked.
"""

from __future__ import annotations

import heapq
from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

Edge = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Node:
    """A card as the graph sees it; `finished` means that it no longer blocks anything."""

    number: int
    subject: str
    status: str = "pending"
    finished: bool = False
    deleted: bool = False
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """`numbers`: blockers before what they block, the smallest number first where it is free.

    `stuck` are the cards in or behind a cycle, which have no such order; `cycle` is one of the
    cycles, each card blocking the next and the last the first. Both are empty in a sound graph.
    """

    numbers: list[int]
    stuck: list[int]
    cycle: list[int]


@dataclass(frozen=True, slots=True)
class Graph:
    """The cards that show, with their neighbours on both sides, ascending."""

    nodes: dict[int, Node]
    blocked_by: dict[int, list[int]]
    blocks: dict[int, list[int]]

    @property
    def edges(self) -> list[Edge]:
        """Every edge once: by blocker, then by blocked."""
        return [(number, other) for number in self.nodes for other in self.blocks[number]]


def build(nodes: Iterable[Node], edges: Iterable[Edge]) -> Graph:
    """The graph of `nodes` without the deleted ones, each edge once."""
    kept = {node.number: node for node in sorted(nodes, key=_number) if not node.deleted}
    blocked_by: dict[int, list[int]] = {number: [] for number in kept}
    blocks: dict[int, list[int]] = {number: [] for number in kept}
    for blocker, blocked in sorted(set(edges)):
        if blocker in kept and blocked in kept:
            blocks[blocker].append(blocked)
            blocked_by[blocked].append(blocker)
    return Graph(kept, blocked_by, blocks)


def find_cycle(edges: Iterable[Edge], blocker: int, blocked: int) -> list[int] | None:
    """The circle that the edge blocker → blocked would close, or None if it closes none.

    It starts and ends with `blocked` and each number blocks the next; of several the shortest.
    """
    after: dict[int, list[int]] = defaultdict(list)
    for source, target in edges:
        after[source].append(target)
    came_from = {blocked: blocked}
    queue = deque([blocked])
    while queue and blocker not in came_from:
        here = queue.popleft()
        for there in sorted(after.get(here, ())):
            if there not in came_from:
                came_from[there] = here
                queue.append(there)
    if blocker not in came_from:
        return None
    path = [blocked, blocker]
    while path[-1] != blocked:
        path.append(came_from[path[-1]])
    return path[::-1]


def open_blockers(nodes: Iterable[Node], edges: Iterable[Edge]) -> dict[int, list[int]]:
    """For each unfinished card that waits: the numbers of the unfinished ones it waits for."""
    graph = build(nodes, edges)
    waits = {
        number: [other for other in before if not graph.nodes[other].finished]
        for number, before in graph.blocked_by.items()
        if not graph.nodes[number].finished
    }
    return {number: blockers for number, blockers in waits.items() if blockers}


def ready(nodes: Iterable[Node], edges: Iterable[Edge], *, owner: str | None = None) -> list[int]:
    """The pending cards whose blockers are all finished, ascending.

    With `owner`: only those that `owner` may claim, so unowned ones and their own.
    """
    nodes = list(nodes)
    waiting = open_blockers(nodes, edges)
    return sorted(
        node.number
        for node in nodes
        if node.status == "pending"
        and not (node.deleted or node.finished or node.number in waiting)
        and (owner is None or node.owner in (None, owner))
    )


def topological_order(nodes: Iterable[Node], edges: Iterable[Edge]) -> Order:
    """An order to do the cards in; a cycle is reported, never raised."""
    graph = build(nodes, edges)
    sorter = TopologicalSorter(graph.blocked_by)
    cycle: list[int] = []
    try:
        sorter.prepare()
    except CycleError as error:  # the sorter still hands out everything before the cycle
        cycle = _from_smallest(error.args[1][:-1])
    numbers: list[int] = []
    free = list(sorter.get_ready())
    heapq.heapify(free)
    while free:
        number = heapq.heappop(free)
        numbers.append(number)
        sorter.done(number)
        for freed in sorter.get_ready():
            heapq.heappush(free, freed)
    return Order(numbers, sorted(graph.nodes.keys() - set(numbers)), cycle)


def critical_path(nodes: Iterable[Node], edges: Iterable[Edge]) -> list[int]:
    """The longest chain of cards, blockers first; of equal ones that with the smaller numbers.

    Cards in or behind a cycle are left out. For what is still to do, give unfinished nodes only.
    """
    nodes, edges = list(nodes), list(edges)
    graph = build(nodes, edges)
    order = topological_order(nodes, edges).numbers
    length: dict[int, int] = {}
    following: dict[int, int] = {}
    for number in reversed(order):
        after = [other for other in graph.blocks[number] if other in length]
        best = min(after, key=lambda other: (-length[other], other), default=None)
        length[number] = 1
        if best is not None:
            following[number] = best
            length[number] += length[best]
    if not length:
        return []
    path = [min(length, key=lambda number: (-length[number], number))]
    while path[-1] in following:
        path.append(following[path[-1]])
    return path


def layers(nodes: Iterable[Node], edges: Iterable[Edge]) -> list[list[int]]:
    """Columns for a drawing: each card one further than its furthest blocker.

    Cards in or behind a cycle stand together in one last column.
    """
    nodes, edges = list(nodes), list(edges)
    graph = build(nodes, edges)
    order = topological_order(nodes, edges)
    depth: dict[int, int] = {}
    for number in order.numbers:
        depth[number] = 1 + max((depth[other] for other in graph.blocked_by[number]), default=-1)
    columns: list[list[int]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for number in sorted(depth):
        columns[depth[number]].append(number)
    return [*columns, order.stuck] if order.stuck else columns


def _number(node: Node) -> int:
    return node.number


def _from_smallest(cycle: list[int]) -> list[int]:
    start = cycle.index(min(cycle))
    return cycle[start:] + cycle[:start]
