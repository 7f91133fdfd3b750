from __future__ import annotations

import json
from collections import defaultdict
from datetime import date
from typing import Annotated, Literal

from django.db.models import F
from pydantic import Field
from typing_extensions import TypedDict

from apps.api import boards, cards, shapes
from apps.api.answers import moment
from apps.api.fields import Column, Priority, Whom, one_of
from apps.api.schemas import TasksQuery
from apps.core.actions import action
from apps.core.errors import Invalid
from apps.core.prepared import NUMBER, Prepared
from apps.core.text import fold
from apps.mcp import advice, shown
from apps.mcp.catalogue import Data, reader, tool
from apps.mcp.fields import Args, Ids, Limit, Number, Numbers, Object, Owner, Words
from apps.mcp.shown import Card
from apps.reviews.models import Plan
from apps.tasks import actions
from apps.tasks.models import Comment, Task
from apps.teams.artifacts import artifacts_for
from apps.teams.models import Artifact, Member

SHOWN = 20


class OneTask(TypedDict):
    """The task as it is now, and what to do next."""

    task: Card
    next: str


class Tasks(TypedDict):
    """Tasks by number; `cursor` is there where more follow."""

    tasks: list[Card]
    cursor: str | None
    next: str


class ListTasks(Args):
    column: Column | None = None
    owner: Annotated[str | None, Field(description="A name, me, or none.")] = None
    label: str | None = None
    ready: bool | None = None
    q: Annotated[str | None, Field(description="Words to look for, or #12.")] = None
    limit: Limit = 30
    cursor: str | None = None


@reader
def list_tasks(member: Member, asked: ListTasks) -> Tasks:
    """List the team's tasks; all filters must hold. ready=true is what you could start now."""
    lists = {
        key: [value] for key, value in (("column", asked.column), ("label", asked.label)) if value
    }
    query = TasksQuery.model_validate(
        {"owner": asked.owner, "ready": asked.ready, "q": asked.q, "limit": asked.limit,
         "cursor": asked.cursor, **lists}
    )  # fmt: skip
    page = json.loads(boards.task_page(member, query))
    found = [shown.line(task) for task in page["items"]]
    return {"tasks": found, "cursor": page["next"], "next": advice.listed(found, member)}


class GetTask(Args):
    number: Number


class WholeTask(TypedDict):
    """A task with what was said and done about it."""

    task: Card
    comments: list[Data]
    plans: list[Data]
    artifacts: list[Data]
    next: str


# What hangs on a task, by its key. Most have neither plan nor file: nothing more is asked then.
COMMENTS = Prepared(
    Comment,
    lambda remarks: (
        remarks.filter(task_id=NUMBER)
        .order_by("-pk")
        .values_list("pk", "author__name", "kind", "body", "created_at")[:SHOWN]
    ),
)
ATTACHED = Prepared(
    Comment.artifacts.through,
    lambda pairs: (
        pairs.filter(comment__task_id=NUMBER)
        .order_by("artifact_id")
        .values_list("comment_id", "artifact_id")
    ),
)
PLANS = Prepared(Plan, lambda plans: plans.filter(task_id=NUMBER).values_list("pk"))
FILES = Prepared(
    Artifact,
    lambda files: files.filter(
        team__tasks=NUMBER, task=F("team__tasks__number"), deleted_at=None
    ).values_list("pk"),
)


@reader
def get_task(member: Member, asked: GetTask) -> WholeTask:
    """Read one task whole: description, dependencies, latest comments, plans, artifacts."""
    row, rest = cards.task_row(member, asked.number)
    task = shown.card(json.loads(cards.task_text(member, row, rest)))
    return {
        "task": task,
        "comments": _remarks(row.pk),
        "plans": _plans(member, row.pk),
        "artifacts": _files(member, row.pk),
        "next": advice.seen(task, member),
    }


def _remarks(task: int) -> list[Data]:
    """The latest comments, oldest first."""
    found = COMMENTS.rows(task)
    attached: dict[int, list[int]] = defaultdict(list)
    for comment, artifact in ATTACHED.rows(task) if found else ():
        attached[comment].append(artifact)
    return [
        {"author": author, "kind": kind, "body": body, "created_at": moment(at)}
        | ({"artifacts": attached[pk]} if pk in attached else {})
        for pk, author, kind, body, at in reversed(found)
    ]


def _plans(member: Member, task: int) -> list[Data]:
    if not PLANS.rows(task):
        return []
    plans = Plan.objects.visible_to(member).filter(task=task).order_by("-pk")[:SHOWN]
    return [_plan(plan) for plan in shapes.plans_whole(plans)]


def _plan(plan: Plan) -> Data:
    """One that waits with its text, for whoever decides."""
    shape = shapes.of_plan(plan)
    return shown.plan(shape) | ({"body": shape["body"]} if plan.is_pending else {})


def _files(member: Member, task: int) -> list[Data]:
    found = [pk for (pk,) in FILES.rows(task)]
    files = artifacts_for(member).filter(pk__in=found)[:SHOWN] if found else []
    return [_file(shapes.of_artifact(row, member.team)) for row in files]


def _file(shape: Data) -> Data:
    return shown.some(shape, ("id", "name", "version", "content_type", "size", "added_by", "url"))


