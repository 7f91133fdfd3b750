from __future__ import annotations

from typing import Any

from django.utils import timezone

from apps.core.actions import action
from apps.core.errors import Conflict, Invalid, NotAllowed
from apps.core.text import fold
from apps.teams import endings, events
from apps.teams.actions.locking import lock_team, require_leading
from apps.teams.lifecycle import Allows
from apps.teams.models import Member, Team, Token, User
from apps.teams.names import check_member_name, seat_name
from apps.teams.permissions import Permission

DESCRIBED = ("color", "agent_type", "model", "prompt", "cwd", "plan_mode_required")
CHANGEABLE = frozenset({"role", "granted", "denied", *DESCRIBED})
# A seat that is taken up again starts with what it is given now, not with what it once could do.
FRESH_RIGHTS: dict[str, Any] = {"role": Member.Role.MEMBER.value, "granted": [], "denied": []}


@action
def add_member(actor: Member, name: str, *, kind: str = "agent", **values: Any) -> Member:
    """Seat an agent, or take an ended seat of that name up again.

    A live seat of the name is a Conflict, as is a full team. A new agent's plan gate starts with
    the team's `require_plan_approval`.
    """
    team = lock_team(actor)
    actor.require("manage_team")
    team.require(Allows.MEMBERS)
    if kind != Member.Kind.AGENT:
        raise Invalid(fields={"kind": "People join by an invitation; only agents are added."})
    values.setdefault("plan_mode_required", team.require_plan_approval)
    member = _take_seat(team, check_member_name(name), kind=kind, **_checked(values))
    events.record(actor, "member.joined", **member.as_fact())
    return member


def seat_person(team: Team, user: User, *, role: str = Member.Role.MEMBER) -> Member:
    """The seat of a person: their old one taken up again, or a new one under their user name.

    A part of actions that hold the team's lock; they record it.
    """
    old = team.members.filter(user=user).first()
    name = old.name if old else free_name(team, user.username)
    return _take_seat(team, name, kind=Member.Kind.HUMAN, user=user, role=role)


def free_name(team: Team, wanted: str) -> str:
    """What a seat may be called after `wanted`, with the first number behind it that nobody has."""
    taken = set(team.members.values_list("key", flat=True))
    base = seat_name(wanted)
    name, number = base, 2
    while fold(name) in taken:
        name, number = f"{base[:58]}-{number}", number + 1
    return name


def _take_seat(team: Team, name: str, **values: Any) -> Member:
    old = team.members.filter(key=fold(name)).first()
    if old is not None and old.left_at is None:
        raise Conflict(
            f"The team already has a member “{old.name}”.",
            code="name_taken",
            hint="Choose another name.",
        )
    if old is not None and old.kind != values["kind"]:
        raise Conflict(
            f"“{old.name}” was the seat of another kind of member.",
            code="name_taken",
            hint="Choose another name.",
        )
    require_room(team)
    if old is None:
        return Member.objects.create(team=team, name=name, **values)
    return _seat_again(team, old, **{**FRESH_RIGHTS, **values})


def _seat_again(team: Team, seat: Member, **values: Any) -> Member:
    changes = {**values, "left_at": None, "terminated_at": None, "joined_at": timezone.now()}
    for key, value in changes.items():
        setattr(seat, key, value)
    seat.save(update_fields=[*changes])
    seat.team = team
    return seat


def require_room(team: Team) -> None:
    """Raise Conflict where every seat the team may have is taken."""
    seated = team.members.seated().count()
    if seated >= team.max_members:
        raise Conflict(
            f"The team is full: {seated} of {team.max_members} seats are taken.",
            code="team_full",
            hint="End a seat, or raise the limit in the team's settings.",
        )


@action
def change_member(actor: Member, name: str, **values: Any) -> Member:
    """Change a seat's role, permissions or description. The last leader stays a leader."""
    team = lock_team(actor)
    actor.require("manage_team")
    team.require(Allows.MEMBERS)
    member = team.members.named(name)
    if member.left_at is not None:
        raise Conflict(f"The seat of {member.name} has ended.", code="seat_ended")
    changed = {k: v for k, v in _checked(values).items() if getattr(member, k) != v}
    if not changed:
        return member
    if changed.get("role") or Permission.MANAGE_TEAM in changed.get("denied", ()):
        _keep_a_leader(team, member)
    for key, value in changed.items():
        setattr(member, key, value)
    member.save(update_fields=[*changed])
    events.record(actor, "member.changed", changed=sorted(changed), **member.as_fact())
    return member


