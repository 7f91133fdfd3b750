from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils import timezone

from apps.core.actions import action
from apps.core.errors import Conflict, DomainError, Invalid, NotAllowed
from apps.messaging.actions import mark_answered, post
from apps.messaging.models import Message
from apps.reviews.actions.plans import ask_deciders, lock_plan
from apps.reviews.models import Plan, PlanDecision, PlanStep, PlanVersion
from apps.reviews.models.plan import PlanState
from apps.reviews.models.review import NOTE_LENGTH
from apps.reviews.stages import label, may_decide
from apps.tasks.actions import save_task
from apps.tasks.actions.values import text_trouble
from apps.tasks.models import Task
from apps.teams import events
from apps.teams.lifecycle import Allows
from apps.teams.models import Member

WORDS = {
    "approve": PlanDecision.Decision.APPROVED,
    "approved": PlanDecision.Decision.APPROVED,
    "reject": PlanDecision.Decision.REJECTED,
    "rejected": PlanDecision.Decision.REJECTED,
}


@action
def decide_plan(
    actor: Member, plan_id: int, decision: str, *,
    version: int, note: str = "", stage: int | None = None,
) -> Plan:  # fmt: skip
    """Approve or reject `version` at its current stage. There is one decision per stage.

    `stage` is the index that the decider saw; with it, a stage that was decided meanwhile is a
    Conflict. The last approval opens the task to its author; a rejection rejects the plan.
    """
    plan = lock_plan(actor, plan_id)
    word = _word(decision, note)
    plan.team.require(Allows.DECISIONS)
    text = plan.current
    last = text.decisions.select_related("member").last()
    check_decider(actor, plan, last, version=version, stage=stage)
    PlanDecision.objects.create(
        version=text, stage=plan.stage, stage_name=plan.stage_name, decision=word,
        note=note.strip(), member=actor,
    )  # fmt: skip
    _advance(actor, plan, text, word, note.strip())
    return plan


def check_decider(
    actor: Member, plan: Plan, last: PlanDecision | None, *,
    version: int, stage: int | None = None,
) -> None:  # fmt: skip
    """Raise the reason why `actor` cannot decide `version` of the plan at `stage` now.

    `last` is the latest decision about the plan's current version.
    """
    if version != plan.version:
        was = "was superseded" if 0 < version < plan.version else "does not exist"
        raise Conflict(
            f"Version {version} {was}: the plan is at version {plan.version}.",
            code="superseded",
            hint="Read the current version, then decide that one.",
            version=plan.version,
        )
    if not plan.is_pending:
        raise plan.refuse_decision(last)
    if plan.author_id == actor.pk:
        raise NotAllowed("This is your own plan; somebody else decides it.", code="own_plan")
    if stage is not None and stage != plan.stage:
        raise _stage_passed(plan, stage, last)
    if not may_decide(plan.stages, plan.stage, actor):
        raise _wrong_stage(actor, plan)
    if stage is None and last is not None and last.member_id == actor.pk:
        raise Conflict(
            f"You have already {last.decision} it as {last.stage_name}.",
            code="already_decided",
            hint=f"Name the stage {plan.stage} to decide it as {plan.stage_name} too.",
            stage=plan.stage,
        )


def _stage_passed(plan: Plan, stage: int, last: PlanDecision | None) -> Conflict:
    if last is not None and stage < plan.stage:
        return Conflict(
            f"{last.member.name} has already {last.decision} it as {last.stage_name}.",
            code="already_decided",
            hint=f"The plan now waits for {label(plan.stage_name)}.",
            decided_by=last.member.name,
            stage=plan.stage,
        )
    return Conflict(
        f"The plan waits for {label(plan.stage_name)} first.", code="wrong_stage", stage=plan.stage
    )


def _wrong_stage(actor: Member, plan: Plan) -> DomainError:
    waits = f"The plan waits for {label(plan.stage_name)} now"
    if any(may_decide(plan.stages, index, actor) for index in range(len(plan.stages))):
        return Conflict(f"{waits}; that is not your stage.", code="wrong_stage", stage=plan.stage)
    return NotAllowed(
        f"You may not decide plans here. {waits}.",
        hint="A leader can change that on the members page.",
    )


