"""What people and agents changed on our board, as orders for the task files of Claude Code."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from django.db.models import F, Q

from apps.claude.card_values import Told, on_board
from apps.claude.cards import native_number
from apps.claude.edges import blockers_of
from apps.claude.formats import TaskFile, TeamTree
from apps.claude.models import CardFile, TeamFiles
from apps.claude.orders import Order, Outcome, merged
from apps.claude.plain import clean
from apps.claude.remarks import remarks_of
from apps.claude.seats import FACTS
from apps.core.actions import action
from apps.tasks.models import Task
from apps.tasks.moves import Status
from apps.teams.models import Team


def card_orders(files: TeamFiles) -> Iterator[Order]:
    """An order for every file that does not say yet what is news on the board."""
    changed = files.cards.filter(gone_at=None).filter(~Q(version=F("task__version")))
    rows = list(changed.select_related("task__owner", "task__team"))
    fresh = _fresh_cards(files.team)
    if not rows and not fresh:
        return
    desk = _Desk(files, [row.task for row in rows])
    for row in rows:
        yield from desk.renew(row)
    for task in fresh:
        yield desk.create(task)


def _fresh_cards(team: Team) -> list[Task]:
    """Cards that were made here and have no file yet."""
    cards = Task.objects.filter(team=team, file=None, internal=False)
    return list(cards.exclude(status=Status.DELETED).select_related("owner").order_by("number"))


class _Desk:
    """Compares the board of one team with what board and files agreed on last."""

    def __init__(self, files: TeamFiles, changed: Collection[Task]) -> None:
        rows = list(files.cards.select_related("task"))
        self.used = [row.file_id for row in rows]
        self.live = {row.file_id: row for row in rows if row.gone_at is None}
        names = {row.task.number: row.file_id for row in self.live.values()}
        self.blockers = blockers_of(files.team, names)
        self.remarks = remarks_of(changed)

    def renew(self, row: CardFile) -> Iterator[Order]:
        """Orders for what differs."""
        remarks = self.remarks.get(row.task.pk, [])
        now = on_board(row.task, self.blockers.get(row.task.number, ()))
        now |= {"remarks": [remark["id"] for remark in remarks]} if remarks else {}
        news = {key for key, value in now.items() if row.board.get(key) != value}
        if not news:
            _keep(row, version=row.task.version)
            return
        before, after = set(row.board.get("blocked_by", ())), set(now["blocked_by"])
        yield Order(
            kind="edit", key=row.pk, name=row.file_id, values=_values(row.task, news),
            remarks=remarks,
            add=_edges(blocked_by=after - before), drop=_edges(blocked_by=before - after),
            state={"board": now, "version": row.task.version},
        )  # fmt: skip
        for name in sorted(before ^ after):
            if other := self.live.get(name):
                edges = _edges(blocks={row.file_id})
                add, drop = (edges, _edges()) if name in after else (_edges(), edges)
                yield Order(kind="edit", key=other.pk, name=name, add=add, drop=drop)

    def create(self, card: Task) -> Order:
        """An order for a new file."""
        news = {"subject", "description", "status", "owner", "active_form"}
        return Order(
            kind="create", key=card.pk, number=card.number, values=_values(card, news),
            used=[name for name in self.used if native_number(name)],
            state={"board": on_board(card, ()), "version": card.version},
        )  # fmt: skip


def _values(card: Task, news: Iterable[str]) -> dict[str, Any]:
    plain = {
        "subject": card.subject, "description": card.description, "status": card.status,
        "owner": on_board(card, ())["owner"] or None, "active_form": card.active_form or None,
    }  # fmt: skip
    return {key: value for key, value in plain.items() if key in news}


def _edges(**sets: set[str]) -> dict[str, list[str]]:
    return {key: sorted(names) for key, names in sets.items() if names}


@action
def settle_cards(files: TeamFiles, outcomes: Iterable[Outcome], tree: TeamTree) -> list[int]:
    """Note what the task files say now; the numbers of the cards that were written."""
    written = []
    for outcome in outcomes:
        if outcome.refused:
            continue
        settle = _settle_new if outcome.order.kind == "create" else _settle
        written += settle(files, outcome, tree)
    return written


def _settle(files: TeamFiles, outcome: Outcome, tree: TeamTree) -> list[int]:
    row = files.cards.filter(pk=outcome.order.key).select_related("task").first()
    if row is None:
        return []
    values: dict[str, Any] = dict(outcome.order.state)
    if outcome.task:
        values["seen"] = _seen(row, outcome, tree)
    if values:
        _keep(row, **{key: values[key] for key in ("board", "version", "seen") if key in values})
    return [row.task.number]


def _seen(row: CardFile, outcome: Outcome, tree: TeamTree) -> dict[str, Any]:
    """What the file says by our doing; what others wrote there meanwhile is still to be noticed."""
    order, said = outcome.order, _said(outcome, tree)
    ours = {key: said[key] for key in order.values if key in said}
    for key in order.add.keys() | order.drop.keys():
        ours[key] = list(
            merged(row.seen.get(key, ()), order.add.get(key, ()), order.drop.get(key, ()))
        )
    return {**row.seen, **ours}


def _settle_new(files: TeamFiles, outcome: Outcome, tree: TeamTree) -> list[int]:
    card = Task.objects.filter(team=files.team, pk=outcome.order.key, file=None).first()
    if card is None or not outcome.name:
        return []
    state = outcome.order.state
    CardFile.objects.create(
        files=files, task=card, file_id=outcome.name, seen=_said(outcome, tree),
        board=state.get("board", {}), version=0,
    )  # fmt: skip
    if native_number(outcome.name) != card.number:
        facts = {**card.metadata.get(FACTS, {}), "id": outcome.name}
        card.metadata = {**card.metadata, FACTS: facts}
        card.save(update_fields=["metadata"])
    return [card.number]


def _said(outcome: Outcome, tree: TeamTree) -> dict[str, Any]:
    task = TaskFile.parse(clean(outcome.task), id=outcome.name)
    return Told(task, tree).said


@action
def _keep(row: CardFile, **values: Any) -> None:
    for key, value in values.items():
        setattr(row, key, value)
    row.save(update_fields=[*values])
