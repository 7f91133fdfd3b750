"""Tasks: one JSON file each, named by the task's id, and the mark of the last id issued."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from .disk import TASK_LIMIT, WATERMARK_LIMIT, Problem, Stamp, decode, read_bytes
from .jsontext import storable
from .names import safe_name
from .records import Key, Record, mapping, objects, ref, refs, string, string_or_blank, time_key
from .times import moment, to_iso

# Holds all tasks of a team in place of a file for each.
ALL_TASKS = "tasks.json"
STATUSES = ("pending", "in_progress", "completed", "deleted")
ESCAPES = {"\\n": "\n", "\\t": "\t"}
Interval = tuple[datetime, datetime | None]


@dataclass(frozen=True, kw_only=True)
class TaskComment(Record):
    """A comment that a supervising app keeps inside the task file."""

    id: str = ""
    author: str = ""
    text: str = ""
    type: str = "regular"
    created_at: datetime | None = None

    KEYS = (
        Key("id", ("id",), string_or_blank, always=True),
        Key("author", ("author",), string_or_blank, always=True),
        Key("text", ("text",), string_or_blank, always=True),
        time_key("created_at", "createdAt"),
        Key("type", ("type",), lambda value: string(value) or "regular", always=True),
    )


def comments_of(value: Any) -> tuple[TaskComment, ...]:
    """The comments of a task file in order; whatever is no object is left out."""
    return tuple(TaskComment.parse(row) for row in objects(value))


def intervals_of(value: Any) -> tuple[Interval, ...]:
    """Start and end (None while open) of each interval that has a start."""
    pairs = [(moment(row.get("startedAt")), row.get("completedAt")) for row in objects(value)]
    return tuple((start, moment(end)) for start, end in pairs if start is not None)


def _comments_written(comments: tuple[TaskComment, ...]) -> list[dict[str, Any]]:
    return [comment.native() for comment in comments]


def _intervals_written(intervals: tuple[Interval, ...]) -> list[dict[str, str]]:
    return [
        {"startedAt": to_iso(start)} | ({"completedAt": to_iso(end)} if end else {})
        for start, end in intervals
    ]


@dataclass(frozen=True, kw_only=True)
class TaskFile(Record):
    """One task as its file tells it; `id` is the file's name, whatever the file says inside."""

    id: str
    subject: str = ""
    description: str = ""
    active_form: str | None = None
    owner: str | None = None
    status: str = "pending"
    blocks: tuple[str, ...] = ()
    blocked_by: tuple[str, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict, hash=False)
    display_id: str | None = None
    created_by: str | None = None
    related: tuple[str, ...] = ()
    comments: tuple[TaskComment, ...] = ()
    needs_clarification: str | None = None
    review_state: str | None = None
    history_events: tuple[dict[str, Any], ...] = field(default=(), hash=False)
    work_intervals: tuple[Interval, ...] = ()
    created_at: datetime | None = None
    updated_at: datetime | None = None
    deleted_at: datetime | None = None
    stamp: Stamp | None = field(default=None, compare=False)
    problems: tuple[Problem, ...] = field(default=(), compare=False)

    KEYS = (
        Key("id", ("id",), lambda value: ref(value) or "", always=True),
        Key("subject", ("subject", "title"), string_or_blank, always=True),
        Key("description", ("description",), string_or_blank, always=True),
        Key("active_form", ("activeForm",), string),
        Key("owner", ("owner",), string),
        Key("status", ("status",), string_or_blank, always=True),
        Key("blocks", ("blocks",), refs, list, always=True),
        Key("blocked_by", ("blockedBy", "dependencies"), refs, list, always=True),
        Key("metadata", ("metadata",), mapping),
        Key("display_id", ("displayId",), string),
        Key("created_by", ("createdBy",), string),
        Key("related", ("related",), refs, list),
        Key("comments", ("comments",), comments_of, _comments_written),
        Key("needs_clarification", ("needsClarification",), string),
        Key("review_state", ("reviewState",), string),
        Key("history_events", ("historyEvents",), objects, list),
        Key("work_intervals", ("workIntervals",), intervals_of, _intervals_written),
        time_key("created_at", "createdAt"),
        time_key("updated_at", "updatedAt"),
        time_key("deleted_at", "deletedAt"),
    )

    @property
    def is_internal(self) -> bool:
        """Whether this is Claude Code's own tracker of a member, which no board shows."""
        return self.metadata.get("_internal") is True

    @property
    def display_subject(self) -> str:
        """The subject for people; never empty."""
        subject = " ".join(for_display(self.subject).split())
        return subject or f"Task {self.id}"

    @property
    def display_description(self) -> str:
        """The description for people."""
        return for_display(self.description)

    @property
    def seen_at(self) -> datetime | None:
        """The best guess at the last change: what the file says, else its modification time."""
        return self.updated_at or self.created_at or (self.stamp.at if self.stamp else None)

    def _rewrite(self, out: dict[str, Any], name: str, old: Any) -> None:
        # `id` is the file's name; what the file itself says is not ours to mend.
        if name == "id":
            out[name] = old
        else:
            super()._rewrite(out, name, old)

    def _add(self, out: dict[str, Any], key: Key) -> None:
        if key.attr != "id" or self.raw is None:
            super()._add(out, key)

    def with_metadata(self, patch: dict[str, Any]) -> Self:
        """The task with `patch` merged into its metadata as Claude Code merges: None deletes."""
        merged = {**self.metadata, **patch}
        return replace(self, metadata={k: v for k, v in merged.items() if v is not None})


