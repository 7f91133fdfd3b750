"""What is to be written into a home, and the writing itself; knows neither database nor Django.

So the same orders are carried out here, or on another machine that fetches them.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

from apps.claude import formats
from apps.claude.formats import Problem, TaskComment, TaskFile
from apps.claude.writing import NotWritten, locked, refusal, rewrite

EDITED = ("subject", "description", "status", "owner", "active_form")
Kind = Literal["row", "edit", "create"]


class Written(NamedTuple):
    """When rows were written, in seconds since 1970, and the ids of those unread before them."""

    at: float
    before: list[str]


class Witness(Protocol):
    """Whoever is to know what we see while we write."""

    def saw(self, path: Path, entries: list[Any]) -> None:
        """An inbox held this before; it may be drained before anybody else looks."""

    def wrote(self, path: Path, names: Collection[str], written: Written) -> None:
        """These rows were written, and found in the inbox."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """One thing to write. `key` and `state` mean something only to whoever gave the order.

    A `row` goes into `inbox`. An `edit` sets `values` of task `name`, adds and drops ids of its
    edges, and adds those `remarks` to its comments that are not among them yet. A `create` makes a
    new task with `number`, or a higher one where that may be in use.
    """

    kind: Kind
    key: int
    inbox: str = ""
    row: dict[str, Any] = field(default_factory=dict)
    name: str = ""
    values: dict[str, Any] = field(default_factory=dict)
    add: dict[str, list[str]] = field(default_factory=dict)
    drop: dict[str, list[str]] = field(default_factory=dict)
    remarks: list[dict[str, Any]] = field(default_factory=list)
    number: int = 0
    used: list[str] = field(default_factory=list)
    state: dict[str, Any] = field(default_factory=dict)

    def as_data(self) -> dict[str, Any]:
        """As JSON."""
        return {key: value for key, value in asdict(self).items() if value not in ("", 0, {}, [])}

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Order:
        """The order of a JSON object; what it does not know is left out."""
        known = {key: value for key, value in data.items() if key in cls.__dataclass_fields__}
        return cls(**{"key": 0, **known})

    @property
    def file(self) -> str:
        """Where it is to be written, for people."""
        return f"{self.inbox}.json" if self.kind == "row" else f"{self.name or self.number}.json"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of an order: what is in the file now, or why it was not written."""

    order: Order
    row_id: str = ""
    before: list[str] = field(default_factory=list)
    at: float = 0.0
    name: str = ""
    task: dict[str, Any] = field(default_factory=dict)
    refused: str = ""
    passing: bool = False

    def as_data(self) -> dict[str, Any]:
        """As JSON."""
        return {**asdict(self), "order": self.order.as_data()}

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Outcome:
        """The outcome of a JSON object."""
        known = {key: value for key, value in data.items() if key in cls.__dataclass_fields__}
        return cls(**{**known, "order": Order.from_data(data.get("order") or {})})


def carry_out(
    home: Path, folder: str, orders: Iterable[Order], *, witness: Witness | None = None
) -> Iterator[Outcome]:
    """Write what the orders say into the files of one team; each gets its outcome."""
    orders = list(orders)
    by_inbox: dict[str, list[Order]] = {}
    for order in orders:
        if order.kind == "row":
            by_inbox.setdefault(order.inbox, []).append(order)
    for inbox, rows in by_inbox.items():
        yield from _rows(home, folder, inbox, rows, witness)
    for order in orders:
        if order.kind != "row":
            yield _task(home, folder, order)


def _rows(
    home: Path, folder: str, inbox: str, orders: Sequence[Order], witness: Witness | None
) -> Iterator[Outcome]:
    try:
        path = _within(home / "teams" / folder / "inboxes", inbox)
        written = write_rows(path, home, [order.row for order in orders], witness=witness)
    except NotWritten as refusal:
        for order in orders:
            yield Outcome(order=order, refused=refusal.sentence, passing=refusal.passing)
        return
    for order in orders:
        yield Outcome(
            order=order, row_id=row_id(order.row), before=written.before[-50:], at=written.at
        )  # fmt: skip


