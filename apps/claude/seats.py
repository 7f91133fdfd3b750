"""From what all files say of a team's members to its seats."""

from __future__ import annotations

import re
from collections.abc import Container
from datetime import datetime
from typing import Any

from django.utils import timezone

from apps.claude import formats
from apps.claude.formats import RosterEntry, TeamTree
from apps.claude.plain import cut
from apps.core.text import fold
from apps.teams.access import system_seat
from apps.teams.actions.observe import SeenSeat, outside_names
from apps.teams.models import Member, Team

Roster = tuple[RosterEntry, ...]
FACTS = "claude"
VIA = "file"
PLAIN_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}")
DECLARED = frozenset({"config", "meta"})


def seen_seats(tree: TeamTree, team: Team, roster: Roster) -> list[SeenSeat]:
    """The seats to observe: everybody whom the files declare, hear of or give work to.

    A name that only an inbox has is no seat that anybody holds: it is kept as an ended one. An
    owner that is free text gets none.
    """
    known = {fold(name): member for name, member in outside_names(team).items()}
    own = {seat.key for seat in team.members.all()} - {seat.key for seat in known.values()}
    return [
        _seen(tree, entry, known.get(fold(_known_as(entry))))
        for entry in roster
        if _is_seat(entry, own)
    ]


def _is_seat(entry: RosterEntry, own: Container[str]) -> bool:
    # A person of ours who is only written to, or given work, is nobody new.
    if fold(entry.name) in own and not entry.sources & DECLARED:
        return False
    return entry.sources != {"owner"} or PLAIN_NAME.fullmatch(entry.name) is not None


def _known_as(entry: RosterEntry) -> str:
    return cut(entry.name, 255)


def _seen(tree: TeamTree, entry: RosterEntry, known: Member | None) -> SeenSeat:
    before = (known.metadata.get(FACTS) or {}) if known else {}
    declared = bool(entry.sources & DECLARED)
    was_declared = bool(before.get("declared"))
    phantom = entry.phantom and not was_declared and (known is None or bool(before.get("phantom")))
    # A member of the config who is gone from it has stopped, whatever the inboxes still hold.
    vanished = was_declared and not declared and tree.config is not None
    return SeenSeat(
        known_as=_known_as(entry),
        role=_role(entry, known, phantom=phantom),
        joined_at=_past(entry.member.joined_at) if entry.member else None,
        last_seen_at=_past(entry.last_seen),
        terminated_at=_stopped(tree, entry, known, vanished=vanished),
        ended_at=_ended(tree, entry, phantom=phantom),
        facts={FACTS: {
            "declared": declared or was_declared,
            **({"phantom": True} if phantom else {}),
            **_more(entry, before),
        }},
        **_described(entry),
    )  # fmt: skip


def _role(entry: RosterEntry, known: Member | None, *, phantom: bool) -> str | None:
    if entry.is_lead:
        return Member.Role.LEADER
    if phantom:
        return Member.Role.OBSERVER
    # Only the files that declare members know who leads.
    return Member.Role.MEMBER if entry.member or known is None else None


def _described(entry: RosterEntry) -> dict[str, Any]:
    color = {"color": cut(entry.color, 16)} if entry.color else {}
    member = entry.member
    if member is None:
        return color
    return {
        **color,
        "agent_type": cut(member.agent_type, 128),
        "model": cut(member.model, 128),
        "prompt": cut(member.prompt, 200_000),
        "cwd": cut(member.cwd, 1024),
        "plan_mode_required": member.plan_mode_required,
    }


def _more(entry: RosterEntry, before: dict[str, Any]) -> dict[str, Any]:
    """What a seat has no field for; a source that is silent now does not unsay it."""
    member = entry.member
    if member is None:
        return {key: before[key] for key in ("backend", "pane", "agent_id") if key in before}
    found = {
        "agent_id": member.agent_id, "backend": member.backend_type, "pane": member.tmux_pane_id,
    }  # fmt: skip
    return {key: cut(value, 300) for key, value in found.items() if value}


def _stopped(
    tree: TeamTree, entry: RosterEntry, known: Member | None, *, vanished: bool
) -> datetime | None:
    if entry.terminated:
        return _past(entry.last_seen) or _config_time(tree)
    if not vanished or known is None:
        return None
    return known.terminated_at or _config_time(tree)


def _ended(tree: TeamTree, entry: RosterEntry, *, phantom: bool) -> datetime | None:
    if entry.removed:
        return _past(entry.member.removed_at if entry.member else None) or _config_time(tree)
    return _config_time(tree) if phantom else None


def _config_time(tree: TeamTree) -> datetime:
    """When the config was last written, else when the newest file of the team was."""
    path = tree.home / "teams" / tree.name / "config.json"
    stamps = [tree.stamps[path]] if path in tree.stamps else list(tree.stamps.values())
    now = timezone.now()
    return min(max((stamp.at for stamp in stamps), default=now), now)


def _past(at: datetime | None) -> datetime | None:
    """A time of another clock, never later than now."""
    return min(at, timezone.now()) if at is not None else None


class Names:
    """Whom a name in the files means, for one team and one reading of its files."""

    def __init__(self, tree: TeamTree, team: Team, roster: Roster | None = None) -> None:
        self.system = system_seat(team)
        self._roster = formats.roster(tree) if roster is None else roster
        self._outside = {fold(name): seat for name, seat in outside_names(team).items()}
        seats = list(team.members.exclude(kind=Member.Kind.SYSTEM))
        self._own = {fold(seat.name): seat for seat in seats}
        for seat in (self.system, *self._own.values(), *self._outside.values()):
            seat.via = VIA
        self.people = [seat for seat in seats if seat.kind == Member.Kind.HUMAN and seat.is_leader]
        self._suffix = f"@{tree.name.casefold()}"
        self.lead = next((entry.name for entry in self._roster if entry.is_lead), "")
        self._known: dict[str, Member | None] = {}

    def seat(self, name: str) -> Member | None:
        """The seat behind a name, an alias or a qualified name; None for nobody's."""
        if name not in self._known:
            self._known[name] = self._find(name)
        return self._known[name]

    def author(self, name: str) -> Member:
        """Who wrote something; the system's seat stands for those who have none."""
        return self.seat(name) or self.system

    def _find(self, name: str) -> Member | None:
        short = name.strip().removesuffix(self._suffix)
        entry = formats.find(self._roster, short)
        key = fold(_known_as(entry)) if entry else fold(cut(short, 255))
        if key in self._outside:
            return self._outside[key]
        return self._own.get(fold(short))