class CreateTask(Args):
    subject: str
    description: str = ""
    owner: Owner = None
    priority: Priority = "normal"
    labels: Words = []
    blocked_by: Annotated[Numbers, Field(description="Tasks that must be finished first.")] = []
    due: date | None = None
    metadata: Object = {}


@tool
def create_task(member: Member, asked: CreateTask) -> OneTask:
    """Put a new task on the board, in To do. Say in the description when it counts as done."""
    task = actions.create_task(member, **_named(member, asked.given()))
    if task.owner_id not in (None, member.pk):
        return {"task": shown.changed(task), "next": f"Its owner was told. {advice.MORE_WORK}"}
    start = advice.call("claim_task", number=task.number)
    return {"task": shown.changed(task), "next": f"{start} to do it yourself."}


def _named(member: Member, values: Data) -> Data:
    """The same, with the caller's own name where the owner is to be “me”."""
    mine = fold(values.get("owner") or "") == "me"
    return values | {"owner": member.name} if mine else values


class ClaimTask(Args):
    number: Annotated[Number | None, Field(description="Leave out for the next ready one.")] = None


@tool
def claim_task(member: Member, asked: ClaimTask) -> OneTask:
    """Take a task and start it: this one, or the most urgent one that is ready. Refused:
    plan_required means submit_plan first; nothing_ready says what others wait for."""
    if asked.number is None:
        task = actions.claim_next(member)
    else:
        task = actions.claim_task(member, asked.number)
    return {"task": shown.changed(task), "next": advice.claimed(task)}


class UpdateTask(Args):
    number: Number
    subject: str = ""
    description: str = ""
    owner: Annotated[Owner, Field(description="A member, or none.")] = None
    priority: Priority = "normal"
    labels: Words = []
    blocked_by: Annotated[Numbers, Field(description="The whole list.")] = []
    due: date | None = None
    active_form: Annotated[str, Field(description="What you do now: “Writing tests”.")] = ""
    metadata: Annotated[Object, Field(description="Merged; null deletes a key.")] = {}
    version: Annotated[int, Field(description="Refuse if it changed since this version.")] = 1


@tool
def update_task(member: Member, asked: UpdateTask) -> OneTask:
    """Change what a task says; what you leave out stays. It moves by claim_task, finish_task and
    the reviews, not here."""
    values = _named(member, asked.given())
    number, version = values.pop("number"), values.pop("version", None)
    task = actions.edit_task(member, number, expected_version=version, **values)
    return {"task": shown.changed(task), "next": advice.seen(shown.changed(task), member)}


OUTCOMES = {
    "complete": "complete", "completed": "complete", "done": "complete", "finish": "complete",
    "release": "release", "giveback": "release", "return": "release",
    "ask": "ask", "question": "ask", "blocked": "ask",
}  # fmt: skip


class FinishTask(Args):
    number: Number
    outcome: Annotated[Literal["complete", "release", "ask"], one_of(OUTCOMES)] = "complete"
    note: Annotated[str, Field(description="What you did, why you release, or your question.")] = ""
    of: Annotated[Whom, Field(description="Whom to ask.")] = "human"


@tool
def finish_task(member: Member, asked: FinishTask) -> OneTask:
    """Stop working on your task. complete: it is done, the note becomes a comment. release: it is
    nobody's again. ask: it stays yours and waits for an answer from a human or the lead."""
    if asked.outcome == "ask":
        if not asked.note.strip():
            raise Invalid(fields={"note": "Write your question."})
        task = actions.ask(member, asked.number, asked.note, of=asked.of)
        return {"task": shown.changed(task), "next": advice.ASKED}
    if asked.outcome == "release":
        task = actions.release_task(member, asked.number, note=asked.note)
        return {"task": shown.changed(task), "next": advice.MORE_WORK}
    task = _complete(member, asked.number, asked.note)
    return {"task": shown.changed(task), "next": advice.completed(task)}


@action
def _complete(member: Member, number: int, note: str) -> Task:
    """Both or nothing: a note that is refused leaves the task running."""
    if note.strip():
        actions.comment(member, number, note)
    return actions.complete_task(member, number)


class Remark(Args):
    number: Number
    body: Annotated[str, Field(description="Markdown; @name tells a member.")]
    artifacts: Annotated[Ids, Field(description="From add_artifact.")] = []
    answer: Annotated[bool, Field(description="It answers the task's question.")] = False


class Remarked(TypedDict):
    """The remark, and what to do next."""

    comment: Data
    next: str


@tool
def comment(member: Member, asked: Remark) -> Remarked:
    """Say something on a task's page: progress, findings, a decision. Its owner is told. As lead,
    answer=true answers the question that the task asks."""
    if asked.answer:
        task = actions.answer(member, asked.number, asked.body)
        told = {"task": task.number, "author": member.name, "body": asked.body}
        return {"comment": told, "next": advice.MORE_WORK}
    remark = actions.comment(member, asked.number, asked.body, artifacts=asked.artifacts)
    told = shown.some(shapes.of_comment(remark), ("id", "task", "author", "body", "artifacts"))
    return {"comment": told, "next": advice.remarked(remark.task, member)}
