"""The dependency graph of a team as its page and the other doors read it. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from django.db.models import BooleanField, ExpressionWrapper

from apps.tasks import graph, layout
from apps.tasks.models import Dependency, Task
from apps.tasks.models.task import finished
from apps.tasks.moves import Column
from apps.teams.models import Member

# More boxes than this nobody reads, and a browser takes seconds to draw them.
MOST_DRAWN = 400
HIDES: dict[str, frozenset[str]] = {
    "": frozenset(),
    "approved": frozenset({Column.APPROVED}),
    "finished": frozenset({Column.DONE, Column.APPROVED}),
}


@dataclass(frozen=True)
class Reading:
    """The cards that show, the edges between them, and each card's column."""

    nodes: Sequence[graph.Node]
    edges: Sequence[graph.Edge]
    columns: Mapping[int, str]

    @cached_property
    def order(self) -> graph.Order:
        """An order to do them in, and what has none."""
        return graph.topological_order(self.nodes, self.edges)

    @cached_property
    def waiting(self) -> dict[int, list[int]]:
        """For each card that waits, the numbers of what it waits for."""
        return graph.open_blockers(self.nodes, self.edges)

    @cached_property
    def ready(self) -> list[int]:
        """The cards of To do that nothing blocks."""
        free = graph.ready(self.nodes, self.edges)
        return [number for number in free if self.columns[number] == Column.TODO]

    @cached_property
    def critical_path(self) -> list[int]:
        """The longest chain of what is left."""
        left = [node for node in self.nodes if not node.finished]
        return graph.critical_path(left, self.edges)


def read_graph(member: Member) -> Reading:
    """The graph of the member's team; two queries."""
    wait = member.team.dependencies_wait_for_approval
    over = ExpressionWrapper(finished(wait_for_approval=wait), output_field=BooleanField())
    shown = Task.objects.visible_to(member).on_board().annotate(over=over).order_by("number")
    rows = list(
        shown.values_list("number", "subject", "status", "over", "owner__name", "board_column")
    )
    nodes = [
        graph.Node(number, subject, status, finished=is_over, owner=owner)
        for number, subject, status, is_over, owner, _ in rows
    ]
    edges = Dependency.objects.filter(blocked__team_id=member.team_id)
    pairs = list(edges.values_list("blocker__number", "blocked__number"))
    return Reading(nodes, pairs, {row[0]: row[5] for row in rows})


def as_data(reading: Reading) -> dict[str, Any]:
    """The graph with what follows from it, for programs."""
    whole = graph.build(reading.nodes, reading.edges)
    return {
        "nodes": [
            {
                "number": node.number,
                "subject": node.subject,
                "status": node.status,
                "column": reading.columns[node.number],
                "owner": node.owner,
                "finished": node.finished,
                "open_blockers": reading.waiting.get(node.number, []),
            }
            for node in whole.nodes.values()
        ],
        "edges": [{"blocker": a, "blocked": b} for a, b in whole.edges],
        "ready": reading.ready,
        "order": reading.order.numbers,
        "stuck": reading.order.stuck,
        "cycle": reading.order.cycle,
        "critical_path": reading.critical_path,
    }


@dataclass(frozen=True, slots=True)
class Filters:
    """What the address leaves out of the picture; see `HIDES`."""

    hide: str = ""
    linked: bool = False

    @classmethod
    def parse(cls, query: Mapping[str, str]) -> Filters:
        """From `?hide=approved|finished&linked=1`; anything else hides nothing."""
        hide = query.get("hide", "")
        return cls(hide if hide in HIDES else "", linked=query.get("linked") == "1")

    def __bool__(self) -> bool:
        return bool(self.hide or self.linked)


class Drawn(NamedTuple):
    """A card of the picture with what its box and its line of the list say."""

    box: layout.Box
    column: Column
    waits_for: list[int]
    blocks: list[int]

    @property
    def number(self) -> int:
        """The card's number."""
        return self.box.node.number


@dataclass(frozen=True)
class Page:
    """What the page shows: `cards` in an order to do them in, all of them or the first few."""

    picture: layout.Picture
    cards: list[Drawn]
    total: int
    ready: list[int]
    waiting: list[int]
    critical_path: list[int]
    cycle: list[int]
    has_edges: bool

    @property
    def left_out(self) -> int:
        """How many cards match the filters but are not drawn."""
        return self.total - len(self.cards)


def page_for(reading: Reading, filters: Filters) -> Page:
    """The picture of what the filters leave, and what to do next of the whole graph."""
    matching = _matching(reading, filters)
    nodes = _first(reading, matching)
    kept = {node.number for node in nodes}
    edges = [edge for edge in reading.edges if edge[0] in kept and edge[1] in kept]
    picture = layout.layout(nodes, edges)
    return Page(
        picture=picture,
        cards=_in_order(reading, picture, edges),
        total=len(matching),
        ready=reading.ready,
        waiting=sorted(reading.waiting),
        critical_path=reading.critical_path if len(reading.critical_path) > 1 else [],
        cycle=reading.order.cycle,
        has_edges=bool(reading.edges),
    )


def _matching(reading: Reading, filters: Filters) -> list[graph.Node]:
    """What is hidden no longer blocks anything, so no reason to wait disappears with it."""
    hidden = HIDES[filters.hide]
    nodes = [n for n in reading.nodes if not (n.finished and reading.columns[n.number] in hidden)]
    if not filters.linked:
        return nodes
    kept = {node.number for node in nodes}
    linked = {number for edge in reading.edges if kept.issuperset(edge) for number in edge}
    return [node for node in nodes if node.number in linked]


def _first(reading: Reading, nodes: list[graph.Node]) -> list[graph.Node]:
    """As many as are drawn: what is left before what is finished, cards with edges first."""
    if len(nodes) <= MOST_DRAWN:
        return nodes
    linked = {number for edge in reading.edges for number in edge}
    by_use = sorted(nodes, key=lambda n: (n.finished, n.number not in linked, n.number))
    return sorted(by_use[:MOST_DRAWN], key=lambda node: node.number)


def _in_order(
    reading: Reading, picture: layout.Picture, edges: Sequence[graph.Edge]
) -> list[Drawn]:
    blocks: dict[int, list[int]] = {}
    for blocker, blocked in sorted(edges):
        blocks.setdefault(blocker, []).append(blocked)
    cards = {
        box.node.number: Drawn(
            box,
            Column(reading.columns[box.node.number]),
            reading.waiting.get(box.node.number, []),
            blocks.get(box.node.number, []),
        )
        for box in picture.boxes
    }
    order = [*reading.order.numbers, *reading.order.stuck]
    return [cards[number] for number in order if number in cards]
