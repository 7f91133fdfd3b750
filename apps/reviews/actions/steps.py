from __future__ import annotations

from django.utils import timezone

from apps.core.actions import action
from apps.core.errors import Conflict, Invalid, NotFound
from apps.reviews.actions.deciding import show_progress
from apps.reviews.actions.plans import lock_plan
from apps.reviews.models import Plan, PlanStep, PlanVersion
from apps.reviews.models.plan import PlanState
from apps.tasks.models import Task
from apps.teams import events
from apps.teams.lifecycle import Allows
from apps.teams.models import Member


@action
def report_step(actor: Member, plan_id: int, index: int, state: str) -> PlanStep:
    """The author says how far step `index` (from 0) of an approved plan is: todo, doing, done or
    skipped. As it already is: fine, no event.
    """
    plan = lock_plan(actor, plan_id)
    plan.require_author(actor, "report steps of")
    plan.team.require(Allows.TASKS)
    if state not in PlanStep.State.values:
        raise Invalid(fields={"state": f"Choose one of {', '.join(PlanStep.State.values)}."})
    if plan.state != PlanState.APPROVED:
        raise Conflict(
            f"The plan is {plan.get_state_display().lower()}; steps are reported once it is "
            "approved.",
            code="wrong_state",
            state=plan.state,
        )
    version = plan.current
    step = _step(version, index)
    if step.state == state:
        return step
    step.state, step.reported_at = state, timezone.now()
    step.save(update_fields=["state", "reported_at"])
    _renew_card(plan, version)
    events.record(
        actor, "plan.step", **plan.as_fact(), index=index, step=step.title, state=step.state
    )
    return step


def _step(version: PlanVersion, index: int) -> PlanStep:
    step = version.steps.filter(index=index).first() if index >= 0 else None
    if step is None:
        count = version.steps.count()
        raise NotFound(
            f"The plan has {count} steps; there is no step {index}, counted from 0.",
            code="step_not_found",
        )
    return step


def _renew_card(plan: Plan, version: PlanVersion) -> None:
    """Only the plan whose gate is open shows on the card, not one that it replaced."""
    if plan.task is None or plan.task.planned_by_id != plan.author_id:
        return
    newer = Plan.objects.filter(
        task=plan.task, author=plan.author, state=PlanState.APPROVED, decided_at__gt=plan.decided_at
    )
    if not newer.exists():
        show_progress(Task.objects.get(pk=plan.task.pk), version)
