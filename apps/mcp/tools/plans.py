from __future__ import annotations

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from apps.api import shapes
from apps.api.fields import StepState
from apps.core.actions import action
from apps.core.errors import Invalid, NotFound
from apps.mcp import advice, shown
from apps.mcp.catalogue import Data, tool
from apps.mcp.fields import Args, Id, Number
from apps.reviews import actions
from apps.reviews.models import Plan
from apps.teams.models import Member


class OnePlan(TypedDict):
    """The plan as it is now, and what to do next."""

    plan: Data
    next: str


class SubmitPlan(Args):
    title: str = ""
    steps: Annotated[list[str], Field(description="One line each, in order.")] = []
    body: Annotated[str, Field(description="Why, risks, how you will check it. Markdown.")] = ""
    task: Annotated[Number | None, Field(description="The task it is for.")] = None
    plan: Annotated[Id | None, Field(description="Revise this plan of yours.")] = None


@tool
def submit_plan(member: Member, asked: SubmitPlan) -> OnePlan:
    """Say what you intend to do and wait for approval. Needed before claim_task where your seat
    needs plans. With plan you hand in a new version; what you leave out stays."""
    plan = _propose(member, asked) if asked.plan is None else _revise(member, asked, asked.plan)
    shape = _shape(plan.pk)
    return {"plan": shown.plan(shape), "next": advice.planned(shape)}


def _propose(member: Member, asked: SubmitPlan) -> Plan:
    if not asked.steps:
        raise Invalid(fields={"steps": "Name the steps, one line each."})
    title = asked.title or asked.steps[0]
    return actions.propose_plan(member, title, asked.body, asked.steps, task=asked.task)


@action
def _revise(member: Member, asked: SubmitPlan, plan_id: int) -> Plan:
    """The new text, handed in; a draft that was never submitted is submitted with it."""
    new = {key: value for key, value in asked.given().items() if key in ("title", "body", "steps")}
    plan = actions.revise_plan(member, plan_id, **new)
    return plan if plan.is_pending else actions.submit_plan(member, plan_id)


class ReportStep(Args):
    step: Annotated[int, Field(ge=0, description="Its index, from 0.")]
    state: StepState = "done"
    plan: Id | None = None
    task: Annotated[Number | None, Field(description="Instead of plan: your plan for it.")] = None


@tool
def report_step(member: Member, asked: ReportStep) -> OnePlan:
    """Say how far a step of your approved plan is: doing when you begin it, done or skipped
    after."""
    plan_id = asked.plan or _plan_for(member, asked.task)
    actions.report_step(member, plan_id, asked.step, asked.state)
    shape = _shape(plan_id)
    return {"plan": shown.plan(shape), "next": advice.stepped(shape)}


def _plan_for(member: Member, task: int | None) -> int:
    if task is None:
        raise Invalid(fields={"plan": "Name the plan, or the task it is for."})
    mine = Plan.objects.filter(team_id=member.team_id, author=member, task__number=task)
    plan = mine.order_by("state", "-pk").filter(state=Plan.State.APPROVED).first() or mine.last()
    if plan is None:
        raise NotFound(
            f"You have no plan for #{task}.", code="plan_not_found", hint="submit_plan makes one."
        )
    return plan.pk


def _shape(plan_id: int) -> Data:
    return shapes.of_plan(shapes.plans_whole(Plan.objects.filter(pk=plan_id))[0])
