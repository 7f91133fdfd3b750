from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from ninja import Query

from apps.api import paging, schemas, shapes
from apps.api.answers import reply
from apps.api.door import Call
from apps.api.fields import Id, fold
from apps.api.idempotency import write
from apps.api.section import Section
from apps.core.errors import Invalid
from apps.core.text import fold as fold_name
from apps.reviews import actions
from apps.reviews.models import Plan
from apps.reviews.models.plan import PlanState
from apps.teams.models import Member

plans = Section("Plans")


def plan_as_dict(member: Member, plan_id: int) -> dict[str, Any]:
    """A plan as data, or NotFound."""
    mine = Plan.objects.visible_to(member)
    mine.numbered(plan_id)
    return shapes.of_plan(shapes.plans_whole(mine.filter(pk=plan_id))[0])


def done(request: Call, do: Callable[[Member], Plan], *, status: int = 200) -> HttpResponse:
    """Do one action on a plan and answer with the plan as it is then."""
    return write(request, do, lambda plan: plan_as_dict(request.auth, plan.pk), status=status)


@plans.get("/plans", schemas.PlanPage)
def list_plans(request: Call, query: Query[schemas.PlansQuery]) -> HttpResponse:
    """Plans, newest first. A draft shows to its author only."""
    found = Plan.objects.visible_to(request.auth)
    if query.state:
        found = found.filter(state=_state(query.state))
    if query.task:
        found = found.filter(task__number=query.task)
    if query.author:
        name = fold_name(query.author.strip().removeprefix("@"))
        mine = {"author": request.auth} if name == "me" else {"author__key": name}
        found = found.filter(**mine)
    rows, more = paging.cut(found.values_list("pk", flat=True), query, newest=True)
    whole = {plan.pk: plan for plan in shapes.plans_whole(Plan.objects.filter(pk__in=rows))}
    last = rows[-1] if more else None
    return reply(paging.page([shapes.of_plan(whole[pk]) for pk in rows if pk in whole], last))


def _state(word: str) -> str:
    """A state in any of its spellings; `pending` means that it waits."""
    known = {fold(state): state for state in PlanState.values} | {"pending": PlanState.PENDING}
    if fold(word) not in known:
        raise Invalid(fields={"state": f"Choose one of {', '.join(PlanState.values)}."})
    return str(known[fold(word)])


def _steps(given: list[schemas.StepText | str]) -> list[str | dict[str, Any]]:
    return [step if isinstance(step, str) else step.model_dump() for step in given]


@plans.post("/plans", schemas.Plan, status=201)
def submit_new_plan(request: Call, body: schemas.NewPlan) -> HttpResponse:
    """Say what you intend to do. The plan waits for its decision at once, unless it is a draft."""
    create = actions.create_plan if body.draft else actions.propose_plan
    steps = _steps(body.steps)
    return done(
        request,
        lambda actor: create(actor, body.title, body.body, steps, task=body.task),
        status=201,
    )


@plans.get("/plans/{int:plan_id}", schemas.Plan)
def get_plan(request: Call, plan_id: Id) -> HttpResponse:
    """A plan at its current version, with the decisions about all of them."""
    return reply(plan_as_dict(request.auth, plan_id))


@plans.post("/plans/{int:plan_id}/submit", schemas.Plan)
def submit_plan(request: Call, plan_id: Id) -> HttpResponse:
    """Hand a draft of yours in."""
    return done(request, lambda actor: actions.submit_plan(actor, plan_id))


@plans.post("/plans/{int:plan_id}/revise", schemas.Plan)
def revise_plan(request: Call, plan_id: Id, body: schemas.PlanChange) -> HttpResponse:
    """Change a plan of yours; one that was submitted becomes a new version, which waits anew."""
    steps = None if body.steps is None else _steps(body.steps)
    return done(
        request,
        lambda actor: actions.revise_plan(
            actor, plan_id, title=body.title, body=body.body, steps=steps
        ),
    )


@plans.post("/plans/{int:plan_id}/withdraw", schemas.Plan)
def withdraw_plan(request: Call, plan_id: Id) -> HttpResponse:
    """Take a plan of yours back before it is decided."""
    return done(request, lambda actor: actions.withdraw_plan(actor, plan_id))


@plans.post("/plans/{int:plan_id}/decide", schemas.Plan)
def decide_plan(request: Call, plan_id: Id, body: schemas.PlanVerdict) -> HttpResponse:
    """Approve or reject one version of a plan at the stage that is yours."""
    return done(
        request,
        lambda actor: actions.decide_plan(
            actor, plan_id, body.decision, version=body.version, note=body.note, stage=body.stage
        ),
    )


@plans.post("/plans/{int:plan_id}/steps/{int:index}", schemas.Plan)
def report_step(
    request: Call, plan_id: Id, index: schemas.StepIndex, body: schemas.StepReport
) -> HttpResponse:
    """Say how far step `index` of your approved plan is, counted from 0."""

    def report(actor: Member) -> dict[str, Any]:
        actions.report_step(actor, plan_id, index, body.state)
        return plan_as_dict(actor, plan_id)

    return write(request, report, lambda plan: plan)
