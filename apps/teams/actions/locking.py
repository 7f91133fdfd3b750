from __future__ import annotations

from apps.core.errors import NotFound
from apps.core.prepared import NUMBER, Prepared
from apps.teams.models import Member, Team
from apps.teams.permissions import Permission

WATCHED = ("role", "granted", "denied", "left_at", "plan_mode_required")
# What few actions ask of the team is read where it is asked for.
LATER = (
    "description", "source", "metadata", "created_at", "state_changed_at", "approval_stages",
)  # fmt: skip
TEAM = Prepared(
    Team, lambda teams: teams.filter(pk=NUMBER).order_by().select_for_update().defer(*LATER)
)
SEAT = Prepared(Member, lambda seats: seats.filter(pk=NUMBER).order_by().values_list(*WATCHED))


def lock_team(actor: Member) -> Team:
    """The first beat of every action: the team's row, held until the commit.

    `actor` is refreshed in place, so a seat that ended a moment ago is refused here. One lock a
    team means no deadlocks between actions.
    """
    teams = TEAM.objects(actor.team_id)
    seats = SEAT.rows(actor.pk)
    if not teams or not seats:
        raise NotFound("There is no such team any more.", code="team_not_found")
    for name, value in zip(WATCHED, seats[0], strict=True):
        setattr(actor, name, value)
    actor.team = team = teams[0]
    actor.require_seat()
    return team


def require_leading(actor: Member) -> None:
    """Raise NotAllowed unless the seat manages the team, or its person administers the site."""
    if actor.user is None or not actor.user.is_superuser:
        actor.require(Permission.MANAGE_TEAM)
