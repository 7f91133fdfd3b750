"""Who is on a team: no single file says, so this is the union of what all of them say."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from .config import LEAD_ALIASES, ConfigMember
from .inbox import InboxRow
from .names import file_form
from .tree import TeamTree

NOBODY = frozenset({"user", "system", "all", "everyone", "*"})
CROSS_TEAM_TOOLS = frozenset(
    {"cross_team", "cross_team_send", "cross_team_list_targets", "cross_team_get_outbox"}
)
GENERATED = re.compile(r"a[0-9a-f]{16}")
QUALIFIED = re.compile(r"[a-z0-9][a-z0-9-]{0,127}\.[a-z0-9][a-z0-9._-]*")
REMARK = re.compile(r"\s+\([^()]*\)$")
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class RosterEntry:
    """One seat: where its name was seen (`sources`) and what the files say of it.

    `phantom`: only an inbox has the name, nobody reads it. `removed`: taken off, kept for history.
    `terminated`: the last thing that it wrote was its consent to stop.
    """

    name: str
    is_lead: bool = False
    aliases: tuple[str, ...] = ()
    sources: frozenset[str] = frozenset()
    member: ConfigMember | None = None
    inboxes: tuple[str, ...] = ()
    phantom: bool = False
    removed: bool = False
    terminated: bool = False
    last_seen: datetime | None = None
    color: str | None = None
    current_task: str | None = None


@dataclass
class _Seat:
    name: str
    sources: set[str] = field(default_factory=set)
    members: list[ConfigMember] = field(default_factory=list)
    inboxes: list[str] = field(default_factory=list)
    last_row: InboxRow | None = None
    last_seen: datetime | None = None
    color: str | None = None
    tasks: list[str] = field(default_factory=list)


def roster(tree: TeamTree) -> tuple[RosterEntry, ...]:
    """The seats of a team: those of the config in its order, then the others by name.

    Sources are config, meta, launch, inbox, author (of a message) and owner (of a task). Names
    that stand for nobody (the user, cross-team senders, generated ids) are left out.
    """
    return _Roll(tree).entries()


def find(entries: Iterable[RosterEntry], name: str) -> RosterEntry | None:
    """The seat that a name or an alias of the lead means, ignoring case."""
    wanted = name.casefold()
    seats = list(entries)
    exact = (seat for seat in seats if seat.name.casefold() == wanted)
    alias = (seat for seat in seats if wanted in seat.aliases)
    return next(exact, None) or next(alias, None)


class _Roll:
    """Gathers the seats source by source."""

    def __init__(self, tree: TeamTree) -> None:
        self.tree = tree
        self.seats: dict[str, _Seat] = {}
        self.declared = {member.name.casefold() for member in self._members()}
        self.lead = self._lead_name()
        self._declare()
        for name in tree.expected:
            self._seat(name, "launch")
        self._deliver()
        self._hear()
        self._assign()
        self._drop_doubles()

    def entries(self) -> tuple[RosterEntry, ...]:
        order = {self._key(m.name): i for i, m in enumerate(self._config_members())}
        keys = sorted(self.seats, key=lambda key: (order.get(key, len(order)), key))
        return tuple(self._entry(key) for key in keys)

    def _config_members(self) -> tuple[ConfigMember, ...]:
        return self.tree.config.members if self.tree.config else ()

    def _meta_members(self) -> tuple[ConfigMember, ...]:
        return self.tree.meta.members if self.tree.meta else ()

    def _members(self) -> tuple[ConfigMember, ...]:
        return (*self._config_members(), *self._meta_members())

    def _lead_name(self) -> str:
        if self.tree.config and self.tree.config.lead:
            return self.tree.config.lead.name
        seen = {name.casefold() for name in (*self.tree.inboxes, *self.tree.expected)}
        seen |= self.declared
        return "lead" if "lead" in seen and "team-lead" not in seen else "team-lead"

    def _key(self, name: str) -> str:
        short = name.strip().casefold().removesuffix(f"@{self.tree.name.casefold()}")
        lead = self.lead.casefold()
        taken = short in self.declared and lead != "team-lead"
        return lead if short in LEAD_ALIASES and not taken else short

    def _declare(self) -> None:
        for member in self._config_members():
            self._declare_one(member, "config")
        for member in self._meta_members():
            self._declare_one(member, "meta")

    def _declare_one(self, member: ConfigMember, source: str) -> None:
        key = self._key(member.name)
        if key in NOBODY or GENERATED.fullmatch(key):
            return
        seat = self.seats.setdefault(key, _Seat(member.name))
        seat.sources.add(source)
        seat.members.append(member)

    def _seat(self, name: str, source: str) -> _Seat | None:
        key = self._known_key(name)
        if key not in self.seats and _stands_for_nobody(key):
            return None
        spelled = self.lead if key == self.lead.casefold() else name.strip()
        seat = self.seats.setdefault(key, _Seat(spelled))
        seat.sources.add(source)
        return seat

    def _known_key(self, name: str) -> str:
        key = self._key(name)
        if key in self.seats:
            return key
        plain = REMARK.sub("", key)
        if plain in self.seats:
            return plain
        same_file = [other for other in self.seats if file_form(other) == key]
        return same_file[0] if len(same_file) == 1 else key

    def _deliver(self) -> None:
        for name in sorted(self.tree.inboxes):
            if seat := self._seat(name, "inbox"):
                seat.inboxes.append(name)

    def _hear(self) -> None:
        for rows in self.tree.inboxes.values():
            at = LONG_AGO
            for row in rows:
                at = row.at or at
                if seat := self._seat(row.sender, "author"):
                    _heard(seat, row, at)

    def _assign(self) -> None:
        for task in self.tree.work_tasks:
            if not task.owner or not task.owner.strip() or task.status == "deleted":
                continue
            seat = self._seat(task.owner, "owner")
            if seat and task.status == "in_progress":
                seat.tasks.append(task.id)

    def _drop_doubles(self) -> None:
        for key in list(self.seats):
            if key.endswith("-provisioner") and key.removesuffix("-provisioner") in self.seats:
                del self.seats[key]

    def _entry(self, key: str) -> RosterEntry:
        seat = self.seats[key]
        is_lead = key == self.lead.casefold()
        member = seat.members[0] if seat.members else None
        return RosterEntry(
            name=seat.name,
            is_lead=is_lead,
            aliases=tuple(sorted(LEAD_ALIASES | {key})) if is_lead else (),
            sources=frozenset(seat.sources),
            member=member,
            inboxes=tuple(seat.inboxes),
            phantom=seat.sources == {"inbox"} and not is_lead,
            removed=any(found.removed_at is not None for found in seat.members),
            terminated=_has_stopped(seat),
            last_seen=seat.last_seen,
            color=(member.color if member else None) or seat.color,
            current_task=seat.tasks[0] if seat.tasks else None,
        )


def _stands_for_nobody(key: str) -> bool:
    cross = key.startswith(("cross_team::", "cross-team-")) or key in CROSS_TEAM_TOOLS
    qualified = QUALIFIED.fullmatch(key) is not None
    return not key or cross or qualified or key in NOBODY or GENERATED.fullmatch(key) is not None


def _heard(seat: _Seat, row: InboxRow, at: datetime) -> None:
    if row.color:
        seat.color = row.color
    if seat.last_seen is None or at >= seat.last_seen:
        seat.last_row, seat.last_seen = row, at


def _has_stopped(seat: _Seat) -> bool:
    if seat.last_row is None or seat.last_row.kind != "shutdown_approved":
        return False
    joined = [member.joined_at for member in seat.members if member.joined_at is not None]
    return seat.last_seen is None or all(at <= seat.last_seen for at in joined)
