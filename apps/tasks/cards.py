"""Cards as bytes: what one shows, read for many at once, rendered once for all who see it alike."""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.template.loader import get_template
from django.utils.safestring import SafeString, mark_safe

from apps.tasks.models import Dependency, Task
from apps.tasks.models.task import TaskQuerySet, finished
from apps.tasks.moves import Column
from apps.teams.lifecycle import Allows
from apps.teams.models import Team
from apps.teams.permissions import Permission

TEMPLATE = "tasks/board.html#card"
KEPT_SECONDS = 3600
Row = tuple[Any, ...]
KEY_FIELDS = ("pk", "version", "updated_at", "owner__name", "owner__color", "number", "position")


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


def cards_for(
    team: Team, numbers: Iterable[int], permissions: frozenset[str] = frozenset()
) -> list[Card]:
    """The cards of these numbers in any order, the trash included; four queries."""
    return _cards(team, Task.objects.filter(team=team, number__in=list(numbers)), permissions)


def _cards(team: Team, tasks: TaskQuerySet, permissions: frozenset[str]) -> list[Card]:
    found = list(tasks.with_people().prefetch_related("labels"))
    blockers = open_blockers(team, [task.pk for task in found])
    cards = []
    for task in found:
        task.team = team
        labels = tuple(task.labels.all())
        acts = tuple(_acts(task, permissions))
        cards.append(Card(task, team, labels, tuple(blockers[task.pk]), acts))
    return cards


def open_blockers(team: Team, keys: Sequence[int]) -> dict[int, list[int]]:
    """By card key: the numbers of unfinished dependencies."""
    wait = team.dependencies_wait_for_approval
    edges = Dependency.objects.filter(blocked__in=keys).exclude(
        finished("blocker__", wait_for_approval=wait)
    )
    found: dict[int, list[int]] = defaultdict(list)
    for blocked, number in edges.order_by("blocker__number").values_list(
        "blocked_id", "blocker__number"
    ):
        found[blocked].append(number)
    return found


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
    rows = list(Task.objects.filter(team=team, number__in=list(numbers)).values_list(*KEY_FIELDS))
    html = render_rows(team, rows, permissions)
    parts = [html[row[0]] for row in rows if row[0] in html]
    return mark_safe("".join(as_fragment(part) if oob else part for part in parts))  # noqa: S308


def render_rows(team: Team, rows: Sequence[Row], permissions: frozenset[str]) -> dict[int, str]:
    """HTML by key for rows of `KEY_FIELDS`: from the cache in one call, the rest drawn anew."""
    names = {row[0]: _cache_key(team, row, permissions) for row in rows}
    kept = {} if settings.DEBUG else cache.get_many(names.values())
    missing = [key for key, name in names.items() if name not in kept]
    drawn: dict[str, str] = {}
    if missing:
        cards = _cards(team, Task.objects.filter(pk__in=missing), permissions)
        drawn = {names[card.task.pk]: render_card(card) for card in cards}
        cache.set_many(drawn, KEPT_SECONDS)
    both = {**kept, **drawn}
    return {key: both[name] for key, name in names.items() if name in both}


def _cache_key(team: Team, row: Row, permissions: frozenset[str]) -> str:
    key, version, updated_at, owner, color = row[:5]
    rights = sum(1 << index for index, one in enumerate(Permission) if one in permissions)
    rules = (
        f"{int(team.dependencies_wait_for_approval)}{int(team.allow_self_approval)}"
        f"{team.review_sla_minutes or 0}{team.state}"
    )
    face = zlib.crc32(f"{owner}/{color}".encode())
    moment = int(updated_at.timestamp() * 1_000_000)
    return f"card:{_layout()}:{key}:{version}:{moment}:{rights}:{rules}:{face}"


@lru_cache(maxsize=1)
def _layout() -> int:
    """A new look must not meet old bytes in a cache that outlives the process."""
    board: Any = get_template("tasks/board.html")
    sources = [Path(__file__), Path(board.template.origin.name)]
    return zlib.crc32(b"".join(path.read_bytes() for path in sources))
