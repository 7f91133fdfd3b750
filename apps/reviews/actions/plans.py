from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils import timezone

from apps.core.actions import action
from apps.core.errors import Conflict, Invalid
from apps.messaging.actions import post
from apps.messaging.draft import NOT_STORABLE, storable
from apps.messaging.models import Message
from apps.reviews.models import Plan, PlanStep, PlanVersion
from apps.reviews.models.plan import (
    BODY_LENGTH,
    DETAIL_LENGTH,
    MOST_STEPS,
    TITLE_LENGTH,
    PlanState,
)
from apps.reviews.stages import label, may_decide
from apps.tasks.actions.values import text_trouble
from apps.tasks.models import Task
from apps.tasks.moves import Column
from apps.teams import events
from apps.teams.actions import lock_team
from apps.teams.lifecycle import Allows
from apps.teams.models import Member
from apps.teams.permissions import Permission

Step = str | Mapping[str, Any]
CURRENT = ("state", "version", "title", "step_count", "stages", "stage", "stage_name",
           "submitted_at", "decided_at")  # fmt: skip


@action
def create_plan(
    actor: Member, title: str, body: str = "", steps: Sequence[Step] = (), *,
    task: int | None = None,
) -> Plan:  # fmt: skip
    """A draft that only its author sees, about the team's work or about #task."""
    plan = _draft(actor, title, body, steps, task)
    events.record(actor, "plan.drafted", **plan.as_fact())
    return plan


@action
def propose_plan(
    actor: Member, title: str, body: str = "", steps: Sequence[Step] = (), *,
    task: int | None = None, request_id: str = "", asked: Message | None = None,
) -> Plan:  # fmt: skip
    """A plan that waits for its decision at once; those who may decide it are told.

    `request_id` and `asked` name a request that was already made elsewhere: then nobody is told
    twice, and the answer goes to that request.
    """
    plan = _draft(actor, title, body, steps, task)
    return _submit(actor, plan, request_id=request_id, asked=asked)


@action
def submit_plan(actor: Member, plan_id: int) -> Plan:
    """Hand a draft in. One that already waits: fine, no event."""
    plan = _lock_own(actor, plan_id, "submit")
    if plan.is_pending:
        return plan
    if plan.state != PlanState.DRAFT or plan.current.outcome:
        raise Conflict(
            f"Version {plan.version} was {plan.current.outcome}; it cannot be submitted again.",
            code="wrong_state",
            hint="Revise the plan: that makes a new version.",
            state=plan.state,
        )
    return _submit(actor, plan)


@action
def revise_plan(
    actor: Member, plan_id: int, *, title: str | None = None, body: str | None = None,
    steps: Sequence[Step] | None = None, request_id: str = "", asked: Message | None = None,
) -> Plan:  # fmt: skip
    """Change a plan; what is not given stays. A version that was ever submitted is never changed:
    a new one takes its place and waits for the decision. An approved plan stands.
    """
    plan = _lock_own(actor, plan_id, "revise")
    if plan.state == PlanState.APPROVED:
        raise Conflict(
            "This plan is approved and stands.",
            code="wrong_state",
            hint="Submit a new plan for what has changed.",
            state=plan.state,
        )
    old = plan.current
    values = _checked(
        title if title is not None else old.title,
        body if body is not None else old.body,
        steps if steps is not None else [_as_step(step) for step in old.steps.all()],
    )
    if old.submitted_at is None:
        _write(plan, old, *values)
        events.record(actor, "plan.drafted", **plan.as_fact())
        return plan
    if not old.outcome:
        old.close(PlanVersion.Outcome.SUPERSEDED)
        old.save(update_fields=["outcome", "closed_at"])
    plan.version += 1
    _write(plan, PlanVersion(plan=plan, number=plan.version), *values)
    return _submit(actor, plan, request_id=request_id, asked=asked)


@action
def withdraw_plan(actor: Member, plan_id: int) -> Plan:
    """Take a plan back before it is decided; it can be revised. Twice is fine."""
    plan = _lock_own(actor, plan_id, "withdraw", allows=Allows.DECISIONS)
    if plan.state == PlanState.DRAFT:
        return plan
    if not plan.is_pending:
        raise Conflict(f"This plan is already {plan.state}.", code="wrong_state", state=plan.state)
    version = plan.current
    version.close(PlanVersion.Outcome.WITHDRAWN)
    version.save(update_fields=["outcome", "closed_at"])
    plan.state = PlanState.DRAFT
    plan.save(update_fields=["state"])
    events.record(actor, "plan.withdrawn", **plan.as_fact())
    return plan


def lock_plan(actor: Member, plan_id: int) -> Plan:
    """The first beat: the team's row held, the plan read behind it."""
    team = lock_team(actor)
    plan = Plan.objects.visible_to(actor).numbered(plan_id)
    plan.team = team
    return plan


def _lock_own(actor: Member, plan_id: int, verb: str, *, allows: str = Allows.PLANS) -> Plan:
    plan = lock_plan(actor, plan_id)
    plan.require_author(actor, verb)
    plan.team.require(allows)
    return plan


def _draft(actor: Member, title: str, body: str, steps: Sequence[Step], task: int | None) -> Plan:
    team = lock_team(actor)
    actor.require(Permission.WORK)
    team.require(Allows.PLANS)
    values = _checked(title, body, steps)
    plan = Plan(team=team, author=actor, task=_find_task(actor, task))
    plan.save(force_insert=True)
    _write(plan, PlanVersion(plan=plan, number=1), *values)
    return plan


