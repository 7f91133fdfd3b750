"""The board as its pages read it: heads, columns page by page, filters. Reads only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import Count, Exists, F, OuterRef, Q
from django.template.loader import get_template
from django.utils.safestring import SafeString, mark_safe

from apps.core.prepared import NUMBER, Prepared
from apps.core.search import contains
from apps.core.text import as_number, fold
from apps.tasks.cards import KEY_FIELDS, render_cards, render_rows
from apps.tasks.models import Label, Task, label_key
from apps.tasks.models.task import Priority, TaskQuerySet
from apps.tasks.moves import BOARD, DROPS, WHY_NOT, Column
from apps.tasks.rights import NEEDS
from apps.teams.lifecycle import Allows
from apps.teams.models import Member, Team

__all__ = [
    "Board", "Filters", "Head", "Page", "board_for", "column_page", "drops", "heads", "hint",
    "labels_of", "render_cards", "render_heads", "trash_for",
]  # fmt: skip

PAGE_SIZE = 50
LAZY = frozenset({Column.DONE, Column.APPROVED})
NOBODY = "-"
COUNTS = Prepared(
    Task,
    lambda tasks: (
        tasks.filter(team_id=NUMBER, internal=False, board_column__in=BOARD)
        .order_by()
        .values_list("board_column")
        .annotate(Count("pk"))
    ),
)
_hints: dict[str, Callable[[Team], str]] = {}


def hint(column: str, say: Callable[[Team], str]) -> None:
    """Let an app above say something short in a column's head, such as who reviews next."""
    _hints[column] = say


