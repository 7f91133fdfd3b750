"""What is to be written into a home, and the writing itself; knows neither database nor Django.

So the same orders are carried out here, or on another machine that fetches them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from apps.claude import formats
from apps.claude.formats import Problem, TaskComment, TaskFile
from apps.claude.rows import Witness, row_id, write_rows
from apps.claude.writing import NotWritten, locked, make_folder, rewrite

EDITED = ("subject", "description", "status", "owner", "active_form")
Kind = Literal["row", "edit", "create"]


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
    make_folder(work)
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


def _only_new(content: bytes) -> Callable[[bytes | None, list[tuple[bytes, bytes]]], bytes | None]:
    return lambda now, _: content if now is None else None