def _word(decision: str, note: str) -> str:
    word = WORDS.get(str(decision).strip().lower())
    if word is None:
        raise Invalid(fields={"decision": "Write “approve” or “reject”."})
    if why := text_trouble(note.strip(), NOTE_LENGTH, f"At most {NOTE_LENGTH:,} characters."):
        raise Invalid(fields={"note": why})
    return word.value


def _advance(actor: Member, plan: Plan, text: PlanVersion, word: str, note: str) -> None:
    rejected = word == PlanDecision.Decision.REJECTED
    was, final = plan.stage_name, rejected or plan.stage + 1 >= len(plan.stages)
    plan.decided_at = timezone.now()
    if final:
        plan.state = PlanState.REJECTED if rejected else PlanState.APPROVED
        text.close(plan.state)
        text.save(update_fields=["outcome", "closed_at"])
    else:
        plan.stage += 1
        plan.stage_name = plan.stages[plan.stage][:64]
    plan.save(update_fields=["state", "stage", "stage_name", "decided_at"])
    if plan.state == PlanState.APPROVED:
        open_gate(plan, text)
    more: dict[str, Any] = {"note": note} if note else {}
    if not final:
        more["next"] = plan.stage_name
    events.record(
        actor, f"plan.{word}", **plan.as_fact(), stage=was, final=final,
        request=text.request, author=plan.author.name, **more,
    )  # fmt: skip
    _mark_requests(actor, text, plan.decided_at)
    if final:
        _tell_author(actor, plan, text, note)
    else:
        _ask_next(actor, plan, text)


def _mark_requests(actor: Member, text: PlanVersion, at: datetime) -> None:
    """What asked `actor` to decide this version is answered."""
    if text.asked_id is None:
        return
    followed = Q(reply_to=text.asked_id, kind="plan_approval_request")
    asked = Message.objects.filter(followed | Q(pk=text.asked_id))
    for request in asked.filter(deliveries__recipient=actor, deliveries__answered_at=None):
        mark_answered(actor, request, at)


def _ask_next(actor: Member, plan: Plan, text: PlanVersion) -> None:
    request = ask_deciders(plan.author if plan.author.left_at is None else actor, plan, text)
    if text.asked is None and request is not None:
        text.asked = request
        text.save(update_fields=["asked"])


def open_gate(plan: Plan, text: PlanVersion) -> None:
    """Let the author start the plan's task, and show the plan's progress on its card."""
    if plan.task is None:
        return
    task = Task.objects.get(pk=plan.task.pk)
    task.planned_by = plan.author
    task.plan_steps = plan.step_count
    show_progress(task, text)


def show_progress(task: Task, text: PlanVersion) -> None:
    """Count the steps that are behind, and name the one under way."""
    states = list(text.steps.values_list("state", "title"))
    behind = (PlanStep.State.DONE, PlanStep.State.SKIPPED)
    task.plan_done = sum(state in behind for state, _ in states)
    task.plan_doing = next((name for state, name in states if state == PlanStep.State.DOING), "")
    save_task(task, "planned_by", "plan_steps", "plan_done", "plan_doing")


def _tell_author(actor: Member, plan: Plan, text: PlanVersion, note: str) -> None:
    if plan.author.left_at is not None:
        return
    approved = plan.state == PlanState.APPROVED
    place = f" for #{plan.task.number}" if plan.task else ""
    steps = "Go ahead." if approved else "Revise the plan and submit it again."
    payload = {
        "request_id": text.request,
        "approved": approved,
        "from": actor.name,
        "plan_id": plan.pk,
        "version": text.number,
    }
    post(
        actor,
        "plan_approval_response",
        [plan.author],
        subject=f"Plan{place} {plan.state}: {plan.title}",
        body="\n\n".join(part for part in (note, steps) if part),
        payload=payload | ({"feedback": note} if note else {}),
        tasks=[plan.task.number] if plan.task else [],
        reply_to=text.asked,
    )
