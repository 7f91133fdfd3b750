"""From task files to cards: only what is news since the last look is taken over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from apps.claude import formats
from apps.claude.card_values import Told, on_board, values_of
from apps.claude.edges import blockers_of, edges_of
from apps.claude.formats import TaskFile, TeamTree
from apps.claude.models import CardFile, TeamFiles
from apps.claude.plain import cut
from apps.claude.remarks import ids_of_remarks
from apps.claude.rounds import keep_rounds
from apps.claude.seats import Names
from apps.core.actions import action
from apps.tasks.actions.observe import Edge, Observed, SeenComment, SeenTask, observe_tasks
from apps.tasks.models import Comment, Task
from apps.tasks.moves import Status
from apps.teams.actions import lock_team
from apps.teams.models import Member, Team

BATCH = 500
LARGEST_NUMBER = 999_999_999
REMARKS = frozenset(Comment.Kind.values)


@dataclass
class CardNews:
    """What one reading of the task files changed, by number; `circles` are edges left out."""

    created: list[int] = field(default_factory=list)
    changed: list[int] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)
    circles: list[Edge] = field(default_factory=list)


@action
def observe_cards(files: TeamFiles, tree: TeamTree, names: Names) -> CardNews:
    """Bring the team's cards in line with its task files."""
    system = names.system
    team = lock_team(system)
    reading = _Reading(files, tree, names, team)
    observed = observe_tasks(
        system, reading.seen, link=reading.added_edges(), unlink=reading.removed_edges()
    )
    reading.keep()
    keep_rounds(reading.reviewed(), names)
    reading.mark_seen()
    return reading.news(observed)


