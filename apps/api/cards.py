"""Tasks as JSON, read for many at once. What is the same for all readers is written once."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import BooleanField, ExpressionWrapper

from apps.api.answers import dumps, moment
from apps.core.errors import NotFound
from apps.core.prepared import NUMBER, OTHER, Prepared
from apps.tasks.models import Dependency, Label, Task
from apps.tasks.models.task import Priority, finished
from apps.tasks.moves import Column, Status
from apps.teams.models import Member, Team

MOST_KEPT = 10_000
Key = tuple[int, int, datetime, bool]
Rest = tuple[str, dict[str, Any]]


class Row(NamedTuple):
    """What tells which card this is and whether it changed; `ROW` names the columns."""

    pk: int
    version: int
    updated_at: datetime
    owner_id: int | None


ROW = ("pk", "version", "updated_at", "owner_id")
ONE = Prepared(
    Task,
    lambda tasks: (
        tasks.filter(team_id=NUMBER, number=OTHER)
        .order_by()
        .values_list(*ROW, "description", "metadata")
    ),
)


class Kept(NamedTuple):
    """A card as the start of a JSON object, and whether it waits for nothing but an owner."""

    text: str
    is_free: bool


class Shelf:
    """Cards by key and version, the oldest thrown out first. A version never changes."""

    def __init__(self, most: int = MOST_KEPT) -> None:
        self.most = most
        self._kept: dict[Key, Kept] = {}
        self._guard = threading.Lock()

    def get(self, key: Key) -> Kept | None:
        """The card, if it is there."""
        return self._kept.get(key)

    def put(self, cards: dict[Key, Kept]) -> None:
        """Keep these cards."""
        with self._guard:
            self._kept.update(cards)
            while len(self._kept) > self.most:
                del self._kept[next(iter(self._kept))]


shelf = Shelf()


def card_texts(member: Member, rows: Sequence[Row]) -> list[str]:
    """The cards of `rows` as JSON, in their order, as `member` sees them; at most six queries."""
    return [_closed(kept, row, member) for row, kept in _found(member, rows)]


def task_texts(member: Member, rows: Sequence[Row], rest: Sequence[Rest]) -> list[str]:
    """The same with description and metadata, which `rest` gives for each row."""
    texts = {row.pk: _closed(kept, row, member)[:-1] for row, kept in _found(member, rows)}
    return [
        f'{texts[row.pk]},"description":{dumps(description)},"metadata":{dumps(metadata)}}}'
        for row, (description, metadata) in zip(rows, rest, strict=True)
        if row.pk in texts
    ]


def task_row(member: Member, number: int) -> tuple[Row, Rest]:
    """Which version of #number is there, and the texts that are not kept; else NotFound."""
    rows = ONE.rows(member.team_id, number)
    if not rows:
        raise NotFound(f"There is no task #{number} in this team.", code="task_not_found")
    row = rows[0]
    return Row(*row[:4]), (row[4], row[5])


def etag(member: Member, row: Row) -> str:
    """The same while `member` would read the same of a task."""
    mine = row.owner_id in (None, member.pk)
    wait = member.team.dependencies_wait_for_approval
    changed = int(row.updated_at.timestamp() * 1_000_000)
    return f'"{row.pk}.{row.version}.{changed:x}.{mine:d}{wait:d}"'


def task_text(member: Member, row: Row, rest: Rest) -> str:
    """A whole task as JSON; NotFound where it went meanwhile."""
    texts = task_texts(member, [row], [rest])
    if not texts:
        raise NotFound("This task is gone.", code="task_not_found")
    return texts[0]


def tasks_as_text(member: Member, numbers: Iterable[int]) -> dict[int, str]:
    """Whole tasks as JSON by number; numbers that the team does not have are left out."""
    tasks = Task.objects.visible_to(member).filter(number__in=list(numbers))
    found = list(tasks.values_list(*ROW, "number", "description", "metadata"))
    texts = task_texts(
        member, [Row(*row[:4]) for row in found], [(row[5], row[6]) for row in found]
    )
    return {row[4]: text for row, text in zip(found, texts, strict=True)}


def task_as_dict(member: Member, number: int) -> dict[str, Any]:
    """A whole task as data; NotFound where the team has no such number."""
    row, rest = task_row(member, number)
    found: dict[str, Any] = json.loads(task_text(member, row, rest))
    return found


def tasks_as_dicts(member: Member, numbers: Sequence[int]) -> list[dict[str, Any]]:
    """Whole tasks as data, in the order of `numbers`."""
    texts = tasks_as_text(member, numbers)
    return [json.loads(texts[number]) for number in numbers if number in texts]


def _closed(kept: Kept, row: Row, member: Member) -> str:
    mine = row.owner_id is None or row.owner_id == member.pk
    return f'{kept.text},"ready":{"true" if kept.is_free and mine else "false"}}}'


