"""A whole `~/.claude`: which teams it holds, and everything of each that can be read."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from .config import Epoch, MembersMeta, TeamConfig, read_config, read_meta
from .disk import META_LIMIT, TASK_LIMIT, Problem, Stamp, read_json
from .inbox import Inbox, InboxRow, read_inbox
from .kanban import Kanban, read_kanban, stale_problems
from .names import is_session_id, leads_into, safe_name
from .records import mapping, refs
from .tasks import (
    ALL_TASKS,
    TaskFile,
    natural_key,
    parse_tasks,
    read_highwatermark,
    read_task,
)

T = TypeVar("T")
# With these a file was read, or is none of a kind that holds anything else.
HARMLESS = frozenset({"bad_rows", "wrong_shape"})
SETTLED_NS = 2_000_000_000


@dataclass(frozen=True)
class TeamTree:
    """All that the files say of one team; what could not be read is told in `problems`."""

    home: Path
    name: str
    config: TeamConfig | None = None
    meta: MembersMeta | None = None
    expected: tuple[str, ...] = ()
    inboxes: dict[str, tuple[InboxRow, ...]] = field(default_factory=dict)
    tasks: tuple[TaskFile, ...] = ()
    kanban: Kanban | None = None
    highwatermark: int | None = None
    problems: tuple[Problem, ...] = ()
    stamps: dict[Path, Stamp] = field(default_factory=dict)

    @property
    def work_tasks(self) -> tuple[TaskFile, ...]:
        """The tasks that a board shows: all but Claude Code's own trackers."""
        return tuple(task for task in self.tasks if not task.is_internal)

    @property
    def epoch(self) -> Epoch:
        """The newest way of keeping teams that shows in the files."""
        if any(row.is_numbered for rows in self.inboxes.values() for row in rows):
            return Epoch.NUMBERED
        return self.config.epoch if self.config else Epoch.CHOSEN

    @property
    def is_foreign(self) -> bool:
        """Whether the team file belongs to another product: nothing here is ours to show."""
        return any(problem.code == "foreign" for problem in self.problems)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to show, not even a problem."""
        return not any((self.config, self.meta, self.inboxes, self.tasks, self.problems))

    def is_shut(self, folder: Path) -> bool:
        """Whether nobody can tell what a folder of the team holds."""
        places = (folder, folder.parent, folder / ALL_TASKS)
        return any(p.path in places and p.code not in HARMLESS for p in self.problems)

    @cached_property
    def broadcast_ids(self) -> frozenset[str]:
        """The ids of prose that lies in more than one inbox."""
        pairs = {(name, row.id) for name, rows in self.inboxes.items() for row in _prose(rows)}
        counts = Counter(row for _, row in pairs)
        return frozenset(row for row, count in counts.items() if count > 1)


def _prose(rows: tuple[InboxRow, ...]) -> Iterator[InboxRow]:
    return (row for row in rows if row.payload is None)


def home_problems(home: Path) -> tuple[Problem, ...]:
    """What keeps `home` as a whole from being followed; no problem if it only holds no team yet."""
    if not home.is_dir():
        return (Problem(home, "missing", "The folder is not there."),)
    folders = (home, home / "teams", home / "tasks")
    found = (_folder_problem(home, folder) for folder in folders)
    return tuple(problem for problem in found if problem is not None)


def team_names(home: Path) -> list[str]:
    """The teams of `home` by name: folders of `teams` and `tasks`, without solo sessions."""
    teams = set(_folders(home / "teams"))
    tasks = {name for name in _folders(home / "tasks") if not is_session_id(name)}
    return sorted(teams | tasks)


def scan(home: Path) -> list[TeamTree]:
    """Every team of `home` that has anything to show, by name; a missing `home` has none."""
    trees = (read_team(home, name) for name in team_names(home))
    return [tree for tree in trees if not tree.is_empty]


def read_team(home: Path, name: str, before: TeamTree | None = None) -> TeamTree:
    """One team as its files are now; a team that is gone is an empty tree.

    With `before`, files that were not touched since that reading are not read again.
    """
    if not safe_name(name):
        problem = Problem(home / "teams", "bad_name", f"{name!r:.80} cannot be the name of a team.")
        return TeamTree(home, name, problems=(problem,))
    return _Reader(home, name, before).read()


def inbox_paths(folder: Path) -> list[Path]:
    """The inbox files of a folder: `*.json` without dotfiles, locks and the stray `*.json`."""
    return [path for path in _json_files(folder) if path.name != "*.json"]


def task_paths(folder: Path) -> list[Path]:
    """The task files of a folder in the order of their ids."""
    return sorted(_json_files(folder), key=lambda path: natural_key(path.stem))


class _Reader:
    """Collects one team's tree and its problems in one pass."""

    def __init__(self, home: Path, name: str, before: TeamTree | None = None) -> None:
        self.home, self.name = home, name
        self.before = before
        self.before_tasks = {task.id: task for task in before.tasks} if before else {}
        self.team, self.work = home / "teams" / name, home / "tasks" / name
        self.problems: list[Problem] = []
        self.stamps: dict[Path, Stamp] = {}

    def read(self) -> TeamTree:
        team, work = self._enter(self.team), self._enter(self.work)
        config = self._one(read_config, self.team / "config.json") if team else None
        meta = self._one(read_meta, self.team / "members.meta.json") if team else None
        expected = self._expected() if team else ()
        inboxes = self._inboxes() if team else {}
        tasks = self._tasks() if work else ()
        kanban = self._kanban(tasks) if team else None
        mark = self._one(read_highwatermark, self.work / ".highwatermark") if work else None
        return TeamTree(
            home=self.home,
            name=self.name,
            config=config,
            meta=meta,
            expected=expected,
            inboxes=inboxes,
            tasks=tasks,
            kanban=kanban,
            highwatermark=mark,
            problems=tuple(self.problems),
            stamps=self.stamps,
        )

    def _enter(self, folder: Path) -> bool:
        found = _is_folder(folder)
        problem = _folder_problem(self.home, folder if found else folder.parent)
        if problem is not None:
            self.problems.append(problem)
        return found and problem is None

    def _one(self, read: Callable[..., T | Problem], path: Path) -> T | None:
        found = read(path, within=self.home)
        if not isinstance(found, Problem):
            self._stamp(path)
            return found
        if found.code != "missing":
            self.problems.append(found)
        return None

    def _stamp(self, path: Path) -> None:
        try:
            status = path.stat()
        except OSError:
            return
        self.stamps[path] = Stamp(status.st_size, status.st_mtime_ns)

    def _expected(self) -> tuple[str, ...]:
        path = self.team / "launch-state.json"
        value = read_json(path, META_LIMIT, within=self.home)
        return () if isinstance(value, Problem) else refs(mapping(value).get("expectedMembers"))

    def _inboxes(self) -> dict[str, tuple[InboxRow, ...]]:
        folder = self.team / "inboxes"
        if not self._enter(folder):
            return {}
        found: dict[str, tuple[InboxRow, ...]] = {}
        for path in inbox_paths(folder):
            if self.before and path.stem in self.before.inboxes and self._is_untouched(path):
                found[path.stem] = self.before.inboxes[path.stem]
                continue
            inbox = self._read_inbox(path) if self._named(path) else None
            if inbox is not None:
                found[path.stem] = inbox.rows
        return found

    def _is_untouched(self, path: Path) -> bool:
        """Whether a file is as it was read before, problems and all."""
        if self.before is None or path not in self.before.stamps:
            return False
        if any(problem.path == path for problem in self.before.problems):
            return False
        self._stamp(path)
        stamp = self.stamps.get(path)
        # A second change in the same tick of the clock leaves no trace in the stamp.
        settled = stamp is not None and time.time_ns() - stamp.mtime_ns > SETTLED_NS
        return settled and stamp == self.before.stamps[path] and leads_into(self.home, path)

    def _named(self, path: Path) -> bool:
        if safe_name(path.stem):
            return True
        self.problems.append(Problem(path, "bad_name", f"{path.stem!r:.80} cannot be a name."))
        return False

    def _read_inbox(self, path: Path) -> Inbox | None:
        inbox = self._one(read_inbox, path)
        if inbox is not None:
            self.problems.extend(inbox.problems)
            self.stamps[path] = inbox.stamp
        return inbox

    def _tasks(self) -> tuple[TaskFile, ...]:
        together = self._all_tasks()
        paths = [path for path in task_paths(self.work) if self._named(path)]
        if together is not None:
            paths = [path for path in paths if path.name != ALL_TASKS]
        found = [self._task(path) for path in paths]
        alone = {task.id: task for task in found if task is not None}
        more = (task for task in together or () if task.id not in alone)
        tasks = (*alone.values(), *more)
        ids = {task.id for task in tasks}
        for task in tasks:
            self.problems.extend(_collided(problem, task, ids) for problem in task.problems)
        return tasks

    def _all_tasks(self) -> list[TaskFile] | None:
        """The tasks of a file that holds all; None where there is none of that form."""
        path = self.work / ALL_TASKS
        value = read_json(path, TASK_LIMIT, within=self.home)
        found = None if isinstance(value, Problem) else parse_tasks(value, path)
        if found is None:
            return None
        self._stamp(path)
        tasks, problems = found
        self.problems.extend(problems)
        return [replace(task, stamp=self.stamps.get(path)) for task in tasks]

    def _task(self, path: Path) -> TaskFile | None:
        known = self.before_tasks.get(path.stem)
        if known is not None and self._is_untouched(path):
            return known
        return self._one(read_task, path)

    def _kanban(self, tasks: tuple[TaskFile, ...]) -> Kanban | None:
        # A task file that could not be read is not a task that is gone.
        complete = not any(problem.path.parent == self.work for problem in self.problems)
        path = self.team / "kanban-state.json"
        kanban = self._one(read_kanban, path)
        if kanban is not None and complete:
            live = {task.id for task in tasks if task.status != "deleted"}
            self.problems.extend(stale_problems(kanban, live, path))
        return kanban


def _collided(problem: Problem, task: TaskFile, ids: set[str]) -> Problem:
    inside = (task.raw or {}).get("id")
    if str(inside) not in ids:
        return problem
    sentence = f"The files of task {task.id} and of another task both say {inside!r:.60} inside."
    return Problem(problem.path, "task_id_collision", sentence)


def _folders(parent: Path) -> list[str]:
    return [path.name for path in _listed(parent) if _is_folder(path)]


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False


def _folder_problem(home: Path, folder: Path) -> Problem | None:
    if not leads_into(home, folder):
        return Problem(folder, "outside", "A link leads out of the followed folder.")
    if _is_folder(folder) and not os.access(folder, os.R_OK | os.X_OK):
        return Problem(folder, "unreadable", "The folder may not be read.")
    return None


def _json_files(folder: Path) -> list[Path]:
    return sorted(path for path in _listed(folder) if path.suffix == ".json")


def _listed(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if not path.name.startswith(".")]
    except OSError:
        return []
