"""Reading many tasks: the board, filtered lists, the graph."""

from __future__ import annotations

import threading
import time
import zlib
from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple

from django.db.models import Q
from django.http import HttpResponse
from pydantic import Field

from apps.api import cards, paging, shapes
from apps.api.answers import dumps, reply
from apps.api.cards import ROW, Row
from apps.api.schemas import TasksQuery
from apps.core.errors import Invalid
from apps.core.text import as_number, fold
from apps.tasks import export
from apps.tasks.dependencies import as_data, read_graph
from apps.tasks.models import Task, label_key
from apps.tasks.models.task import TaskQuerySet
from apps.tasks.moves import BOARD, Column, Status
from apps.teams.models import Member, Team

PerColumn = Annotated[int, Field(ge=1, le=200, description="Cards per column.")]
# A database that is put back to an older state counts on from there, so nothing is kept for long.
KEPT_SECONDS = 10
MOST_BOARDS = 100
BoardKey = tuple[Any, ...]


class Kept(NamedTuple):
    """A board as JSON, its tag, and until when it may be given."""

    body: bytes
    etag: str
    until: float


_boards: dict[BoardKey, Kept] = {}
_guard = threading.Lock()


def board(member: Member, limit: int) -> tuple[bytes, str]:
    """The board as JSON, and its ETag; no query where nothing happened since the last time."""
    team = member.team
    key = (team.pk, team.created_at, team.seq, member.pk, limit)
    kept = _boards.get(key)
    if kept is not None and kept.until > time.monotonic():
        return kept.body, kept.etag
    body = _draw(member, limit).encode()
    etag = f'"{team.seq}.{zlib.crc32(body):08x}"'
    with _guard:
        _boards.pop(key, None)
        _boards[key] = Kept(body, etag, time.monotonic() + KEPT_SECONDS)
        while len(_boards) > MOST_BOARDS:
            del _boards[next(iter(_boards))]
    return body, etag


def _draw(member: Member, limit: int) -> str:
    team = member.team
    counts = shapes.task_counts(team)
    tasks = Task.objects.visible_to(member)
    columns = {
        column: [Row(*row) for row in tasks.in_column(column).values_list(*ROW)[:limit]]
        for column in BOARD
        if counts[column]
    }
    rows = [row for some in columns.values() for row in some]
    texts = dict(zip((row.pk for row in rows), cards.card_texts(member, rows), strict=True))
    shown = ",".join(
        _column(team, column, counts[column], [texts[row.pk] for row in columns.get(column, ())])
        for column in BOARD
    )
    head = dumps(
        {
            "team": shapes.of_team_line(team),
            "wip_per_member": team.wip_per_member,
            "seq": team.seq,
        }
    )
    return f'{head[:-1]},"columns":[{shown}]}}'


def _column(team: Team, column: Column, count: int, texts: Sequence[str]) -> str:
    head = dumps(
        {
            "name": column.value,
            "label": column.label,
            "count": count,
            "wip_limit": team.wip_limit(column),
        }
    )
    return f'{head[:-1]},"cards":[{",".join(texts)}]}}'


def list_etag(member: Member, query: str) -> str:
    """The same while the same question would get the same answer."""
    team = member.team
    asked = zlib.crc32(f"{team.created_at}?{query}".encode())
    return f'"{team.seq}.{member.pk}.{asked:08x}"'


def task_page(member: Member, query: TasksQuery) -> str:
    """The tasks that match, as JSON."""
    found = matching(member, query).values_list(*ROW, "number", "description", "metadata")
    rows, more = paging.cut(found, query, key="number")
    texts = cards.task_texts(
        member, [Row(*row[:4]) for row in rows], [(row[5], row[6]) for row in rows]
    )
    last = dumps(str(rows[-1][4])) if more else "null"
    return f'{{"items":[{",".join(texts)}],"next":{last}}}'


def matching(member: Member, query: TasksQuery) -> TaskQuerySet:
    """The tasks that `query` asks for; the trash only where it is named."""
    tasks = Task.objects.visible_to(member).filter(internal=False)
    if query.column:
        tasks = tasks.filter(board_column__in=query.column)
    if query.status:
        tasks = tasks.filter(status__in=query.status)
    if "trash" not in query.column and "deleted" not in query.status:
        tasks = tasks.exclude(status=Status.DELETED)
    if query.owner:
        tasks = tasks.filter(_owned(member, query.owner))
    for label in query.label:
        tasks = tasks.filter(labels__key=label_key(label))
    if query.needs_input is not None:
        asked = ~Q(needs_input="")
        tasks = tasks.filter(asked if query.needs_input else ~asked)
    if query.blocked is not None:
        tasks = _blocked(tasks, member.team, query.blocked)
    if query.ready is not None:
        free = Q(pk__in=Task.objects.ready_for(member).order_by().values("pk"))
        tasks = tasks.filter(free if query.ready else ~free)
    return tasks.filter(_says(query.q)) if query.q and query.q.strip() else tasks


def _blocked(tasks: TaskQuerySet, team: Team, yes: bool) -> TaskQuerySet:
    waiting = Q(pk__in=tasks.filter(status=Status.PENDING).blocked(team).order_by().values("pk"))
    return tasks.filter(waiting if yes else ~waiting)


def _owned(member: Member, owner: str) -> Q:
    word = fold(owner.strip().removeprefix("@"))
    if word in ("none", "nobody", "-"):
        return Q(owner=None)
    if word == "me":
        return Q(owner=member)
    if not word:
        raise Invalid(fields={"owner": "Name a member, or write “me” or “none”."})
    return Q(owner__key=word)


def _says(q: str) -> Q:
    words = q.strip()
    found = Q(subject__icontains=words) | Q(description__icontains=words)
    number = as_number(words.removeprefix("#"), 9)
    if number is not None:
        found |= Q(number=number)
    return found


def graph_answer(member: Member, form: str) -> HttpResponse:
    """The graph as data, or as text in the language of a drawing program."""
    reading = read_graph(member)
    if form != "json":
        draw = export.to_mermaid if form == "mermaid" else export.to_dot
        text = draw(reading.nodes, reading.edges)
        return HttpResponse(text, content_type="text/plain; charset=utf-8")
    return reply(as_data(reading))