def _found(member: Member, rows: Sequence[Row]) -> list[tuple[Row, Kept]]:
    wait = member.team.dependencies_wait_for_approval
    keys = {row: (row.pk, row.version, row.updated_at, wait) for row in rows}
    kept = {row: shelf.get(key) for row, key in keys.items()}
    missing = [row.pk for row, card in kept.items() if card is None]
    fresh = _read(member.team, missing) if missing else {}
    pairs = ((row, kept[row] or fresh.get(row.pk)) for row in rows)
    return [(row, card) for row, card in pairs if card is not None]


def _read(team: Team, pks: Sequence[int]) -> dict[int, Kept]:
    """Six queries, however many cards."""
    tasks = list(Task.objects.filter(pk__in=pks).defer("description", "metadata"))
    parts = _Parts(team, tasks)
    fresh: dict[int, Kept] = {}
    cards: dict[Key, Kept] = {}
    for task in tasks:
        waits = bool(parts.open[task.pk])
        is_free = task.column == Column.TODO and not task.internal and not waits
        card = Kept(dumps(as_card(task, parts))[:-1], is_free)
        fresh[task.pk] = card
        cards[task.pk, task.version, task.updated_at, team.dependencies_wait_for_approval] = card
    shelf.put(cards)
    return fresh


class _Parts:
    """What hangs on some cards, by key."""

    def __init__(self, team: Team, tasks: Sequence[Task]) -> None:
        pks = [task.pk for task in tasks]
        people = {
            pk
            for task in tasks
            for pk in (task.owner_id, task.reviewer_id, task.created_by_id, task.planned_by_id)
            if pk is not None
        }
        self.names: dict[int | None, str] = dict(
            Member.objects.filter(pk__in=people).values_list("pk", "name")
        )
        self.labels: dict[int, list[str]] = defaultdict(list)
        labels = Label.objects.filter(tasks__in=pks).order_by("name")
        for pk, name in labels.values_list("tasks", "name"):
            self.labels[pk].append(name)
        self.blockers: dict[int, list[int]] = defaultdict(list)
        self.open: dict[int, list[int]] = defaultdict(list)
        over = ExpressionWrapper(
            finished("blocker__", wait_for_approval=team.dependencies_wait_for_approval),
            output_field=BooleanField(),
        )
        before = Dependency.objects.filter(blocked__in=pks).annotate(over=over)
        for pk, number, is_over in before.order_by("blocker__number").values_list(
            "blocked", "blocker__number", "over"
        ):
            self.blockers[pk].append(number)
            if not is_over:
                self.open[pk].append(number)
        self.blocks: dict[int, list[int]] = defaultdict(list)
        after = Dependency.objects.filter(blocker__in=pks).order_by("blocked__number")
        for pk, number in after.values_list("blocker", "blocked__number"):
            self.blocks[pk].append(number)
        self.related: dict[int, list[int]] = defaultdict(list)
        pairs = Task.related.through.objects.filter(from_task__in=pks)
        for pk, number in pairs.order_by("to_task__number").values_list(
            "from_task", "to_task__number"
        ):
            self.related[pk].append(number)


def as_card(task: Task, parts: _Parts) -> dict[str, Any]:
    """All that a card shows and that is the same for every reader."""
    running = task.status == Status.IN_PROGRESS
    blocked = bool(parts.open[task.pk]) and task.status == Status.PENDING
    return {
        "number": task.number,
        "subject": task.subject,
        "status": task.status,
        "column": task.column.value,
        "review_state": task.review_state,
        "review_round": task.review_round,
        "reviewer": parts.names.get(task.reviewer_id),
        "owner": parts.names.get(task.owner_id),
        "priority": Priority(task.priority).name.lower(),
        "labels": parts.labels[task.pk],
        "blocked_by": parts.blockers[task.pk],
        "open_blockers": parts.open[task.pk],
        "blocks": parts.blocks[task.pk],
        "related": parts.related[task.pk],
        "blocked": blocked,
        "needs_input": task.needs_input or None,
        "question": task.question,
        "asked_at": moment(task.asked_at),
        "due": task.due.isoformat() if task.due else None,
        "active_form": task.active_form,
        "plan": _progress(task, parts),
        "conflict": task.has_conflict,
        "stalled": running and task.stalled_at is not None,
        "comments": task.comment_count,
        "created_by": parts.names.get(task.created_by_id),
        "created_at": moment(task.created_at),
        "updated_at": moment(task.updated_at),
        "started_at": moment(task.started_at),
        "completed_at": moment(task.completed_at),
        "review_requested_at": moment(task.review_requested_at),
        "worked_seconds": task.worked_seconds,
        "version": task.version,
    }


def _progress(task: Task, parts: _Parts) -> dict[str, Any] | None:
    by = parts.names.get(task.planned_by_id)
    if by is None:
        return None
    return {"by": by, "steps": task.plan_steps, "done": task.plan_done, "doing": task.plan_doing}
