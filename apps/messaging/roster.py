"""From the names that a message is addressed to, to the seats that get it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from django.db import connection

from apps.core.closest import closest, did_you_mean
from apps.core.errors import Invalid
from apps.core.prepared import NUMBER, OTHER, TEXT, Prepared
from apps.core.text import fold
from apps.messaging.mentions import EVERYONE, mentioned
from apps.teams.models import Member, Team

LEADER_WORDS = frozenset({"lead", "team-lead", "leader"})
EVERYONE_WORDS = frozenset({"all", "everyone", "*"})


class Entry(NamedTuple):
    """A seat as a message needs it; making members of all rows would be the most costly part."""

    id: int
    team_id: int
    name: str
    key: str
    kind: str
    user_id: int | None
    role: str
    left_at: datetime | None

    @property
    def member(self) -> Member:
        """The seat itself, its other columns read when asked for."""
        return Member.from_db(connection.alias, self._fields, self)


ENTRIES = Prepared(
    Member,
    lambda seats: (
        seats.filter(team_id=NUMBER).exclude(kind=Member.Kind.SYSTEM).values_list(*Entry._fields)
    ),
)
NAMED = Prepared(
    Member,
    lambda seats: (
        seats.filter(team_id=OTHER, key=TEXT)
        .exclude(kind=Member.Kind.SYSTEM)
        .order_by()
        .values_list(*Entry._fields)
    ),
)
# So many names are looked up one by one; for more, all seats are read at once.
FEW = 3


class Roster:
    """The seats of a team by name, ignoring case; ended ones are known but get nothing.

    They are read when they are asked for, a few names without the others.
    """

    def __init__(self, team: Team) -> None:
        self._team_id = team.pk

    @cached_property
    def _entries(self) -> dict[int, Entry]:
        return {row[0]: Entry(*row) for row in ENTRIES.rows(self._team_id)}

    @cached_property
    def _by_key(self) -> dict[str, Entry]:
        return {entry.key: entry for entry in self._entries.values()}

    def _find(self, key: str) -> Entry | None:
        if "_entries" in vars(self) or "\0" in key:
            return self._by_key.get(key)
        rows = NAMED.rows(key, self._team_id)
        return Entry(*rows[0]) if rows else None

    @property
    def all_names(self) -> list[str]:
        """The names of all seats, ended ones too."""
        return [entry.name for entry in self._entries.values()]

    @property
    def names(self) -> list[str]:
        """The names of the seats that are taken now."""
        return [entry.name for entry in self._entries.values() if entry.left_at is None]

    @property
    def live(self) -> list[Member]:
        """The seats that are taken now, in the order they joined."""
        return [entry.member for entry in self._entries.values() if entry.left_at is None]

    def others(self, actor: Member) -> list[Member]:
        """Everyone but `actor`."""
        return [seat for seat in self.live if seat.pk != actor.pk]

    @property
    def leaders(self) -> list[Member]:
        """Who leads now, in the order they joined."""
        return [seat for seat in self.live if seat.is_leader]

    def leader(self) -> Member | None:
        """The leader who joined first."""
        return next(iter(self.leaders), None)

    def resolve(self, names: Iterable[str], *, actor: Member, field: str = "to") -> list[Member]:
        """The seats behind `names`, each once; Invalid names the unknown and the ended ones.

        `lead` is the leader where nobody has that name; `all` is everyone but `actor`.
        """
        found: dict[int, Member] = {}
        unknown, ended = [], []
        names = list(names)
        find = self._find if len(names) <= FEW else self._by_key.get
        for name in names:
            word = fold(name.strip().removeprefix("@"))
            entry = find(word)
            if entry is None and word in EVERYONE_WORDS:
                found |= {other.pk: other for other in self.others(actor)}
                continue
            if entry is None and word in LEADER_WORDS and (leader := self.leader()):
                entry = self._entries[leader.pk]
            if entry is None:
                unknown.append(name)
            elif entry.left_at is not None:
                ended.append(entry.name)
            else:
                found.setdefault(entry.id, entry.member)
        if unknown or ended:
            raise self._refusal(unknown, ended, field)
        return list(found.values())

    def mentioned(self, body: str, *, actor: Member) -> list[Member]:
        """The live seats that `body` addresses, without `actor`; unknown handles are text."""
        if "@" not in body:
            return []
        names = mentioned(body, self.names)
        if EVERYONE in names:
            return self.others(actor)
        entries = [self._by_key[fold(name)] for name in names]
        return [entry.member for entry in entries if entry.id != actor.pk]

    def _refusal(self, unknown: Sequence[str], ended: Sequence[str], field: str) -> Invalid:
        if not unknown:
            says = f"The seat of {_listed(ended)} has ended."
            hint = "Write to somebody who sits in the team."
            return Invalid(fields={field: says}, code="seat_ended", hint=hint)
        live = self.names
        near = list(dict.fromkeys(name for word in unknown for name in closest(word, live)))
        hint = did_you_mean(near).lstrip() or f"Members are: {_some(live)}."
        says = f"The team has no member {_listed(f'“{name[:64]}”' for name in unknown)}."
        return Invalid(
            fields={field: says}, code="unknown_recipient", hint=hint, unknown=list(unknown)[:20],
            closest=near,
        )  # fmt: skip


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)


def _some(names: Sequence[str]) -> str:
    more = len(names) - 10
    return ", ".join(names[:10]) + (f" and {more} more" if more > 0 else "")
