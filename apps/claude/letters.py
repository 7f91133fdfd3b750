"""From inbox files to messages: each row once, however often it is read or copied."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from django.utils import timezone

from apps.claude import protocol
from apps.claude.formats import InboxRow, TeamTree
from apps.claude.models import TeamFiles
from apps.claude.plain import clean, cut
from apps.claude.seats import Names
from apps.messaging import kinds
from apps.messaging.actions.observe import Heard, SeenCopy, SeenMessage, observe_messages
from apps.messaging.mentions import task_numbers
from apps.messaging.models import Delivery
from apps.messaging.models.message import MESSAGE_ID_LENGTH, SUBJECT_LENGTH
from apps.teams.models import Member

CHUNK = 2_000
# Reading Markdown costs more than all else here, and few texts name a task.
MAY_NAME_A_TASK = re.compile(r"#[1-9]")
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
FOR_PEOPLE = frozenset({"user"})
_NEVER = object()


@dataclass
class MailNews:
    """What one reading of the inboxes brought."""

    stored: int = 0
    added: int = 0
    read: int = 0


@dataclass
class _Letter:
    """One message as it is gathered from the inboxes of its recipients."""

    row: InboxRow
    sender: Member
    at: datetime
    order: tuple[datetime, int]
    copies: dict[int, SeenCopy] = field(default_factory=dict)


class Known:
    """The copies that a team has, and which were read: what is not news need not be looked at.

    Rows that we wrote ourselves are known too; they are no messages of anybody else.
    """

    def __init__(self, files: TeamFiles) -> None:
        rows = Delivery.objects.filter(message__team=files.team).values_list(
            "recipient_id", "message__sender_id", "message__message_id", "read_at"
        )
        self._read: dict[tuple[int, int, str], bool] = {
            (to, sender, name): at is not None for to, sender, name, at in rows.iterator()
        }
        self.ours = set(files.handovers.values_list("inbox", "row_id"))

    def without_ours(self, tree: TeamTree) -> TeamTree:
        """The tree without the rows that we wrote: who wrote those is no news."""
        if not self.ours:
            return tree
        rows = {
            inbox: tuple(row for row in rows if (inbox, row.id) not in self.ours)
            for inbox, rows in tree.inboxes.items()
        }
        return replace(tree, inboxes=rows)

    def lacks(self, letter: _Letter) -> bool:
        """Whether any copy of the letter, or that it was read, is news."""
        return any(
            self._read.get(key, _NEVER) not in (True, read) for key, read in self._keys(letter)
        )

    def add(self, letters: Iterable[_Letter]) -> None:
        """These were stored."""
        for letter in letters:
            for key, read in self._keys(letter):
                self._read[key] = self._read.get(key, False) or read

    def _keys(self, letter: _Letter) -> Iterator[tuple[tuple[int, int, str], bool]]:
        name = message_id(letter.row)
        if not letter.copies:
            yield (0, letter.sender.pk, name), False
        for pk, copy in letter.copies.items():
            yield (pk, letter.sender.pk, name), copy.read_at is not None


def observe_mail(
    files: TeamFiles, tree: TeamTree, names: Names, known: Known | None = None
) -> MailNews:
    """Store the messages of all inboxes of `tree` that are not known yet, oldest first."""
    known = known or Known(files)
    letters = [letter for letter in gather(known.without_ours(tree), names) if known.lacks(letter)]
    news = MailNews()
    if not letters:
        return news
    letters.sort(key=lambda letter: letter.order)
    numbers = {row.file_id: row.task.number for row in files.cards.select_related("task")}
    for batch in _batches(_seen(letter, tree, numbers) for letter in letters):
        for seen in batch:
            protocol.decide(names, seen)
        batch = [protocol.with_people(names, seen) for seen in batch]
        heard = observe_messages(names.system, batch)
        protocol.follow_up(names, heard.stored)
        _count(news, heard)
    known.add(letters)
    return news


def _batches(seen: Iterable[SeenMessage]) -> Iterator[list[SeenMessage]]:
    """Stretches to store at once; an answer comes after what it answers was stored."""
    batch: list[SeenMessage] = []
    for one in seen:
        if batch and (len(batch) >= CHUNK or one.kind in protocol.ANSWERS):
            yield batch
            batch = []
        batch.append(one)
    if batch:
        yield batch


def _count(news: MailNews, heard: Heard) -> None:
    news.stored += len(heard.stored)
    news.added += heard.added
    news.read += heard.read


def gather(tree: TeamTree, names: Names) -> list[_Letter]:
    """The messages in the inboxes, one for all copies of a broadcast."""
    letters: dict[tuple[int, str], _Letter] = {}
    for inbox, rows in tree.inboxes.items():
        for row, at in _timed(tree, inbox, rows):
            sender = names.author(row.sender)
            key = (sender.pk, message_id(row))
            letter = letters.setdefault(key, _Letter(row, sender, at, (at, len(letters))))
            for copy in _copies(tree, inbox, row, at, names):
                letter.copies.setdefault(copy.recipient.pk, copy)
    return list(letters.values())


def message_id(row: InboxRow) -> str:
    """The row's id, short enough to be stored."""
    if len(row.id) <= MESSAGE_ID_LENGTH:
        return cut(row.id, MESSAGE_ID_LENGTH)
    return "long-" + hashlib.sha256(row.id.encode(errors="replace")).hexdigest()[:32]


