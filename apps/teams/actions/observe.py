"""Teams and seats that live outside and are only recorded here, whatever our rules would say."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils import timezone

from apps.core.actions import action
from apps.core.text import fold
from apps.teams import endings, events
from apps.teams.access import system_seat
from apps.teams.actions.adopting import adopt_team
from apps.teams.actions.locking import lock_team
from apps.teams.actions.members import free_name
from apps.teams.actions.teams import found_team
from apps.teams.lifecycle import State
from apps.teams.models import Member, Team, Token, User

KNOWN_AS = "known_as"
SEEN = "seen"
DESCRIBED = ("role", "color", "agent_type", "model", "prompt", "cwd", "plan_mode_required")


@dataclass(frozen=True, kw_only=True)
class SeenSeat:
    """An agent's seat as an outside source tells it, found again by `known_as`, its name there.

    `terminated_at`: its run ended and the seat stays. `ended_at`: the seat itself is over, or was
    never more than a name. What is None the source does not say. `facts` go into the metadata.
    """

    known_as: str
    role: str | None = None
    color: str | None = None
    agent_type: str | None = None
    model: str | None = None
    prompt: str | None = None
    cwd: str | None = None
    plan_mode_required: bool | None = None
    joined_at: datetime | None = None
    last_seen_at: datetime | None = None
    terminated_at: datetime | None = None
    ended_at: datetime | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    def told(self) -> dict[str, Any]:
        """What the source says, short enough to compare with what it said last time."""
        said = self.described()
        if self.prompt is not None:
            said["prompt"] = hashlib.sha256(self.prompt.encode()).hexdigest()[:12]
        said["terminated"] = self.terminated_at.isoformat() if self.terminated_at else None
        said["ended"] = self.ended_at is not None
        return said

    def described(self) -> dict[str, Any]:
        """The fields that the source describes."""
        values = {key: getattr(self, key) for key in DESCRIBED}
        return {key: value for key, value in values.items() if value is not None}


@action
def observe_team(slug: str, **values: Any) -> Member:
    """A team that already works elsewhere: made active as it is. Returns its system seat.

    `values` are those of a new team: name, description, source, metadata, created_at.
    """
    team = found_team(slug, **values)
    team.state, team.state_changed_at = State.ACTIVE, timezone.now()
    team.save(update_fields=["state", "state_changed_at"])
    system = system_seat(team)
    events.record(system, "team.created", slug=team.slug, name=team.name, source=team.source)
    return system


@action
def show_to_administrators(team: Team) -> None:
    """Seat every administrator as a leader, so that somebody sees a team that nobody made here."""
    for user in User.objects.filter(is_superuser=True, is_active=True).order_by("pk"):
        adopt_team(user, team)


@action
def observe_seats(actor: Member, seen: Iterable[SeenSeat]) -> list[Member]:
    """Bring the seats of the actor's team in line with an outside source; returns what changed.

    Only what is news there is taken over, so what was changed here since stays. `max_members`
    grows where the source has more.
    """
    team = lock_team(actor)
    known = {fold(name): member for name, member in outside_names(team).items()}
    changed = []
    for seat in seen:
        member = known.get(fold(seat.known_as))
        if member is None:
            changed.append(_seat(actor, team, seat))
        elif _renew(actor, member, seat):
            changed.append(member)
    _make_room(team)
    return changed


def outside_names(team: Team) -> dict[str, Member]:
    """The seats that are known from an outside source, by their name there."""
    seats = team.members.exclude(kind=Member.Kind.SYSTEM)
    return {str(seat.metadata[KNOWN_AS]): seat for seat in seats if KNOWN_AS in seat.metadata}


def _seat(actor: Member, team: Team, seat: SeenSeat) -> Member:
    member = Member.objects.create(
        team=team,
        name=free_name(team, seat.known_as),
        kind=Member.Kind.AGENT,
        joined_at=seat.joined_at or seat.last_seen_at or timezone.now(),
        last_seen_at=seat.last_seen_at,
        terminated_at=seat.terminated_at,
        left_at=seat.ended_at,
        metadata={KNOWN_AS: seat.known_as, SEEN: seat.told(), **seat.facts},
        **seat.described(),
    )
    member.team = team
    if seat.ended_at is not None:
        events.record(actor, "member.observed", known_as=seat.known_as, **member.as_fact())
        return member
    events.record(member, "member.joined", by=team.source, **member.as_fact())
    if seat.terminated_at is not None:
        _tell_end(member)
    return member


def _renew(actor: Member, member: Member, seat: SeenSeat) -> bool:
    before, now = member.metadata.get(SEEN, {}), seat.told()
    news = {key for key, value in now.items() if before.get(key) != value}
    described = [key for key in DESCRIBED if key in news]
    for key in described:
        setattr(member, key, getattr(seat, key))
    run = _run(member, seat, news)
    changes = _place(actor, member, seat, news)
    seen = {**before, **now}
    facts = {**member.metadata, KNOWN_AS: seat.known_as, SEEN: seen, **seat.facts}
    touched = [*described, *run, *changes]
    if facts != member.metadata:
        member.metadata = facts
        touched.append("metadata")
    if not touched:
        return False
    member.save(update_fields=touched)
    if described:
        events.record(actor, "member.changed", changed=described, **member.as_fact())
    if "terminated_at" in run:
        _tell_end(member)
    return touched != ["last_seen_at"]


def _run(member: Member, seat: SeenSeat, news: set[str]) -> list[str]:
    """Note what the source says of the member's process; the fields that changed."""
    touched = []
    last, ended = seat.last_seen_at, member.terminated_at
    if "terminated" in news and seat.terminated_at is not None and ended is None:
        member.terminated_at = seat.terminated_at
        touched.append("terminated_at")
    elif ended is not None and seat.terminated_at is None and _came_back(seat, ended):
        member.terminated_at = None
        touched.append("terminated_at")
    if last is not None and (member.last_seen_at is None or last > member.last_seen_at):
        member.last_seen_at = last
        touched.append("last_seen_at")
    return touched


def _came_back(seat: SeenSeat, ended: datetime) -> bool:
    signs = (seat.last_seen_at, seat.joined_at)
    return any(sign is not None and sign > ended for sign in signs)


def _tell_end(member: Member) -> None:
    kind = "session.ended" if member.terminated_at is not None else "session.started"
    events.record(member, kind, member=member.name, by="files")


def _place(actor: Member, member: Member, seat: SeenSeat, news: set[str]) -> list[str]:
    """End the seat or take it up again, where the source's word on it is new."""
    if "ended" not in news or (seat.ended_at is None) == (member.left_at is None):
        return []
    member.left_at = seat.ended_at
    if seat.ended_at is None:
        events.record(member, "member.joined", by=actor.team.source, **member.as_fact())
        return ["left_at"]
    Token.objects.filter(member=member, revoked_at=None).update(revoked_at=timezone.now())
    events.record(actor, "member.left", **member.as_fact())
    endings.seat_ended(actor, member)
    return ["left_at"]


def _make_room(team: Team) -> None:
    seated = team.members.seated().count()
    if seated > team.max_members:
        team.max_members = seated
        team.save(update_fields=["max_members"])
