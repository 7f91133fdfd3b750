from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from apps.core.actions import action
from apps.core.errors import Conflict, Invalid, NotAllowed
from apps.messaging.actions import mark_answered, post
from apps.messaging.notices import Why
from apps.tasks.actions.comments import add_comment
from apps.tasks.actions.shared import lock_task, save_task
from apps.tasks.actions.values import checked_text
from apps.tasks.models import Comment, Task
from apps.tasks.models.task import Asked
from apps.tasks.moves import Column
from apps.teams import events
from apps.teams.lifecycle import Allows
from apps.teams.models import Member
from apps.teams.permissions import Permission

QUESTION_LENGTH = 4_000
FIELDS = ("needs_input", "question", "asked_at")


@action
def ask(actor: Member, number: int, question: str, *, of: str = Asked.HUMAN) -> Task:
    """Flag a card as waiting for the lead or for a person, with the question."""
    task = lock_task(actor, number)
    task.require_owner(actor, "ask about")
    task.team.require(Allows.MESSAGES)
    if of not in (Asked.LEAD, Asked.HUMAN):
        raise Invalid(fields={"of": "Ask the “lead” or a “human”."})
    question = checked_text("question", question, QUESTION_LENGTH)
    if task.column == Column.TRASH:
        raise Conflict(f"#{number} is in the trash.", code="wrong_state", hint="Restore it first.")
    task.needs_input, task.question, task.asked_at = of, question, timezone.now()
    save_task(task, *FIELDS)
    events.record(actor, "task.asked", **task.as_fact(), of=str(of), question=question)
    if to := [member for member in who_answers(task) if member.pk != actor.pk]:
        subject = f"#{number} asks: {question}"
        post(actor, "message", to, subject=subject, body=question, tasks=[number], why=Why.QUESTION)
    return task


def who_answers(task: Task) -> list[Member]:
    """The leaders, or the people who manage tasks here."""
    seats = list(task.team.members.seated())
    if task.needs_input == Asked.LEAD:
        return [member for member in seats if member.is_leader]
    return [m for m in seats if m.kind == Member.Kind.HUMAN and m.can(Permission.MANAGE_TASKS)]


@action
def answer(actor: Member, number: int, text: str) -> Task:
    """Answer a card's question: the flag goes, the owner gets the text, it stays as a comment.

    What was asked of a person, no agent answers.
    """
    task = lock_task(actor, number)
    _require_answerer(actor, task)
    task.team.require(Allows.MESSAGES)
    text = checked_text("text", text, QUESTION_LENGTH)
    if not task.needs_input:
        raise Conflict(
            f"#{number} asks nothing now.", code="wrong_state", hint="Someone may have answered."
        )
    question, of, asked_at = task.question, task.needs_input, task.asked_at
    task.needs_input, task.question, task.asked_at = Asked.NOBODY, "", None
    save_task(task, *FIELDS)
    waited = int((timezone.now() - asked_at).total_seconds()) if asked_at else 0
    events.record(actor, "task.answered", **task.as_fact(), of=of, waited=waited)
    add_comment(actor, task, text, kind=Comment.Kind.ANSWER)
    _mark_question(actor, task, since=asked_at)
    if task.holder is not None and task.holder.pk != actor.pk:
        subject = f"Answer on #{number}: {question}"
        post(actor, "message", [task.holder], subject=subject, body=text, tasks=[number])
    return task


def _mark_question(actor: Member, task: Task, *, since: datetime | None) -> None:
    """The message that asked `actor` about the card is answered."""
    now = timezone.now()
    open_ones = actor.deliveries.filter(
        why=Why.QUESTION, answered_at=None, message__sender_id=task.owner_id,
        message__sent_at__gte=since or now,
    )  # fmt: skip
    for copy in open_ones.select_related("message"):
        if task.number in copy.message.tasks:
            mark_answered(actor, copy.message, now)


def _require_answerer(actor: Member, task: Task) -> None:
    actor.require_seat()
    if actor.role != Member.Role.LEADER and Permission.MANAGE_TASKS not in actor.permissions:
        raise NotAllowed("Only a leader or who manages tasks answers questions here.")
    if task.needs_input == Asked.HUMAN and actor.kind == Member.Kind.AGENT:
        raise NotAllowed(
            f"#{task.number} asks a person; an agent cannot answer for one.",
            hint="Write a comment if you know something that helps.",
        )