def _within(folder: Path, name: str) -> Path:
    path = formats.contained(folder, name, suffix=".json")
    if path is None:
        raise NotWritten("The name cannot be a file's here.", passing=False)
    return path


# Rows of inboxes -----------------------------------------------------------------------------


def inbox_name(name: str) -> str:
    """What Claude Code calls the inbox file of a member, without its suffix."""
    return re.sub(r"[^a-zA-Z0-9_-]", "-", name)


def write_rows(
    path: Path, home: Path, rows: Sequence[dict[str, Any]], *, witness: Witness | None = None
) -> Written:
    """Append rows to an inbox that do not lie in it yet; NotWritten where one was not seen there.

    Who heeds the lock cannot take a row out before it was read back. So a row that nobody saw was
    written over, even where the inbox is empty: to write it again does not double it.
    """
    if not path.parent.parent.is_dir():
        raise NotWritten("The team's folder is gone.", passing=False)
    _make_folder(path.parent)
    wanted = {row_id(row): row for row in rows}
    change = _Appending(path, wanted, witness)
    left = _entries(path, rewrite(path, change, home=home, limit=formats.INBOX_LIMIT))
    if wanted.keys() - change.proven - {row_id(entry) for entry in left}:
        raise NotWritten("What was written was not there when it was read back.", passing=True)
    written = Written(change.at, [name for name in change.unread if name not in wanted])
    if witness:
        witness.wrote(path, wanted.keys(), written)
    return written


class _Appending:
    """Makes the new content of an inbox, each time that others write in between."""

    def __init__(
        self, path: Path, wanted: dict[str, dict[str, Any]], witness: Witness | None = None
    ) -> None:
        self.path, self.wanted, self.witness = path, wanted, witness
        self.unread: list[str] = []
        self.at = 0.0
        self.written: set[str] = set()
        # Rows of ours that were read in the file itself.
        self.proven: set[str] = set()

    def __call__(self, now: bytes | None, hidden: list[tuple[bytes, bytes]]) -> bytes | None:
        entries = _entries(self.path, now)
        if self.witness:
            self.witness.saw(self.path, list(entries))
        before = len(entries)
        have = {row_id(entry) for entry in entries}
        hid = bool(hidden) and now is hidden[-1][1]
        if not hid:
            self.proven |= have & self.wanted.keys()
        if self.written and not hid and not have & self.written:
            return None  # all was read and taken out meanwhile
        for old, new in hidden:
            known = {row_id(entry) for entry in _entries(self.path, old)}
            missed = [e for e in _entries(self.path, new) if row_id(e) not in known | have]
            entries += missed
            have |= {row_id(entry) for entry in missed}
        self.unread = [row_id(e) for e in entries if isinstance(e, dict) and not e.get("read")]
        entries += [row for name, row in self.wanted.items() if name not in have]
        self.written |= have | self.wanted.keys()
        self.at = time.time()
        return formats.dumps(entries) if len(entries) > before else now


def _entries(path: Path, data: bytes | None) -> list[Any]:
    if not data:
        return []
    value = formats.decode(path, data)
    if isinstance(value, Problem):
        raise NotWritten(value.sentence, passing=value.passing)
    if not isinstance(value, list):
        raise NotWritten("An inbox is a list of messages; this one is not.", passing=False)
    return list(value)


def row_id(entry: Any) -> str:
    """As `InboxRow.id`, without making a row of it."""
    if not isinstance(entry, dict):
        return repr(entry)
    own = entry.get("messageId") or entry.get("msg_id")
    if isinstance(own, str):
        return own
    return formats.row_id(*(str(entry.get(key)) for key in ("from", "timestamp", "text")))


