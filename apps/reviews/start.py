"""What a newcomer does next, as a short list that is ticked off by itself."""

from __future__ import annotations

from typing import NamedTuple

from django.urls import reverse

from apps.reviews.scope import Scope
from apps.teams.models import Member
from apps.teams.permissions import Permission


class Step(NamedTuple):
    """One thing to do, where to do it, and whether it is done."""

    title: str
    says: str
    url: str
    is_done: bool


def first_steps(scope: Scope) -> list[Step]:
    """The first steps of who sits nowhere or leads a team; empty once all are done. One query."""
    mine = [seat for seat in scope.seats if seat.can(Permission.MANAGE_TEAM)]
    if scope.seats and not mine:
        return []
    others = set(
        Member.objects.seated()
        .filter(team__in=[seat.team_id for seat in mine])
        .exclude(user=scope.user)
        .order_by()
        .values_list("kind", flat=True)
        .distinct()
    )
    steps = _of_teams(mine, others) if mine else [_found(), _import()]
    return [] if all(step.is_done for step in steps) else steps


def _found() -> Step:
    says = "A team is people and agents with one board."
    return Step("Create a team", says, reverse("team_new"), is_done=False)


def _import() -> Step:
    says = "Follow the files of a Claude Code team that already runs."
    return Step(
        "Or bring one along", says, reverse("help_topic", args=["claude-code"]), is_done=False
    )


def _of_teams(mine: list[Member], others: set[str]) -> list[Step]:
    teams = [seat.team for seat in mine]
    first = teams[0].slug
    members, board = reverse("members", args=[first]), reverse("board", args=[first])
    written = any(team.task_watermark for team in teams)
    active = any(team.state != team.State.FORMING for team in teams)
    return [
        _found()._replace(is_done=True),
        Step("Write the first task", f"On the board of {teams[0]}.", board, written),
        Step(
            "Connect an agent",
            "It gets a token, and joins over MCP or REST.",
            members,
            Member.Kind.AGENT in others,
        ),
        Step(
            "Invite somebody",
            "A link seats whoever opens it.",
            members,
            Member.Kind.HUMAN in others,
        ),
        Step(
            "Activate the team",
            "Then its members can claim work.",
            reverse("team_settings", args=[first]),
            active,
        ),
    ]