def for_display(text: str) -> str:
    """`text` with `\\n` and `\\t` that were written as two characters made real."""
    return re.sub(r"\\[nt]", lambda match: ESCAPES[match.group()], storable(text))


def natural_key(task_id: str) -> tuple[tuple[int, int, str], ...]:
    """A sort key for ids that puts 2 before 10 and ignores case."""
    parts = re.findall(r"[0-9]{1,1000}|[^0-9]+", task_id.casefold())
    return tuple((0, int(part), "") if "0" <= part[0] <= "9" else (1, 0, part) for part in parts)


def parse_task(
    value: Any, task_id: str, path: Path, stamp: Stamp | None = None
) -> TaskFile | Problem:
    """A task from its JSON value; an unknown status makes it no task."""
    if not isinstance(value, dict) or not any(key in value for key in ("subject", "title")):
        return Problem(path, "wrong_shape", "A task is an object with a subject.")
    status = value.get("status")
    if status not in STATUSES:
        return Problem(path, "task_status_unknown", f"No task has the status {status!r:.60}.")
    problems = _id_problems(value, task_id, path)
    return TaskFile.parse(value, id=task_id, stamp=stamp, problems=problems)


def _id_problems(raw: dict[str, Any], task_id: str, path: Path) -> tuple[Problem, ...]:
    inside = raw.get("id")
    if inside is None or ref(inside) == task_id:
        return ()
    sentence = f"The file is task {task_id}, but says {inside!r:.60} inside."
    return (Problem(path, "task_id_mismatch", sentence),)


def read_task(path: Path, *, within: Path | None = None) -> TaskFile | Problem:
    """`tasks/<team>/<id>.json`; links may lead anywhere in the folder that holds `tasks`."""
    loaded = read_bytes(path, limit=TASK_LIMIT, within=within or path.parent.parent.parent)
    if isinstance(loaded, Problem):
        return loaded
    value = decode(path, loaded.data)
    if isinstance(value, Problem):
        return value
    return parse_task(value, path.stem, path, loaded.stamp)


def parse_tasks(
    value: Any, path: Path, stamp: Stamp | None = None
) -> tuple[list[TaskFile], tuple[Problem, ...]] | None:
    """The tasks of a file that holds them all, and the problem with those that are none.

    None for anything but a list of tasks, or an object with one as `tasks`.
    """
    rows = mapping(value).get("tasks") if isinstance(value, dict) else value
    if not isinstance(rows, list):
        return None
    found: dict[str, TaskFile] = {}
    for row in rows:
        name = ref(mapping(row).get("id")) or ""
        task = parse_task(row, name, path, stamp) if safe_name(name) else None
        if isinstance(task, TaskFile):
            found.setdefault(name, task)
    return list(found.values()), _left_out(path, len(rows) - len(found))


def _left_out(path: Path, count: int) -> tuple[Problem, ...]:
    if not count:
        return ()
    entries = "1 entry is" if count == 1 else f"{count:,} entries are"
    return (Problem(path, "bad_rows", f"{entries} no task, or a second one of its id."),)


def read_highwatermark(path: Path, *, within: Path | None = None) -> int | Problem:
    """The last id issued, from `tasks/<team>/.highwatermark`."""
    border = within or path.parent.parent.parent
    loaded = read_bytes(path, limit=WATERMARK_LIMIT, within=border)
    if isinstance(loaded, Problem):
        return loaded
    digits = loaded.data.strip()
    if not digits.isdigit() or len(digits) > 18:
        return Problem(path, "wrong_shape", "The mark of the last task id is a whole number.")
    return int(digits)


def next_task_id(highwatermark: int | None, ids: Iterable[str]) -> int:
    """The id for a new task: above the mark and above every number in use."""
    numbers = [int(name) for name in ids if name.isascii() and name.isdigit() and len(name) <= 18]
    return max([highwatermark or 0, *numbers]) + 1