@action
def end_seat(actor: Member, name: str) -> Member:
    """End a seat: tokens are revoked, sockets closed; the name and its history stay.

    A leader ends any seat but the last leader's; everybody may end their own.
    """
    team = lock_team(actor)
    member = team.members.named(name)
    if member.pk != actor.pk:
        require_leading(actor)
    team.require(Allows.MEMBERS)
    _keep_a_leader(team, member)
    member.end()
    # Sessions before the seat, the order of a heartbeat, which does not hold the team's lock.
    running = member.sessions.filter(ended_at=None)
    running.update(ended_at=member.left_at, end_reason="The seat ended.")
    member.save(update_fields=["left_at"])
    Token.objects.filter(member=member, revoked_at=None).update(revoked_at=member.left_at)
    events.record(actor, "member.left", **member.as_fact())
    endings.seat_ended(actor, member)
    return member


@action
def return_seat(actor: Member, name: str) -> Member:
    """Give an ended seat back as it was. A live one is a Conflict, as is a full team."""
    team = lock_team(actor)
    actor.require("manage_team")
    team.require(Allows.MEMBERS)
    member = team.members.named(name)
    if member.left_at is None:
        raise Conflict(f"{member.name} sits in the team.", code="seat_taken")
    require_room(team)
    _seat_again(team, member)
    events.record(actor, "member.joined", by="return", **member.as_fact())
    return member


def _keep_a_leader(team: Team, member: Member) -> None:
    if not member.is_leader:
        return
    others = team.members.seated().filter(role=Member.Role.LEADER).exclude(pk=member.pk)
    if not any(other.can(Permission.MANAGE_TEAM) for other in others):
        raise Conflict(
            f"{member.name} is the team's only leader.",
            code="last_leader",
            hint="Make another member a leader first.",
        )


@action
def seat_staff(user: User, team: Team) -> Member:
    """The seat through which a staff user decides plans in the admin; made where there is none.

    Such a seat is an observer's with `decide_plans`, is made in a full team too, and the journal
    shows it. A user without the right gets NotAllowed.
    """
    team = Team.objects.select_for_update().get(pk=team.pk)
    seat = team.members.filter(user=user, left_at=None).first()
    if seat is not None:
        seat.team = team
        return seat
    if team.state == Team.State.DISBANDED:
        team.require(Allows.DECISIONS)
    if not (user.is_staff and user.has_perm("reviews.decide_plan")):
        raise NotAllowed("You may not decide plans.", hint="Ask an administrator for the right.")
    rights: dict[str, Any] = {**FRESH_RIGHTS, "role": Member.Role.OBSERVER}
    rights["granted"] = [Permission.DECIDE_PLANS.value]
    old = team.members.filter(user=user).first()
    if old is not None:
        seat = _seat_again(team, old, **rights)
    else:
        name = free_name(team, user.username)
        seat = Member.objects.create(
            team=team, user=user, name=name, kind=Member.Kind.HUMAN, **rights
        )
    events.record(seat, "member.joined", by="admin", **seat.as_fact())
    return seat


def _checked(values: dict[str, Any]) -> dict[str, Any]:
    fields: dict[str, str] = {}
    for key in values.keys() - CHANGEABLE:
        fields[key] = "A seat has no such value."
    if values.get("role", "member") not in Member.Role.values:
        fields["role"] = f"Choose one of {', '.join(Member.Role.values)}."
    for key in ("granted", "denied"):
        if wrong := set(values.get(key) or ()) - set(Permission.values):
            fields[key] = f"There is no permission “{sorted(wrong)[0]}”."
    for key, longest in (("agent_type", 128), ("model", 128), ("color", 16), ("cwd", 1024)):
        if len(values.get(key) or "") > longest:
            fields[key] = f"At most {longest} characters."
    if fields:
        raise Invalid(fields=fields)
    return values