class _Reading:
    """One comparison of the files with what they said last."""

    def __init__(self, files: TeamFiles, tree: TeamTree, names: Names, team: Team) -> None:
        self.files, self.tree, self.names, self.team = files, tree, names, team
        rows = files.cards.select_related("task__owner", "task__reviewer")
        self.known = {row.file_id: row for row in rows}
        self.was_edges = self._edges_before()
        self.told = {cut(task.id, 255): Told(task, tree) for task in tree.tasks}
        self.numbers = {file_id: row.task.number for file_id, row in self.known.items()}
        self.fresh: list[str] = []
        self.taken: set[int] | None = None
        self.owners: dict[int, Member] = {}
        ids = [number for name in self.told if (number := native_number(name))]
        self.mark = max([team.task_watermark, *ids, self._highwatermark()])
        self.changed: list[CardFile] = []
        self.news_of: dict[str, set[str]] = {}
        self.seen: list[SeenTask] = []
        # By file: those whose review is news.
        self.judged: list[str] = []
        self.cards: dict[int, tuple[Task, dict[str, Any]]] = {}
        self._compare()
        self.lost = list(self._lost())

    def _edges_before(self) -> set[tuple[str, str]]:
        said = {file_id: edges_of(file_id, row.seen) for file_id, row in self.known.items()}
        return {pair for pairs in said.values() for pair in pairs}

    def _compare(self) -> None:
        first_look = not self.known
        for file_id, told in self.told.items():
            row = self.known.get(file_id)
            if row is not None and row.gone_at is not None and _is_another(row, told):
                self._let_go(row)
                row = None
            if row is None:
                self._add(file_id, told, ranked=first_look)
            elif news := [key for key, value in told.said.items() if row.seen.get(key) != value]:
                self._renew(row, told, news)
            elif row.gone_at is not None:
                row.gone_at = None
                self.changed.append(row)

    def _let_go(self, row: CardFile) -> None:
        """The file's name was given to another task: the old card stays, its file is history."""
        del self.known[row.file_id], self.numbers[row.file_id]
        row.file_id = f"{row.file_id[:240]}~{row.pk}"
        row.save(update_fields=["file_id"])

    def _add(self, file_id: str, told: Told, *, ranked: bool) -> None:
        number = self._number(file_id)
        self.numbers[file_id] = number
        self.fresh.append(file_id)
        values = values_of(told, told.said.keys(), self.names, number=number)
        values |= told.times(self.names.system)
        at = told.task.seen_at
        self.seen.append(SeenTask(
            number=number, values=values, comments=self._comments(told.task),
            at=min(at, timezone.now()) if at else None, rank=told.rank() if ranked else None,
        ))  # fmt: skip

    def _number(self, file_id: str) -> int:
        if self.taken is None:
            rows = Task.objects.filter(team=self.team)
            self.taken = set(rows.values_list("number", flat=True))
        number = native_number(file_id)
        if number is None or number in self.taken:
            self.mark += 1
            number = self.mark
        self.taken.add(number)
        return number

    def _highwatermark(self) -> int:
        mark = self.tree.highwatermark or 0
        return mark if mark <= LARGEST_NUMBER else 0

    def _renew(self, row: CardFile, told: Told, news: Sequence[str]) -> None:
        values = values_of(
            told, news, self.names, number=row.task.number, metadata=row.task.metadata,
            rounds=row.task.review_round,
        )  # fmt: skip
        if "review" in row.seen and "review" not in news:
            values = {k: v for k, v in values.items() if k not in ("review_state", "reviewer")}
        at = told.task.seen_at
        row.seen, row.gone_at = {**row.seen, **told.said}, None
        self.changed.append(row)
        if "review" in news:
            self.judged.append(row.file_id)
        self.news_of[row.file_id] = {key for key in news if key in row.board}
        self.seen.append(SeenTask(
            number=row.task.number, values=values,
            comments=self._new_comments(row, told.task) if "comments" in news else (),
            at=min(at, timezone.now()) if at else None,
        ))  # fmt: skip

    def _new_comments(self, row: CardFile, task: TaskFile) -> tuple[SeenComment, ...]:
        """The comments of a file without those that came from here."""
        ours = ids_of_remarks(row.task)
        return tuple(one for one in self._comments(task) if one.external_id not in ours)

    def _comments(self, task: TaskFile) -> tuple[SeenComment, ...]:
        found: dict[str, SeenComment] = {}
        for remark in task.comments:
            kept = remark.id or formats.row_id(remark.author, str(remark.created_at), remark.text)
            body = formats.for_display(remark.text).strip()
            if body:
                found.setdefault(cut(kept, 128), SeenComment(
                    external_id=cut(kept, 128), author=self.names.author(remark.author),
                    body=body, kind=remark.type if remark.type in REMARKS else "regular",
                    at=remark.created_at,
                ))  # fmt: skip
        return tuple(found.values())

    def _lost(self) -> Iterator[CardFile]:
        """Cards whose file is gone. Unfinished work goes to the trash; the rest is history."""
        folder = self.tree.home / "tasks" / self.tree.name
        if self.tree.is_shut(folder):
            return
        there = {cut(path.stem, 255) for path in formats.task_paths(folder)}
        for file_id, row in self.known.items():
            if file_id in there or file_id in self.told or row.gone_at is not None:
                continue
            row.gone_at = timezone.now()
            self.changed.append(row)
            yield row
            if folder.is_dir() and row.seen.get("status") in (Status.PENDING, Status.IN_PROGRESS):
                row.seen = {**row.seen, "status": Status.DELETED.value}
                values = {"status": Status.DELETED.value}
                self.seen.append(SeenTask(number=row.task.number, values=values))

    def _edges_now(self) -> set[tuple[str, str]]:
        said = {file_id: row.seen for file_id, row in self.known.items()}
        said |= {file_id: told.said for file_id, told in self.told.items()}
        return {pair for file_id, seen in said.items() for pair in edges_of(file_id, seen)}

    def added_edges(self) -> set[Edge]:
        """Edges that are news, or whose other end is."""
        new = set(self.fresh)
        now = self._edges_now()
        wanted = {pair for pair in now if pair not in self.was_edges or new & set(pair)}
        return set(self._numbered(wanted))

    def removed_edges(self) -> set[Edge]:
        """Edges that the files no longer tell of."""
        return set(self._numbered(self.was_edges - self._edges_now()))

    def _numbered(self, pairs: Iterable[tuple[str, str]]) -> Iterator[Edge]:
        for blocker, blocked in pairs:
            if blocker in self.numbers and blocked in self.numbers:
                yield self.numbers[blocker], self.numbers[blocked]

    def keep(self) -> None:
        """Remember what files and board say now."""
        cards = self.cards = self._cards_now()
        CardFile.objects.bulk_create(
            [self._row(file_id, cards[self.numbers[file_id]]) for file_id in self.fresh],
            batch_size=BATCH,
        )
        for row in self.changed:
            if row.task.number in cards:
                now = cards[row.task.number][1]
                row.board = row.board | {key: now[key] for key in self.news_of.get(row.file_id, ())}
        self._keep_edges()
        CardFile.objects.bulk_update(self.changed, ["seen", "gone_at", "board"], batch_size=BATCH)
        mark = max(self.team.task_watermark, self._highwatermark())
        if mark > self.team.task_watermark:
            self.team.task_watermark = mark
            self.team.save(update_fields=["task_watermark"])

    def _row(self, file_id: str, card: tuple[Task, dict[str, Any]]) -> CardFile:
        task, board = card
        return CardFile(
            files=self.files, task=task, file_id=file_id, seen=self.told[file_id].said,
            board=board, version=task.version,
        )  # fmt: skip

    def _cards_now(self) -> dict[int, tuple[Task, dict[str, Any]]]:
        """The cards that were observed, as they are now, with what the board says of them."""
        numbers = [card.number for card in self.seen]
        if not numbers:
            return {}
        blockers = blockers_of(self.team, {n: name for name, n in self.numbers.items()})
        found: dict[int, tuple[Task, dict[str, Any]]] = {}
        seats: dict[int, Member] = {}
        for at in range(0, len(numbers), BATCH):
            rows = Task.objects.filter(team=self.team, number__in=numbers[at : at + BATCH])
            for task in rows.select_related("owner"):
                found[task.number] = task, on_board(task, blockers.get(task.number, ()))
                if task.owner is not None and task.owner.kind == Member.Kind.AGENT:
                    self.owners[task.number] = seats.setdefault(task.owner.pk, task.owner)
        return found

    def _keep_edges(self) -> None:
        """Edges that came from files are no news to write back."""
        rows = {row.task.number: row for row in self.known.values()}
        names = {number: name for name, number in self.numbers.items()}
        touched = {row.pk: row for row in self.changed}
        for edges, there in ((self.added_edges(), True), (self.removed_edges(), False)):
            for blocker, blocked in edges:
                row = rows.get(blocked)
                if row is None or "blocked_by" not in row.board:
                    continue
                have = set(row.board["blocked_by"]) - {names[blocker]}
                have |= {names[blocker]} if there else set()
                row.board = {**row.board, "blocked_by": sorted(have)}
                touched[row.pk] = row
        self.changed = list(touched.values())

    def reviewed(self) -> Iterator[tuple[Task, Told]]:
        """The cards whose review is news, as they are now."""
        for file_id in (*self.fresh, *self.judged):
            if card := self.cards.get(self.numbers[file_id]):
                yield card[0], self.told[file_id]

    def mark_seen(self) -> None:
        """Who works on a card whose status or activity changed in its file was there then."""
        for card in self.seen:
            owner = self.owners.get(card.number)
            if (
                owner is None
                or card.at is None
                or not {"status", "active_form"} & card.values.keys()
            ):
                continue
            if owner.last_seen_at is None or owner.last_seen_at < card.at:
                owner.last_seen_at = card.at
                owner.save(update_fields=["last_seen_at"])

    def news(self, observed: Observed) -> CardNews:
        """What is to be told of this reading."""
        gone = [row.task.number for row in self.lost]
        return CardNews(observed.created, observed.changed, gone, observed.circles)


def native_number(file_id: str) -> int | None:
    """The number that a file's name stands for; None for any other name."""
    plain = file_id.isascii() and file_id.isdigit() and not file_id.startswith("0")
    return int(file_id) if plain and len(file_id) <= 9 else None


def _is_another(row: CardFile, told: Told) -> bool:
    return bool(row.seen.get("subject") != told.said["subject"])