# Files of tasks ------------------------------------------------------------------------------


def _task(home: Path, folder: str, order: Order) -> Outcome:
    work = home / "tasks" / folder
    try:
        make = _create if order.kind == "create" else _edit
        name, task = make(home, work, order)
    except NotWritten as refusal:
        return Outcome(order=order, refused=refusal.sentence, passing=refusal.passing)
    return Outcome(order=order, name=name, task=task.native() if task else {})


def _edit(home: Path, work: Path, order: Order) -> tuple[str, TaskFile | None]:
    path = _within(work, order.name)
    result: list[TaskFile] = []

    def change(now: bytes | None, _: list[tuple[bytes, bytes]]) -> bytes | None:
        task = _parsed(path, order.name, now)
        result[:] = [_edited(task, order)] if task else []
        if not task or result[0].native() == task.native():
            return None
        return formats.dumps(result[0].native())

    rewrite(path, change, home=home, limit=formats.TASK_LIMIT)
    if not result and _stands_among_all(home, work, order.name):
        raise NotWritten(
            f"The task stands in {formats.ALL_TASKS}, which is only read.", passing=False
        )
    return order.name, result[0] if result else None


def _stands_among_all(home: Path, work: Path, name: str) -> bool:
    path = work / formats.ALL_TASKS
    value = formats.read_json(path, formats.TASK_LIMIT, within=home)
    found = None if isinstance(value, Problem) else formats.parse_tasks(value, path)
    return found is not None and any(task.id == name for task in found[0])


def _edited(task: TaskFile, order: Order) -> TaskFile:
    values = {key: value for key, value in order.values.items() if key in EDITED}
    for key in ("blocks", "blocked_by"):
        if key in order.add or key in order.drop:
            values[key] = merged(
                getattr(task, key), order.add.get(key, []), order.drop.get(key, [])
            )
    have = {comment.id for comment in task.comments}
    if fresh := [remark for remark in order.remarks if remark.get("id") not in have]:
        values["comments"] = (*task.comments, *map(TaskComment.parse, fresh))
    return replace(task, **values)


def merged(old: Iterable[str], add: Iterable[str], drop: Iterable[str]) -> tuple[str, ...]:
    """`old` without what is dropped, then what is added."""
    gone = set(drop)
    kept = [name for name in old if name not in gone]
    return (*kept, *sorted(set(add).difference(kept)))


def _parsed(path: Path, name: str, data: bytes | None) -> TaskFile | None:
    """The task that lies there now; None where the file is gone."""
    if data is None:
        return None
    value = formats.decode(path, data)
    task = value if isinstance(value, Problem) else formats.parse_task(value, name, path)
    if isinstance(task, Problem):
        raise NotWritten(task.sentence, passing=task.passing)
    return task


def _create(home: Path, work: Path, order: Order) -> tuple[str, TaskFile]:
    _make_folder(work)
    with locked(work / ".lock"):
        mark = formats.read_highwatermark(work / ".highwatermark", within=home)
        issued = mark if isinstance(mark, int) else None
        taken = {path.stem for path in formats.task_paths(work)} | set(order.used)
        # The number it has with us, unless the other side may have used that one.
        name = str(max(formats.next_task_id(issued, taken), order.number))
        task = TaskFile(id=name, **{k: v for k, v in order.values.items() if k in EDITED})
        content = formats.dumps(task.native())
        written = rewrite(
            _within(work, name), _only_new(content), home=home, limit=formats.TASK_LIMIT
        )
        if written != content:
            raise NotWritten("Another task took the number.", passing=True)
        if issued is not None and int(name) > issued:
            rewrite(work / ".highwatermark", lambda *_: name.encode(), home=home, limit=64)
    return name, task


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise refusal(error) from None


def _only_new(content: bytes) -> Callable[[bytes | None, list[tuple[bytes, bytes]]], bytes | None]:
    return lambda now, _: content if now is None else None
