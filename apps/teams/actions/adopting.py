from __future__ import annotations

from apps.core.actions import action
from apps.teams import events
from apps.teams.actions.members import seat_person
from apps.teams.lifecycle import State
from apps.teams.models import Member, Team, User


def adopt_teams(user: User) -> list[Team]:
    """Seat an administrator as a leader wherever agents work and no person sits.

    So teams that were imported, or that the demonstration made, are seen by somebody.
    """
    orphans = (
        Team.objects.exclude(state=State.DISBANDED)
        .exclude(members__kind=Member.Kind.HUMAN, members__left_at=None)
        .order_by("pk")
    )
    return [adopt_team(user, team) for team in list(orphans)]


@action
def adopt_team(user: User, team: Team) -> Team:
    """Seat an administrator as a leader of `team`; the limit on seats grows by one if it must."""
    team = Team.objects.select_for_update().get(pk=team.pk)
    if team.members.seated().filter(user=user).exists():
        return team
    seated = team.members.seated().count()
    if seated >= team.max_members:
        team.max_members = seated + 1
        team.save(update_fields=["max_members"])
    seat = seat_person(team, user, role=Member.Role.LEADER)
    events.record(seat, "member.joined", by="administrator", **seat.as_fact())
    return team
