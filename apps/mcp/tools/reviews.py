from __future__ import annotations

from typing import Annotated, Literal, Required

from pydantic import Field
from typing_extensions import TypedDict

from apps.api.fields import one_of
from apps.core.actions import action
from apps.core.errors import Invalid
from apps.core.text import fold
from apps.mcp import advice, shown
from apps.mcp.catalogue import Data, tool
from apps.mcp.fields import Args, Id, Number
from apps.mcp.shown import Card
from apps.mcp.tools.tasks import OneTask
from apps.reviews import actions
from apps.tasks.models import Task
from apps.tasks.moves import Column
from apps.teams.models import Member

VERDICTS = {
    **dict.fromkeys(("approve", "approved", "accept", "lgtm"), "approve"),
    **dict.fromkeys(
        ("requestchanges", "changesrequested", "changes", "reject", "rejected", "needsfix"),
        "request_changes",
    ),
}


class RequestReview(Args):
    number: Number
    reviewer: Annotated[str | None, Field(description="Leave out for whoever is next.")] = None


@tool
def request_review(member: Member, asked: RequestReview) -> OneTask:
    """Ask for a review of a task that is done. The reviewer is told; you get the verdict as a
    message. In review already, a named reviewer takes it over."""
    task = _ask(member, asked.number, asked.reviewer)
    return {"task": shown.changed(task), "next": advice.in_review(task)}


@action
def _ask(member: Member, number: int, reviewer: str | None) -> Task:
    task = actions.request_review(member, number, reviewer)
    chosen = task.reviewer.name if task.reviewer else ""
    if reviewer and task.column == Column.REVIEW and fold(chosen) != fold(reviewer):
        return actions.replace_reviewer(member, number, reviewer)
    return task


class ResolveConflict(Args):
    number: Number


@tool
def resolve_conflict(member: Member, asked: ResolveConflict) -> OneTask:
    """Settle a task marked conflict: it then shows where its work is, and its review or approval
    is taken back."""
    task = actions.resolve_conflict(member, asked.number)
    card = shown.changed(task)
    return {"task": card, "next": advice.seen(card, member)}


class ReviewTask(Args):
    decision: Annotated[Literal["approve", "request_changes"], one_of(VERDICTS)]
    number: Annotated[Number | None, Field(description="The task.")] = None
    plan: Annotated[Id | None, Field(description="Instead: a plan that you may decide.")] = None
    version: Annotated[int | None, Field(description="The version of the plan you read.")] = None
    note: Annotated[str, Field(description="What you checked, or what is missing.")] = ""


class Verdict(TypedDict, total=False):
    """The task or the plan as it is now, and what to do next."""

    task: Card
    plan: Data
    next: Required[str]


@tool
def review_task(member: Member, asked: ReviewTask) -> Verdict:
    """Judge a task whose reviewer you are, after get_task and a look at the work. request_changes
    sends it back to its owner with your note. Who decides plans judges them here too."""
    wants_changes = asked.decision == "request_changes"
    if wants_changes and not asked.note.strip():
        raise Invalid(fields={"note": "Say what is missing."})
    if asked.plan is not None:
        return {"plan": _decide(member, asked, asked.plan), "next": advice.MORE_WORK}
    if asked.number is None:
        raise Invalid(fields={"number": "Name the task, or the plan."})
    judge = actions.request_changes if wants_changes else actions.approve
    task = judge(member, asked.number, asked.note)
    return {"task": shown.changed(task), "next": advice.MORE_WORK}


def _decide(member: Member, asked: ReviewTask, plan_id: int) -> Data:
    if asked.version is None:
        raise Invalid(fields={"version": "Name the version that you read."})
    word = "approve" if asked.decision == "approve" else "reject"
    plan = actions.decide_plan(member, plan_id, word, version=asked.version, note=asked.note)
    return shown.some(
        {"id": plan.pk, "title": plan.title, "state": plan.state, "stage": plan.stage_name},
        shown.OF_PLAN,
    )