def _find_task(actor: Member, number: int | None) -> Task | None:
    if number is None:
        return None
    task = Task.objects.visible_to(actor).with_people().filter(number=number).first()
    if task is None:
        raise Invalid(fields={"task": f"There is no task #{number} in this team."})
    if task.column == Column.TRASH:
        raise Conflict(f"#{number} is in the trash.", code="wrong_state", hint="Restore it first.")
    if task.owner is not None and task.owner.left_at is None and task.owner_id != actor.pk:
        raise Conflict(
            f"#{number} belongs to {task.owner.name}; only its owner plans it.",
            code="task_taken",
            hint="Plan a task of your own, or one that nobody owns.",
            owner=task.owner.name,
        )
    return task


def _write(
    plan: Plan, version: PlanVersion, title: str, body: str, steps: list[tuple[str, str]]
) -> None:
    version.title, version.body = title, body
    version.save()
    version.steps.all().delete()
    PlanStep.objects.bulk_create(
        PlanStep(version=version, index=index, title=name, detail=detail)
        for index, (name, detail) in enumerate(steps)
    )
    plan.title, plan.step_count = title, len(steps)
    plan.save(update_fields=["title", "step_count", "version"])


def _submit(
    actor: Member, plan: Plan, *, request_id: str = "", asked: Message | None = None
) -> Plan:
    now = timezone.now()
    plan.state, plan.submitted_at, plan.decided_at = PlanState.PENDING, now, None
    plan.stages = list(plan.team.approval_stages)
    plan.stage, plan.stage_name = 0, plan.stages[0][:64]
    plan.save(update_fields=CURRENT)
    version = plan.current
    version.submitted_at, version.request_id, version.asked = now, request_id[:128], asked
    if asked is None:
        version.asked = ask_deciders(actor, plan, version)
    version.save(update_fields=["submitted_at", "request_id", "asked"])
    events.record(actor, "plan.submitted", **plan.as_fact(), stage=plan.stage_name)
    return plan


def deciders(plan: Plan) -> list[Member]:
    """The seats that may decide the plan's current stage."""
    seats = plan.team.members.seated().select_related("user").exclude(pk=plan.author_id)
    return [seat for seat in seats if may_decide(plan.stages, plan.stage, seat)]


def ask_deciders(actor: Member, plan: Plan, version: PlanVersion) -> Message | None:
    """Send the plan to those who may decide it now; None where nobody of them sits here.

    What asks for a later stage follows the version's first request.
    """
    to = [seat for seat in deciders(plan) if seat.pk != actor.pk]
    if not to:
        return None
    place = f" for #{plan.task.number}" if plan.task else ""
    return post(
        actor,
        "plan_approval_request",
        to,
        subject=f"Plan{place}: {plan.title}",
        body=f"It waits for {label(plan.stage_name)}.",
        payload={
            "request_id": version.request,
            "plan_id": plan.pk,
            "version": version.number,
            "plan_content": as_text(version),
            "from": plan.author.name,
        },
        tasks=[plan.task.number] if plan.task else [],
        reply_to=version.asked,
    )


def as_text(version: PlanVersion) -> str:
    """The whole plan as Markdown."""
    steps = "\n".join(
        f"{step.number}. {step.title}" + (f": {step.detail}" if step.detail else "")
        for step in version.steps.all()
    )
    return "\n\n".join(part for part in (f"# {version.title}", version.body, steps) if part)


def _as_step(step: PlanStep) -> Step:
    return {"title": step.title, "detail": step.detail}


def _checked(
    title: str, body: str, steps: Sequence[Step]
) -> tuple[str, str, list[tuple[str, str]]]:
    fields: dict[str, str] = {}
    title, body = " ".join(str(title or "").split()), str(body or "").strip()
    if not title:
        fields["title"] = "Give the plan a title."
    elif why := text_trouble(
        title, TITLE_LENGTH, f"At most {TITLE_LENGTH} characters; the body takes more."
    ):
        fields["title"] = why
    if why := text_trouble(body, BODY_LENGTH, f"At most {BODY_LENGTH:,} characters."):
        fields["body"] = why
    pairs = [_pair(step) for step in steps]
    if len(pairs) > MOST_STEPS:
        fields["steps"] = f"At most {MOST_STEPS} steps."
    elif any(not name or len(name) > TITLE_LENGTH for name, _ in pairs):
        fields["steps"] = f"Each step has a title of at most {TITLE_LENGTH} characters."
    elif any(len(detail) > DETAIL_LENGTH for _, detail in pairs):
        fields["steps"] = f"A step's detail has at most {DETAIL_LENGTH:,} characters."
    elif not all(storable(name) and storable(detail) for name, detail in pairs):
        fields["steps"] = NOT_STORABLE
    if not body and not pairs and "steps" not in fields:
        fields["steps"] = "Say what is to be done: steps, or a body."
    if fields:
        raise Invalid(fields=fields)
    return title, body, pairs


def _pair(step: Step) -> tuple[str, str]:
    if isinstance(step, str):
        return " ".join(step.split()), ""
    title, detail = step.get("title"), step.get("detail")
    return " ".join(str(title or "").split()), str(detail or "").strip()