def _timed(
    tree: TeamTree, inbox: str, rows: tuple[InboxRow, ...]
) -> Iterator[tuple[InboxRow, datetime]]:
    """Each row with its time; one without takes that of the row before it."""
    last = LONG_AGO
    for row in rows:
        last = row.at or last
        yield row, last if last != LONG_AGO else file_time(tree, inbox)


def file_time(tree: TeamTree, inbox: str) -> datetime:
    """When an inbox file was last written, as far as known, never later than now."""
    path = tree.home / "teams" / tree.name / "inboxes" / f"{inbox}.json"
    stamp = tree.stamps.get(path)
    return min(stamp.at, timezone.now()) if stamp else timezone.now()


def _copies(
    tree: TeamTree, inbox: str, row: InboxRow, at: datetime, names: Names
) -> Iterator[SeenCopy]:
    # The file says that a row was read, not when: it was before the file was last written.
    read_at = max(at, file_time(tree, inbox)) if row.read else None
    seat = names.seat(inbox)
    if seat is not None and seat.kind == Member.Kind.HUMAN:
        yield SeenCopy(recipient=seat)
    elif seat is not None:
        yield SeenCopy(recipient=seat, delivered_at=at, read_at=read_at)
    elif inbox.casefold() in FOR_PEOPLE:
        for person in names.people:
            yield SeenCopy(recipient=person)


def _seen(letter: _Letter, tree: TeamTree, numbers: dict[str, int]) -> SeenMessage:
    row = letter.row
    kind, payload = _content(row, tree)
    body = "" if payload is not None and kind != "message" else cut(row.body, 10**7)
    return SeenMessage(
        message_id=message_id(row),
        sender=letter.sender,
        copies=tuple(letter.copies.values()),
        sent_at=letter.at,
        kind=kind,
        subject=cut(row.summary, SUBJECT_LENGTH),
        body=body,
        payload=payload,
        tasks=tuple(_tasks(body, payload, numbers)),
        native=_native(row, body),
    )


def _content(row: InboxRow, tree: TeamTree) -> tuple[str, dict[str, Any] | None]:
    if row.payload is None:
        is_copy = row.kind == "message" and row.id in tree.broadcast_ids
        return ("broadcast" if is_copy else row.kind), None
    kind, payload = kinds.from_native(row.payload)
    return kind, clean(payload)


def _tasks(body: str, payload: dict[str, Any] | None, numbers: dict[str, int]) -> list[int]:
    named = (payload or {}).get("task_id")
    found = [numbers[str(named)]] if str(named) in numbers else []
    if MAY_NAME_A_TASK.search(body):
        mine = set(numbers.values())
        found += [number for number in task_numbers(body) if number in mine]
    return list(dict.fromkeys(found))[:100]


def _native(row: InboxRow, body: str) -> dict[str, Any]:
    """The row without what the message itself keeps."""
    kept = {key: value for key, value in row.native().items() if key not in ("text", "read")}
    if row.payload is None and row.text != body:
        kept["text"] = row.text
    cleaned: dict[str, Any] = clean(kept)
    return cleaned
