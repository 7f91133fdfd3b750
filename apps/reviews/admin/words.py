"""What the desk says about a plan in one line."""

from __future__ import annotations

from django.db.models import Count, F, Max, Q

from apps.reviews.models import Plan, PlanDecision
from apps.reviews.models.plan import PlanState


def mark(plan: Plan) -> str:
    """What changes whenever the plan's page would look different to a decider."""
    return f"{plan.state}/{plan.version}/{plan.stage}"


def queue_mark() -> str:
    """What changes whenever the queue does; one query."""
    waiting = Plan.objects.pending().order_by()
    others = Q(task__owner__isnull=False) & ~Q(task__owner=F("author"))
    row = waiting.aggregate(
        n=Count("pk"), taken=Count("pk", others), last=Max("submitted_at"), moved=Max("decided_at")
    )
    return f"{row['n']}/{row['taken']}/{row['last']}/{row['moved']}"


def outcome(plan: Plan) -> str:
    """What a decision made of the plan."""
    if plan.is_pending:
        return f"approved; it now waits for {plan.stage_name}"
    return str(plan.get_state_display()).lower()


def news(plan: Plan, last: PlanDecision | None) -> str:
    """One sentence about what became of a plan while somebody was reading it."""
    if plan.state in (PlanState.APPROVED, PlanState.REJECTED) and last is not None:
        return f"{last.member.name} has just {last.decision} this plan."
    if plan.is_pending and plan.stage and last is not None:
        return (
            f"{last.member.name} has just approved it as {last.stage_name}; "
            f"it now waits for {plan.stage_name}."
        )
    if plan.is_pending:
        return f"{plan.author.name} has handed in version {plan.version}."
    return f"{plan.author.name} has withdrawn this plan."