@dataclass(frozen=True, slots=True)
class Filters:
    """What the address narrows the board to; `owner` "-" means nobody's cards."""

    owner: str = ""
    label: str = ""
    priority: str = ""
    text: str = ""

    @classmethod
    def parse(cls, query: Mapping[str, str]) -> Filters:
        """From `?owner=&label=&priority=&q=`; a priority that is none is ignored."""
        said = {
            key: query.get(key, "").replace("\0", "").strip()
            for key in ("owner", "label", "priority", "q")
        }
        priority = said["priority"].lower()
        known = {one.name.lower() for one in Priority}
        return cls(
            owner=said["owner"],
            label=said["label"],
            priority=priority if priority in known else "",
            text=said["q"],
        )

    def __bool__(self) -> bool:
        return any((self.owner, self.label, self.priority, self.text))

    @property
    def label_key(self) -> str:
        """What the label is found by."""
        return label_key(self.label)

    @property
    def query(self) -> str:
        """The same for an address, without the question mark."""
        pairs = (
            ("owner", self.owner), ("label", self.label), ("priority", self.priority),
            ("q", self.text),
        )  # fmt: skip
        return urlencode([(key, value) for key, value in pairs if value])

    def apply(self, tasks: TaskQuerySet) -> TaskQuerySet:
        """The cards that match all of it. Text is looked for in subject and number."""
        if self.owner:
            mine = Q(owner=None) if self.owner == NOBODY else Q(owner__key=fold(self.owner))
            tasks = tasks.filter(mine)
        if self.label:
            tasks = tasks.filter(labels__key=self.label_key)
        if self.priority:
            tasks = tasks.filter(priority=Priority[self.priority.upper()])
        if self.text:
            found = contains("subject", self.text)
            number = as_number(self.text.removeprefix("#"), 9)
            if number is not None:
                found |= Q(number=number)
            tasks = tasks.filter(found)
        return tasks


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a column: its name, how many cards it holds, its limit, one short hint."""

    column: str
    label: str
    count: int
    limit: int | None
    hint: str

    @property
    def is_full(self) -> bool:
        """At its limit or over."""
        return self.limit is not None and self.count >= self.limit


@dataclass(frozen=True, slots=True)
class Page:
    """Some cards of a column in order; `after` names the last one where more follow."""

    cards: list[SafeString]
    after: str = ""


@dataclass(frozen=True, slots=True)
class Slot:
    """A column of the board; `page` is None where it is fetched once the page shows."""

    head: Head
    page: Page | None


@dataclass(frozen=True, slots=True)
class Board:
    """A whole board as one member sees it."""

    columns: list[Slot]
    filters: Filters
    is_blank: bool


def board_for(member: Member, filters: Filters) -> Board:
    """The five columns: heads of all, the first cards of those where work goes on."""
    tops = heads(member.team)
    pages = _first_pages(member, filters)
    columns = [Slot(head, pages.get(head.column)) for head in tops]
    return Board(columns, filters, is_blank=not any(head.count for head in tops))


def heads(team: Team) -> list[Head]:
    """The five heads in order; one query, and what the hints ask."""
    counts: dict[str, int] = dict(COUNTS.rows(team.pk))
    return [
        Head(
            column=column.value,
            label=column.label,
            count=counts.get(column.value, 0),
            limit=team.wip_limit(column),
            hint=_hints[column](team) if column in _hints else "",
        )
        for column in BOARD
    ]


def render_heads(team: Team) -> SafeString:
    """The heads as fragments that replace themselves on an open page; the same for all members."""
    context = {"heads": heads(team), "team": team, "oob": True}
    return mark_safe(get_template("tasks/board.html#heads").render(context))  # noqa: S308


def _first_pages(member: Member, filters: Filters) -> dict[str, Page]:
    """The first page of each column that is not lazy, their cards drawn in one go."""
    team = member.team
    rows = {
        column.value: _rows(member, column, filters, None) for column in BOARD if column not in LAZY
    }
    shown = [row for some in rows.values() for row in some[:PAGE_SIZE]]
    html = render_rows(team, shown, member.permissions)
    return {column: _page(some, html) for column, some in rows.items()}


def column_page(
    member: Member, column: str, filters: Filters, after: tuple[float, int] | None = None
) -> Page:
    """The next cards of a column, after the one with that rank and number."""
    rows = _rows(member, column, filters, after)
    return _page(rows, render_rows(member.team, rows[:PAGE_SIZE], member.permissions))


def _rows(
    member: Member, column: str, filters: Filters, after: tuple[float, int] | None
) -> list[tuple[object, ...]]:
    tasks = filters.apply(Task.objects.visible_to(member).in_column(column))
    if after is not None:
        rank, number = after
        tasks = tasks.filter(Q(position__gt=rank) | Q(position=rank, number__gt=number))
    return list(tasks.values_list(*KEY_FIELDS)[: PAGE_SIZE + 1])


def _page(rows: list[tuple[object, ...]], html: Mapping[int, str]) -> Page:
    cards = [mark_safe(html[row[0]]) for row in rows[:PAGE_SIZE] if row[0] in html]  # type: ignore[index] # noqa: S308
    if len(rows) <= PAGE_SIZE:
        return Page(cards)
    *_, number, rank = rows[PAGE_SIZE - 1]
    return Page(cards, after=f"{rank!r},{number}")


def parse_after(text: str) -> tuple[float, int] | None:
    """The place that `Page.after` named, or None for the start."""
    rank, _, number = text.partition(",")
    try:
        return float(rank), int(number)
    except ValueError:
        return None


def trash_for(member: Member) -> list[Task]:
    """What was deleted, the latest first, at most 200."""
    trash = Task.objects.visible_to(member).filter(board_column=Column.TRASH, internal=False)
    latest = trash.order_by(F("deleted_at").desc(nulls_last=True), "-number")
    return list(latest.with_people()[:200])


def labels_of(team: Team) -> list[Label]:
    """The labels that cards of the team have, by name."""
    used = Task.labels.through.objects.filter(label=OuterRef("pk"))
    return list(Label.objects.filter(Exists(used), team=team).order_by("key"))


def drops(team: Team) -> dict[str, dict[str, str]]:
    """For scripts: from column to column, the verb that a drop means in the team's state."""
    table: dict[str, dict[str, str]] = {column.value: {} for column in BOARD}
    for (source, to), verb in DROPS.items():
        if team.allows(NEEDS[verb]):
            table[source.value][to.value] = verb
    return table


def why_not(team: Team) -> dict[str, str]:
    """For scripts: why a column refuses a drop that the table does not know."""
    state = "" if team.allows(Allows.WORK) else f"The team is {team.state}."
    return {column.value: state or WHY_NOT[column] for column in BOARD}
