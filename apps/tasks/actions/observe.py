"""Cards that others keep: what happened to them outside is recorded, whatever the table says."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from graphlib import CycleError, TopologicalSorter
from typing import Any

from django.db.models import F, Max, Min
from django.utils import timezone

from apps.core.actions import action
from apps.tasks import graph
from apps.tasks.actions.shared import put_on_top, renew_dependents, tell_ready
from apps.tasks.models import Comment, Dependency, Task
from apps.tasks.models.task import STEP
from apps.tasks.moves import column_of
from apps.teams import events
from apps.teams.actions import lock_team
from apps.teams.events import Line
from apps.teams.models import Member, Team

BATCH = 500
Edge = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class SeenComment:
    """A remark made elsewhere; `external_id` keeps it from being stored twice."""

    external_id: str
    author: Member
    body: str
    kind: str = "regular"
    at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class SeenTask:
    """A card as an outside source tells it: in `values` the fields that are news, by name.

    `at` is when it happened. `rank` orders new cards inside their column; without one a new card
    comes on top. Times and work of a new card may be among the values.
    """

    number: int
    values: Mapping[str, Any] = field(default_factory=dict)
    comments: Sequence[SeenComment] = ()
    at: datetime | None = None
    rank: tuple[Any, ...] | None = None


@dataclass
class Observed:
    """What an observation did: cards made and changed, edges left out for closing a circle."""

    created: list[int] = field(default_factory=list)
    changed: list[int] = field(default_factory=list)
    circles: list[Edge] = field(default_factory=list)


@action
def observe_task(actor: Member, seen: SeenTask) -> Observed:
    """As `observe_tasks`, for one card."""
    return observe_tasks(actor, [seen])


@action
def observe_tasks(
    actor: Member, seen: Iterable[SeenTask], *, link: Collection[Edge] = (),
    unlink: Collection[Edge] = (),
) -> Observed:  # fmt: skip
    """Record cards as they are outside; a number that is not in the team yet is a new card.

    An edge (blocker, blocked) of `link` that would close a circle is left out and reported. The
    review state changes only where the values name it.
    """
    team = lock_team(actor)
    seen = list(seen)
    known = {task.number: task for task in _known(team, [card.number for card in seen])}
    done = Observed()
    lines = _create(team, actor, [card for card in seen if card.number not in known], done)
    events.record_all(team, lines)
    for card in seen:
        if task := known.get(card.number):
            task.team = team
            _change(actor, task, card, done)
    _link(actor, team, link, unlink, done)
    return done


def _known(team: Team, numbers: Sequence[int]) -> Iterable[Task]:
    for at in range(0, len(numbers), BATCH):
        chunk = numbers[at : at + BATCH]
        yield from Task.objects.filter(team=team, number__in=chunk).with_people()


def _create(team: Team, actor: Member, seen: list[SeenTask], done: Observed) -> list[Line]:
    tasks = [_new(team, actor, card) for card in seen]
    _order(team, seen, tasks)
    Task.objects.bulk_create(tasks, batch_size=BATCH)
    remarks = [
        _remark(task, remark) for task, card in zip(tasks, seen, strict=True)
        for remark in card.comments
    ]  # fmt: skip
    Comment.objects.bulk_create(remarks, batch_size=BATCH)
    team.task_watermark = max([team.task_watermark, *(card.number for card in seen)])
    team.save(update_fields=["task_watermark"])
    done.created += [task.number for task in tasks]
    return [
        Line(actor, "task.observed", _fact(task, card, new=True, subject=task.subject), task.number)
        for task, card in zip(tasks, seen, strict=True)
    ]


def _new(team: Team, actor: Member, card: SeenTask) -> Task:
    at = card.at or timezone.now()
    task = Task(team=team, number=card.number, created_by=actor, created_at=at, updated_at=at)
    status = card.values.get("status", task.status)
    if status != task.status:
        task.enter(status, at=at)
    for key, value in card.values.items():
        setattr(task, key, value)
    task.comment_count = len(card.comments)
    return task


def _order(team: Team, seen: Sequence[SeenTask], tasks: Sequence[Task]) -> None:
    """Give new cards their places: those with a rank below what a column has, others on top."""
    columns: dict[str, list[tuple[SeenTask, Task]]] = defaultdict(list)
    for card, task in zip(seen, tasks, strict=True):
        columns[task.column].append((card, task))
    for column, cards in columns.items():
        placed = Task.objects.filter(team=team, board_column=column, internal=False)
        edge = placed.aggregate(top=Min("position"), bottom=Max("position"))
        top, bottom = edge["top"] or 0.0, edge["bottom"] or 0.0
        ranked = sorted((c for c in cards if c[0].rank is not None), key=lambda c: c[0].rank or ())
        for place, (_, task) in enumerate(ranked, 1):
            task.position = bottom + place * STEP
        for place, (_, task) in enumerate((c for c in cards if c[0].rank is None), 1):
            task.position = top - place * STEP


def _change(actor: Member, task: Task, card: SeenTask, done: Observed) -> None:
    changed = [key for key, value in card.values.items() if getattr(task, key) != value]
    remarks = _fresh(task, card.comments)
    if not changed and not remarks:
        return
    was, was_finished, at = task.column, task.is_finished, card.at or timezone.now()
    if "status" in changed:
        task.enter(card.values["status"], at=at)
    for key in changed:
        setattr(task, key, card.values[key])
    if task.column != was:
        put_on_top(task, task.column)
    Comment.objects.bulk_create(_remark(task, remark) for remark in remarks)
    task.comment_count += len(remarks)
    task.version += 1
    task.updated_at = at
    task.save()
    affects = renew_dependents(task, was_finished=was_finished)
    fact = _fact(task, card, changed=sorted([*changed, *(["comments"] if remarks else [])]))
    extra: dict[str, Any] = {"from": was.value} if task.column != was else {}
    extra |= {"affects": affects} if affects else {}
    events.record_all(task.team, [Line(actor, "task.observed", {**fact, **extra}, task.number)])
    tell_ready(task, affects)
    done.changed.append(task.number)


def _fresh(task: Task, remarks: Sequence[SeenComment]) -> list[SeenComment]:
    if not remarks:
        return []
    known = set(task.comments.exclude(external_id="").values_list("external_id", flat=True))
    return [remark for remark in remarks if remark.external_id not in known]


def _remark(task: Task, remark: SeenComment) -> Comment:
    return Comment(
        task=task, author=remark.author, body=remark.body, kind=remark.kind,
        external_id=remark.external_id, created_at=remark.at or timezone.now(),
    )  # fmt: skip


def _fact(task: Task, card: SeenTask, **more: Any) -> dict[str, Any]:
    at = {"seen_at": card.at.isoformat()} if card.at else {}
    return {"column": column_of(task.status, task.review_state).value, **at, **more}


def _link(
    actor: Member, team: Team, link: Collection[Edge], unlink: Collection[Edge], done: Observed
) -> None:
    if not link and not unlink:
        return
    keys = dict(Task.objects.filter(team=team).values_list("number", "pk"))
    rows = Dependency.objects.filter(blocked__team=team)
    have = set(rows.values_list("blocker__number", "blocked__number"))
    gone = set(unlink) & have
    if gone:
        ids = {(d.blocker_id, d.blocked_id): d.pk for d in rows}
        rows.filter(pk__in=[ids[keys[a], keys[b]] for a, b in gone]).delete()
    wanted = [edge for edge in sorted(set(link) - have) if edge[0] in keys and edge[1] in keys]
    fresh, done.circles = _sound(have - gone, wanted)
    Dependency.objects.bulk_create(
        [Dependency(blocker_id=keys[a], blocked_id=keys[b]) for a, b in fresh], batch_size=BATCH
    )
    _tell_edges(actor, team, fresh, gone, done)


def _tell_edges(
    actor: Member, team: Team, fresh: Iterable[Edge], gone: Iterable[Edge], done: Observed
) -> None:
    """Journal edges of cards that were there before; those of a new card came with it."""
    new = set(done.created)
    changes = [("task.blocked_by", *edge) for edge in fresh if edge[1] not in new]
    changes += [("task.unblocked", *edge) for edge in sorted(gone)]
    blocked = {number for _, _, number in changes}
    Task.objects.filter(team=team, number__in=blocked).update(version=F("version") + 1)
    events.record_all(team, [Line(actor, kind, {"by": by}, number) for kind, by, number in changes])
    done.changed += sorted(blocked.difference(done.changed))


def _sound(have: set[Edge], wanted: Sequence[Edge]) -> tuple[list[Edge], list[Edge]]:
    """The edges that may be added, in order, and those that would close a circle."""
    loops = [edge for edge in wanted if edge[0] == edge[1]]
    wanted = [edge for edge in wanted if edge[0] != edge[1]]
    if not _has_circle([*have, *wanted]):
        return list(wanted), loops
    kept: list[Edge] = []
    circles = list(loops)
    for blocker, blocked in wanted:
        if graph.find_cycle([*have, *kept], blocker, blocked) is None:
            kept.append((blocker, blocked))
        else:
            circles.append((blocker, blocked))
    return kept, circles


def _has_circle(edges: Iterable[Edge]) -> bool:
    sorter: TopologicalSorter[int] = TopologicalSorter()
    for blocker, blocked in edges:
        sorter.add(blocked, blocker)
    try:
        sorter.prepare()
    except CycleError:
        return True
    return False
