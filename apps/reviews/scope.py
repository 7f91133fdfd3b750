"""Where a person sits, and what they may do there: the question that every overview begins with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from django.db.models import Q

from apps.teams.lifecycle import Allows
from apps.teams.models import Member, Team, User
from apps.teams.permissions import Permission, Role


@dataclass
class Scope:
    """A person's live seats, each with its team and account loaded."""

    user: User
    seats: list[Member]

    @classmethod
    def of(cls, user: User) -> Scope:
        """One query."""
        seats = list(
            Member.objects.filter(user=user, left_at=None)
            .select_related("team")
            .order_by("team__slug")
        )
        for seat in seats:
            seat.user = user
        return cls(user, seats)

    @cached_property
    def by_team(self) -> dict[int, Member]:
        """The seat in each team."""
        return {seat.team_id: seat for seat in self.seats}

    @property
    def teams(self) -> list[Team]:
        """The teams, by address."""
        return [seat.team for seat in self.seats]

    def where(self, allows: str, may: Callable[[Member], bool] = lambda seat: True) -> list[int]:
        """The teams whose state allows something and where the seat fits."""
        return [s.team_id for s in self.seats if s.team.allows(allows) and may(s)]

    @cached_property
    def deciding(self) -> list[int]:
        """Teams in which decisions are taken now."""
        return self.where(Allows.DECISIONS)

    @cached_property
    def reviewing(self) -> list[int]:
        """Teams in which the person may give verdicts."""
        return self.where(Allows.DECISIONS, lambda seat: seat.can(Permission.REVIEW))

    @cached_property
    def leading(self) -> list[int]:
        """Teams that ask the person as their lead."""
        return self.where(Allows.MESSAGES, lambda seat: seat.is_leader)

    @cached_property
    def _weighed(self) -> list[Member]:
        """In teams the person leads: people, and seats that may less than others; one query."""
        if not self.leading:
            return []
        rare = Q(role=Role.OBSERVER) | ~Q(denied=[]) | Q(kind=Member.Kind.HUMAN)
        seats = Member.objects.filter(rare, team__in=self.leading, left_at=None)
        return list(seats.order_by())

    @cached_property
    def unfit(self) -> list[int]:
        """Who sits in a team the person leads and may not review there."""
        return [seat.pk for seat in self._weighed if not seat.can(Permission.REVIEW)]

    @cached_property
    def judges(self) -> dict[int, list[int]]:
        """By team that the person leads, the keys of the people who may review."""
        found: dict[int, list[int]] = {team: [] for team in self.leading}
        for seat in self._weighed:
            if seat.kind == Member.Kind.HUMAN and seat.can(Permission.REVIEW):
                found[seat.team_id].append(seat.pk)
        return found

    @cached_property
    def managing(self) -> list[int]:
        """Teams in which the person manages tasks."""
        return self.where(Allows.MESSAGES, lambda seat: seat.can(Permission.MANAGE_TASKS))

    @cached_property
    def hearing(self) -> list[int]:
        """The person's seats in teams that take messages."""
        return [seat.pk for seat in self.seats if seat.team.allows(Allows.MESSAGES)]
