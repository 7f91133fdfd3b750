"""What happened since a person was last here, per team."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import NamedTuple

from django.db.models import Count, Q

from apps.reviews.scope import Scope
from apps.teams.models import Event, Team

# How far back a team's journal is read, so that a long absence costs no more than a short one.
MOST = 400
# What is told, and its word for one and for many.
WORDS = (
    ("task.created", "created", "created"),
    ("task.claimed", "claimed", "claimed"),
    ("task.completed", "completed", "completed"),
    ("review.approved", "approved", "approved"),
    ("review.changes_requested", "sent back", "sent back"),
    ("plan.submitted", "plan submitted", "plans submitted"),
    ("plan.approved", "plan approved", "plans approved"),
    ("plan.rejected", "plan rejected", "plans rejected"),
    ("task.stalled", "stalled", "stalled"),
    ("message.sent", "message", "messages"),
    ("member.joined", "joined", "joined"),
    ("member.left", "left", "left"),
    ("artifact.added", "file", "files"),
)


class Tally(NamedTuple):
    """How often something happened, in a word."""

    number: int
    word: str


class TeamDigest(NamedTuple):
    """One team's news; `is_cut` where more happened than was read."""

    team: Team
    counts: list[Tally]
    is_cut: bool


def digest_of(scope: Scope, since: datetime) -> list[TeamDigest]:
    """The teams in which anything happened after `since`, in the order of their addresses."""
    if not scope.seats:
        return []
    recent = Q()
    for team in scope.teams:
        recent |= Q(team=team, seq__gt=team.seq - MOST)
    rows = Event.objects.filter(recent, at__gt=since).exclude(actor__in=scope.seats)
    counts: dict[int, dict[str, int]] = defaultdict(dict)
    for team_id, kind, number in (
        rows.order_by().values_list("team_id", "kind").annotate(Count("pk"))
    ):
        counts[team_id][kind] = number
    return [_of_team(team, counts[team.pk]) for team in scope.teams if counts[team.pk]]


def _of_team(team: Team, kinds: dict[str, int]) -> TeamDigest:
    told = [
        Tally(kinds[kind], one if kinds[kind] == 1 else many)
        for kind, one, many in WORDS
        if kind in kinds
    ]
    return TeamDigest(team, told, is_cut=sum(kinds.values()) >= MOST)
