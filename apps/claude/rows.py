"""Rows of ours into inboxes that others write too: each once, and none but what was seen there."""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from apps.claude import formats
from apps.claude.formats import Problem
from apps.claude.writing import NotWritten, make_folder, rewrite


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
    make_folder(path.parent)
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
