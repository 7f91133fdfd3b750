"""Rows of inboxes that are gone before the next look: caught as soon as their file changed."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from apps.claude import formats
from apps.claude.formats import Epoch, InboxRow, TeamTree
from apps.claude.losses import Losses
from apps.claude.rows import Written
from apps.claude.writing import is_locked_by_others

MOST_BYTES = 32 * 1024 * 1024
Rows = dict[str, dict[str, InboxRow]]


class Catcher:
    """Keeps what inboxes held each time they changed, until that was stored.

    Its bytes are kept as they are and understood later: every millisecond counts.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        # Teams whose other writers were seen to hold locks, and those whose inboxes only grow.
        self.lockers: set[str] = set()
        self.growing: set[str] = set()
        self._guard = threading.Lock()
        self._losses = Losses()
        self._caught: dict[str, Rows] = {}
        self._raw: deque[tuple[Path, bytes, float]] = deque()
        self._bytes = 0

    def catch(self, path: Path) -> None:
        """Keep what an inbox file holds now; any other file is nothing to it."""
        folder = path.parent.parent.name
        if path.parent.name != "inboxes" or path.suffix != ".json" or folder in self.growing:
            return
        seen = time.monotonic()
        found = formats.read_at_once(path, limit=formats.INBOX_LIMIT, within=self.home)
        if is_locked_by_others(path):
            self.lockers.add(folder)
        if isinstance(found, formats.Problem):
            return
        with self._guard:
            self._raw.append((path, found.data, seen))
            self._bytes += len(found.data)
            while self._bytes > MOST_BYTES:
                self._bytes -= len(self._raw.popleft()[1])

    def saw(self, path: Path, entries: list[Any]) -> None:
        """Keep what lay in an inbox when we wrote into it."""
        if path.parent.parent.name not in self.growing:
            with self._guard:
                self._keep(path, _rows_of(entries))

    def wrote(self, path: Path, names: Collection[str], written: Written) -> None:
        """Note rows of ours that were found in an inbox after they were written."""
        if path.parent.parent.name not in self.growing:
            at = datetime.fromtimestamp(written.at, tz=UTC)
            with self._guard:
                self._losses.wrote(path, names, written.before, at, time.monotonic())

    def take(self, folder: str) -> Rows:
        """What was caught of one team since the last time."""
        with self._guard:
            while self._raw:
                self._understand(*self._raw.popleft())
            self._bytes = 0
            return self._caught.pop(folder, {})

    def lost(self, folder: str) -> dict[str, set[str]]:
        """By inbox: the rows of ours that others wrote over, as was seen up to the last `take`."""
        with self._guard:
            return self._losses.take(folder)

    def _understand(self, path: Path, data: bytes, seen: float) -> None:
        value = formats.decode(path, data)
        if isinstance(value, list):
            rows = _rows_of(value)
            locking = path.parent.parent.name in self.lockers
            self._losses.held(path, rows, seen, locking=locking)
            self._keep(path, rows)

    def give_back(self, folder: str, rows: Rows) -> None:
        """What could not be stored yet stays caught."""
        with self._guard:
            kept = self._caught.setdefault(folder, {})
            for inbox, found in rows.items():
                kept[inbox] = found | kept.get(inbox, {})

    def _keep(self, path: Path, found: Collection[InboxRow]) -> None:
        if not found:
            return
        rows = self._caught.setdefault(path.parent.parent.name, {}).setdefault(path.stem, {})
        for row in found:
            rows.setdefault(row.id, row)


def _rows_of(entries: list[Any]) -> list[InboxRow]:
    return [row for row in map(formats.parse_row, entries) if row is not None]


def with_gone_rows(tree: TeamTree, before: TeamTree | None, caught: Rows) -> TeamTree:
    """The tree with the rows that its inboxes held since the last look and hold no more.

    `caught` is what was caught before the tree was read. Where inboxes are drained, a row that is
    gone was read; of an inbox that cannot be read now, nobody knows.
    """
    drains = tree.epoch > Epoch.CHOSEN or (before is not None and before.epoch > Epoch.CHOSEN)
    drains = drains or any(row.is_numbered for rows in caught.values() for row in rows.values())
    inboxes = dict(tree.inboxes)
    for inbox in dict.fromkeys((*tree.inboxes, *caught)):
        is_read, here = inbox in tree.inboxes, tree.inboxes.get(inbox, ())
        missing = (_rows(before, inbox) if is_read else {}) | caught.get(inbox, {})
        for row in here:
            missing.pop(row.id, None)
        gone = (replace(row, read=row.read or (drains and is_read)) for row in missing.values())
        inboxes[inbox] = (*gone, *here)
    return replace(tree, inboxes=inboxes)


def undecided(tree: TeamTree, before: TeamTree | None, caught: Rows) -> Rows:
    """The rows of inboxes that were just being written: the next look tells whether they stayed."""
    torn = [problem.path for problem in tree.problems if problem.passing]
    inboxes = [path.stem for path in torn if path.parent.name == "inboxes"]
    return {inbox: {**_rows(before, inbox), **caught.get(inbox, {})} for inbox in inboxes}


def _rows(tree: TeamTree | None, inbox: str) -> dict[str, InboxRow]:
    return {row.id: row for row in tree.inboxes.get(inbox, ())} if tree else {}
