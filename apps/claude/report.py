"""What the health page of a followed team says."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from django.utils import timezone

from apps.claude import formats
from apps.claude.clocks import skew
from apps.claude.drift import Difference, differences
from apps.claude.formats import Epoch, TeamTree
from apps.claude.mirror import folder_of
from apps.claude.models import Handover, TeamFiles
from apps.claude.outbox import waiting_copies
from apps.core.timetext import duration
from apps.messaging.models import Delivery

ALIVE = timedelta(seconds=90)
OLD = timedelta(minutes=10)
SKEW = timedelta(minutes=5)
HEAVY_BYTES = 1024 * 1024
MOST_SHOWN = 20
EPOCHS = {
    Epoch.CHOSEN: "a team made by name; its inboxes only grow",
    Epoch.SESSION: "a team of one session; what was read leaves the inboxes",
    Epoch.NUMBERED: "a team of one session; messages have numbers",
}


@dataclass(frozen=True)
class InboxLine:
    """One inbox file: its size, and how much of it was read."""

    name: str
    rows: int
    unread: int
    size: int
    phantom: bool

    @property
    def heavy(self) -> bool:
        """Whether it is so big that its reader gets slow."""
        return self.size >= HEAVY_BYTES


@dataclass
class Report:
    """The whole page; `tree` is None where neither the files nor a copy is on this machine."""

    files: TeamFiles
    tree: TeamTree | None
    inboxes: list[InboxLine] = field(default_factory=list)
    waiting: list[Delivery] = field(default_factory=list)
    unread: list[Handover] = field(default_factory=list)
    drift: list[Difference] = field(default_factory=list)
    skew: timedelta | None = None

    @property
    def is_followed(self) -> bool:
        """Whether somebody looks at the files now."""
        seen = self.files.looked_at
        following = self.files.followed_since is not None and self.files.gone_at is None
        return following and seen is not None and timezone.now() - seen < ALIVE

    @property
    def epoch(self) -> str:
        """How Claude Code keeps this team, in words."""
        return EPOCHS[Epoch(self.files.epoch)]

    @property
    def skew_words(self) -> str:
        """How far the other clock is off, in words."""
        if self.skew is None:
            return ""
        side = "ahead of" if self.skew > timedelta() else "behind"
        return f"{side} this one by about {duration(abs(self.skew).total_seconds())}"

    @property
    def is_well(self) -> bool:
        """Whether there is nothing to look after."""
        return self.is_followed and not any((
            self.files.problems, self.files.troubles, self.drift, self.old, self.skew,
            any(inbox.heavy for inbox in self.inboxes),
        ))  # fmt: skip

    @property
    def old(self) -> list[Delivery]:
        """Copies that should have been handed over by now."""
        limit = timezone.now() - OLD
        return [copy for copy in self.waiting if copy.message.sent_at < limit]


def tree_of(files: TeamFiles) -> TeamTree | None:
    """The files as they are now; of another machine's, the copy that came last."""
    home = Path(files.home)
    if not home.is_absolute():
        home = folder_of(files.home)
    return formats.read_team(home, files.folder) if home.is_dir() else None


def report(files: TeamFiles) -> Report:
    """Everything there is to say now."""
    tree = tree_of(files)
    told = Report(files, tree, waiting=list(waiting_copies(files)[:MOST_SHOWN]))
    unread = files.handovers.filter(
        read_at=None, drained_at=None, written_at__lt=timezone.now() - OLD
    )
    people = unread.select_related("delivery__recipient", "delivery__message__sender")
    told.unread = list(people.order_by("written_at")[:MOST_SHOWN])
    told.drift = differences(files, tree)
    if tree is not None:
        told.inboxes = _inboxes(tree)
        told.skew = _skew(files, tree)
    return told


def _inboxes(tree: TeamTree) -> list[InboxLine]:
    phantoms = {name for entry in formats.roster(tree) if entry.phantom for name in entry.inboxes}
    lines = []
    for name, rows in sorted(tree.inboxes.items()):
        path = tree.home / "teams" / tree.name / "inboxes" / f"{name}.json"
        size = tree.stamps[path].size if path in tree.stamps else 0
        unread = sum(not row.read for row in rows)
        lines.append(InboxLine(name, len(rows), unread, size, name in phantoms))
    return lines


def _skew(files: TeamFiles, tree: TeamTree) -> timedelta | None:
    """How far the clock of the other machine is off, where that is much.

    Where that machine did not say, only a message from the future tells.
    """
    found = skew(files.home)
    if found is None:
        newest: datetime | None = max(
            (row.at for rows in tree.inboxes.values() for row in rows if row.at), default=None
        )
        found = max(newest - timezone.now(), timedelta()) if newest else timedelta()
    return found if abs(found) >= SKEW else None
