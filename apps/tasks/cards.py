"""Cards as bytes: what one shows, read for many at once, rendered once for all who see it alike."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.template.loader import get_template
from django.utils.safestring import SafeString, mark_safe

from apps.core.prepared import NUMBER, OTHER, Prepared
from apps.tasks.blockers import blockers_of, open_blockers
from apps.tasks.models import Label, Task
from apps.tasks.moves import Column
from apps.teams.lifecycle import Allows
from apps.teams.models import Team
from apps.teams.permissions import Permission

TEMPLATE = "tasks/board.html#card"
KEPT_SECONDS = 3600
Row = tuple[Any, ...]
KEY_FIELDS = (
    "pk", "version", "updated_at", "owner__name", "owner__color", "owner__terminated_at", "number",
    "position",
)  # fmt: skip
# News is nearly always of one card.
KEY_OF_ONE = Prepared(
    Task,
    lambda tasks: tasks.filter(team_id=NUMBER, number=OTHER).order_by().values_list(*KEY_FIELDS),
)
ONE = Prepared(Task, lambda _: Task.objects.filter(pk=NUMBER).order_by().with_people())
LABELS_OF_ONE = Prepared(Label, lambda labels: labels.filter(tasks=NUMBER))


@dataclass(frozen=True, slots=True)
class Card:
    """What a card shows. `acts` are the buttons that its audience may have, see `board.html`."""

    task: Task
    team: Team
    labels: tuple[Any, ...]
    blockers: tuple[int, ...]
    acts: tuple[str, ...]

    @property
    def number(self) -> int:
        """The card's number."""
        return self.task.number

    @property
    def column(self) -> str:
        """Where it shows; what the board hides counts as trash."""
        return Column.TRASH if self.task.internal else self.task.column

    @property
    def rank(self) -> str:
        """Its place in the column, as scripts compare it."""
        return repr(self.task.position)

    @property
    def sla_seconds(self) -> int | None:
        """How long a review may take here, or None."""
        minutes = self.team.review_sla_minutes
        return minutes * 60 if minutes else None

    @property
    def is_running(self) -> bool:
        """In progress now."""
        return self.column == Column.IN_PROGRESS

    @property
    def is_over(self) -> bool:
        """Done or approved: it recedes."""
        return self.column in (Column.DONE, Column.APPROVED)

    @property
    def doing(self) -> str:
        """What its owner is at, while it runs."""
        return self.task.plan_doing or self.task.active_form if self.is_running else ""

    @property
    def never(self) -> str:
        """Whose card this is, where the owner may not judge it."""
        owner = self.task.owner
        return owner.name if owner is not None and not self.team.allow_self_approval else ""


def _cards(team: Team, keys: Sequence[int], permissions: frozenset[str]) -> list[Card]:
    return [
        Card(task, team, tuple(labels), tuple(blockers), tuple(_acts(task, permissions)))
        for task, labels, blockers in _read(team, keys)
    ]


def _read(team: Team, keys: Sequence[int]) -> Iterable[tuple[Task, list[Label], list[int]]]:
    """Each card with its labels and what it waits for; three queries."""
    if len(keys) == 1:
        (key,) = keys
        found = ONE.objects(key)
        rest = [(LABELS_OF_ONE.objects(key), blockers_of(team, key))]
    else:
        tasks = Task.objects.filter(pk__in=keys).with_people().prefetch_related("labels")
        found, blockers = list(tasks), open_blockers(team, keys)
        rest = [(list(task.labels.all()), blockers[task.pk]) for task in found]
    for task, (labels, waits) in zip(found, rest, strict=False):
        task.team = team
        yield task, labels, waits


def _acts(task: Task, permissions: frozenset[str]) -> Iterable[str]:
    allows, manages = task.team.allows, Permission.MANAGE_TASKS in permissions
    if task.needs_input and manages and allows(Allows.MESSAGES):
        yield "answer"
    if task.stalled_at and manages and allows(Allows.TASKS):
        yield "release"
    reviews = task.column == Column.REVIEW and Permission.REVIEW in permissions
    if reviews and allows(Allows.DECISIONS):
        yield "review"


def render_card(card: Card, *, oob: bool = False) -> SafeString:
    """A card as HTML; `oob` makes it a fragment that replaces itself on an open page."""
    html = get_template(TEMPLATE).render({"card": card, "task": card.task})
    return as_fragment(html) if oob else mark_safe(html)  # noqa: S308 rendered by a template


def as_fragment(html: str) -> SafeString:
    """The same bytes, addressed to the open page."""
    return mark_safe(html.replace("<article ", '<article hx-swap-oob="true" ', 1))  # noqa: S308


def render_cards(
    team: Team, numbers: Iterable[int], permissions: frozenset[str], *, oob: bool = False
) -> SafeString:
    """These cards, for all who have these rights; those in the trash only say so."""
    rows = _rows(team, list(numbers))
    html = render_rows(team, rows, permissions)
    parts = [html[row[0]] for row in rows if row[0] in html]
    return mark_safe("".join(as_fragment(part) if oob else part for part in parts))  # noqa: S308


def _rows(team: Team, numbers: Sequence[int]) -> list[Row]:
    if len(numbers) == 1:
        return [tuple(row) for row in KEY_OF_ONE.rows(team.pk, numbers[0])]
    found = Task.objects.filter(team=team, number__in=numbers)
    return list(found.values_list(*KEY_FIELDS))


def render_rows(team: Team, rows: Sequence[Row], permissions: frozenset[str]) -> dict[int, str]:
    """HTML by key for rows of `KEY_FIELDS`: from the cache in one call, the rest drawn anew."""
    names = {row[0]: _cache_key(team, row, permissions) for row in rows}
    kept = {} if settings.DEBUG else cache.get_many(names.values())
    missing = [key for key, name in names.items() if name not in kept]
    drawn: dict[str, str] = {}
    if missing:
        cards = _cards(team, missing, permissions)
        drawn = {names[card.task.pk]: render_card(card) for card in cards}
        cache.set_many(drawn, KEPT_SECONDS)
    both = {**kept, **drawn}
    return {key: both[name] for key, name in names.items() if name in both}


def _cache_key(team: Team, row: Row, permissions: frozenset[str]) -> str:
    key, version, updated_at, owner, color, ended_at = row[:6]
    rights = sum(1 << index for index, one in enumerate(Permission) if one in permissions)
    rules = (
        f"{int(team.dependencies_wait_for_approval)}{int(team.allow_self_approval)}"
        f"{team.review_sla_minutes or 0}{team.state}"
    )
    face = zlib.crc32(f"{owner}/{color}/{ended_at or ''}".encode())
    moment = int(updated_at.timestamp() * 1_000_000)
    return f"card:{_layout()}:{key}:{version}:{moment}:{rights}:{rules}:{face}"


@lru_cache(maxsize=1)
def _layout() -> int:
    """A new look must not meet old bytes in a cache that outlives the process."""
    board: Any = get_template("tasks/board.html")
    sources = [Path(__file__), Path(board.template.origin.name)]
    return zlib.crc32(b"".join(path.read_bytes() for path in sources))
