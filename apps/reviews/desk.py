"""The queue of plans as a staff user sees it in the admin, over all teams. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db.models import Q

from apps.reviews.models import Plan
from apps.reviews.models.plan import PlanQuerySet
from apps.reviews.stages import may_decide
from apps.teams.models import Member, Team, User
from apps.teams.permissions import Kind, Permission, Role


class Desk:
    """What one staff user may decide, as whom; two queries, when first asked."""

    def __init__(self, user: User) -> None:
        self.user = user
        self._seats: dict[int, Member] | None = None

    @property
    def seats(self) -> dict[int, Member]:
        """The user's live seats by team."""
        if self._seats is None:
            found = Member.objects.filter(user=self.user, left_at=None)
            self._seats = {seat.team_id: seat for seat in found}
            for seat in self._seats.values():
                seat.user = self.user
        return self._seats

    def seat_in(self, team: Team) -> Member:
        """The seat in `team`, or the one that deciding there would make; saves nothing."""
        seat = self.seats.get(team.pk) or self._visitor()
        seat.team = team
        return seat

    def _visitor(self) -> Member:
        return Member(
            name=self.user.username,
            kind=Kind.HUMAN,
            role=Role.OBSERVER,
            user=self.user,
            granted=[Permission.DECIDE_PLANS.value],
        )

    def may_decide(self, plan: Plan) -> bool:
        """Whether the plan waits for this user."""
        seat = self.seats.get(plan.team_id) or self._visitor()
        mine = seat.pk is not None and plan.author_id == seat.pk
        return plan.is_pending and not mine and may_decide(plan.stages, plan.stage, seat)

    def needs_me(self, plans: PlanQuerySet | None = None) -> PlanQuerySet:
        """Of the pending plans (or of `plans`) those that wait for this user, the oldest first."""
        pending = Plan.objects.pending() if plans is None else plans
        ways = pending.order_by().values_list("stages", "stage").distinct()
        combinations = [(stages, stage) for stages, stage in ways]
        others = ~Q(team__in=self.seats)
        wanted = others & _any(self._visitor(), combinations)
        for team, seat in self.seats.items():
            wanted |= Q(team=team) & _any(seat, combinations)
        return pending.filter(wanted).exclude(author__in=list(self.seats.values()))

    def after(self, plan: Plan) -> Plan | None:
        """The next plan that waits for this user after `plan`, from the start where it was last."""
        queue = self.needs_me().exclude(pk=plan.pk)
        at = plan.submitted_at
        if at is not None:
            behind = Q(submitted_at__gt=at) | Q(submitted_at=at, pk__gt=plan.pk)
            following = queue.filter(behind).first()
            if following is not None:
                return following
        return queue.first()


def _any(seat: Member, combinations: Iterable[tuple[Sequence[str], int]]) -> Q:
    """The stages that `seat` may decide; a condition that nothing meets where there is none."""
    wanted = Q(pk__in=[])
    for stages, stage in combinations:
        if may_decide(stages, stage, seat):
            wanted |= Q(stages=stages, stage=stage)
    return wanted
