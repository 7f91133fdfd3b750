"""Rows of ours that somebody wrote over, told from rows that were read and taken out."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from apps.claude.formats import InboxRow

# How long before our writing a row may have been made that its writer put in place after it.
IN_FLIGHT = timedelta(seconds=2)


def is_written_over(
    before: Collection[str], at: datetime, rows: Iterable[InboxRow], *, locking: bool
) -> bool:
    """Whether an inbox that holds `rows`, and no more a row written there at `at`, tells of a loss.

    It does where a row stayed that was unread `before` ours came: a reader takes out all that is
    unread. And, unless the writers heed locks, where a row came that was made shortly before ours,
    but was not there yet: its writer had begun with an older copy.

    One loss looks like a reading and is taken for one: a reader without a lock who read before our
    row came, and emptied the file after it. And so does one that was followed by a reading before
    anybody saw what the file held in between.
    """
    return any(
        row.id in before or (not locking and row.at and at - IN_FLIGHT < row.at < at)
        for row in rows
    )


@dataclass(frozen=True)
class _Ours:
    """A row of ours as it came into an inbox; what is read there after `proven` should have it.

    `at` is a time of day as rows have it, `proven` one of the clock that only ever goes on.
    """

    before: frozenset[str]
    at: datetime
    proven: float


class Losses:
    """Notes, from each content of an inbox that was seen, which of our rows it lost."""

    def __init__(self) -> None:
        self._ours: dict[Path, dict[str, _Ours]] = {}
        self._lost: dict[str, dict[str, set[str]]] = {}

    def wrote(
        self, path: Path, names: Iterable[str], before: Iterable[str], at: datetime, proven: float
    ) -> None:
        """These rows of ours were found in the inbox after they were written."""
        row = _Ours(frozenset(before), at, proven)
        self._ours.setdefault(path, {}).update(dict.fromkeys(names, row))

    def held(self, path: Path, rows: Collection[InboxRow], seen: float, *, locking: bool) -> None:
        """The inbox held these rows when it was read, which began at `seen`."""
        here = {row.id for row in rows}
        ours = self._ours.get(path, {})
        for name, row in list(ours.items()):
            if name in here or seen <= row.proven:
                continue
            del ours[name]
            if is_written_over(row.before, row.at, rows, locking=locking):
                lost = self._lost.setdefault(path.parent.parent.name, {})
                lost.setdefault(path.stem, set()).add(name)

    def take(self, folder: str) -> dict[str, set[str]]:
        """By inbox: the rows that one team's inboxes lost since the last time."""
        return self._lost.pop(folder, {})
