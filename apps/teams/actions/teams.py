from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.db.models.fields.files import FieldFile

from apps.core.actions import action
from apps.core.errors import Conflict, Invalid
from apps.teams import endings, events
from apps.teams.access import system_seat
from apps.teams.actions.locking import lock_team, require_leading
from apps.teams.actions.members import seat_person
from apps.teams.lifecycle import State
from apps.teams.models import AgentSession, Artifact, Member, Team, Token, User
from apps.teams.models.team import PROTOCOL_BYTES
from apps.teams.names import check_slug

SETTINGS = frozenset({
    "name", "description", "protocol", "max_members", "require_plan_approval", "approval_stages",
    "wip_limits", "wip_per_member", "allow_self_approval", "dependencies_wait_for_approval",
    "review_sla_minutes", "stall_minutes", "retention_days",
})  # fmt: skip
MOST = 1_000_000
LIMITED_COLUMNS = frozenset({"todo", "in_progress", "review", "done"})


@action
def create_team(founder: User, slug: str, **values: Any) -> Team:
    """A new team in `forming` with `founder` as its leader. A slug in use is a Conflict."""
    team = found_team(slug, **values)
    leader = seat_person(team, founder, role=Member.Role.LEADER)
    events.record(leader, "team.created", slug=team.slug, name=team.name)
    events.record(leader, "member.joined", **leader.as_fact())
    return team


def found_team(slug: str, **values: Any) -> Team:
    """The row of a new team and its system seat; the caller is an action and records it."""
    team = Team(slug=check_slug(slug), **_checked(values))
    team.name = team.name.strip() or slug
    try:
        with transaction.atomic():
            team.save(force_insert=True)
    except IntegrityError:
        raise Conflict(
            f"A team with the address “{slug}” already exists.",
            code="slug_taken",
            hint="Choose another address.",
        ) from None
    system_seat(team)
    return team


@action
def change_team(actor: Member, **values: Any) -> Team:
    """Change settings of the actor's team; unknown or wrong values are Invalid by field."""
    team = lock_team(actor)
    actor.require("manage_team")
    team.require("members")
    changed = {k: v for k, v in _checked(values).items() if getattr(team, k) != v}
    if not changed:
        return team
    for key, value in changed.items():
        setattr(team, key, value)
    team.save(update_fields=[*changed])
    events.record(actor, "team.changed", changed=sorted(changed))
    endings.settings_changed(actor, team, frozenset(changed))
    return team


def _checked(values: dict[str, Any]) -> dict[str, Any]:
    fields: dict[str, str] = {}
    for key in values.keys() - SETTINGS - {"source", "metadata", "created_at"}:
        fields[key] = "There is no such setting."
    if len(values.get("protocol", "").encode()) > PROTOCOL_BYTES:
        fields["protocol"] = "The operating rules may have at most 32 KiB."
    if len(values.get("name", "")) > 255:
        fields["name"] = "A name has at most 255 characters."
    for key in ("max_members", "stall_minutes"):
        if key in values and not _counts(values[key]):
            fields[key] = "Write a whole number from 1 on."
    for key in ("wip_per_member", "review_sla_minutes", "retention_days"):
        if values.get(key) is not None and not _counts(values[key]):
            fields[key] = "Write a whole number from 1 on, or leave it empty."
    stages = values.get("approval_stages", ["leader"])
    if not stages or not all(isinstance(stage, str) and stage.strip() for stage in stages):
        fields["approval_stages"] = "Name at least one stage, for example “leader”."
    limits = values.get("wip_limits", {})
    if not limits.keys() <= LIMITED_COLUMNS or not all(map(_counts, limits.values())):
        fields["wip_limits"] = "A limit is a whole number from 1 on, for a column that has one."
    if fields:
        raise Invalid(fields=fields)
    return values


def _counts(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MOST


@action
def transition_team(actor: Member, to: str) -> Team:
    """Move the team to state `to` by the lifecycle table. Where it already is: fine, no event."""
    team = lock_team(actor)
    require_leading(actor)
    if team.state == to:
        return team
    was = team.state
    leaders = team.members.seated().filter(role=Member.Role.LEADER)
    team.move_to(to, has_leader=leaders.exists())
    team.save(update_fields=["state", "state_changed_at"])
    events.record(actor, "team.moved", **events.moved(was, to))
    if to == State.DISBANDED:
        _disband(actor, team)
    return team


def _disband(actor: Member, team: Team) -> None:
    """End every seat in one breath; they stay in history with their last state."""
    now = team.state_changed_at
    endings.team_disbands(actor, team)
    seats = list(team.members.seated())
    running = AgentSession.objects.filter(member__team=team, ended_at=None)
    running.update(ended_at=now, end_reason="The team was disbanded.")
    team.members.seated().update(left_at=now)
    Token.objects.filter(member__team=team, revoked_at=None).update(revoked_at=now)
    team.invitations.filter(revoked_at=None).update(revoked_at=now)
    for seat in seats:
        seat.left_at = now
        endings.seat_ended(actor, seat)


@action
def delete_team(team: Team) -> None:
    """Delete a disbanded team with everything in it, files too; any other state is a Conflict."""
    team = Team.objects.select_for_update().get(pk=team.pk)
    if team.state != State.DISBANDED:
        raise Conflict(
            f"Only a disbanded team can be deleted; this one is {team.state}.",
            code="wrong_state",
            hint="Disband it first.",
        )
    stored = Artifact.objects.filter(team=team).exclude(content="")
    files = [artifact.content for artifact in stored]
    team.delete()
    transaction.on_commit(lambda: _remove(files), robust=True)


def _remove(files: list[FieldFile]) -> None:
    for file in files:
        file.storage.delete(str(file.name))
