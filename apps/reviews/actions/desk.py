from __future__ import annotations

from apps.core.actions import action
from apps.core.errors import NotFound
from apps.reviews.actions.deciding import decide_plan
from apps.reviews.models import Plan
from apps.teams.access import mark_seen
from apps.teams.actions import seat_staff
from apps.teams.models import User


@action
def decide_at_desk(
    user: User,
    plan_id: int,
    decision: str,
    *,
    version: int,
    note: str = "",
    stage: int | None = None,
) -> Plan:
    """Decide as a staff user, who is seated in the plan's team first where they have no seat.

    They count as seen in the team. A refusal takes that seat back.
    """
    plan = Plan.objects.select_related("team").filter(pk=plan_id).first()
    if plan is None:
        raise NotFound("There is no such plan.", code="plan_not_found")
    seat = seat_staff(user, plan.team)
    seat.via = "admin"
    mark_seen(seat)
    return decide_plan(seat, plan_id, decision, version=version, note=note, stage=stage)
