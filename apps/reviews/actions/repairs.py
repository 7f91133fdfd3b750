from __future__ import annotations

from typing import Any

from django.utils import timezone

from apps.core.actions import action
from apps.core.errors import Conflict
from apps.messaging.actions import post
from apps.reviews.actions.rounds import DECIDED, ask_reviewer, mark_reopened, open_round
from apps.reviews.models import Review
from apps.reviews.reviewers import find_reviewer, next_in
from apps.tasks.actions import lock_task, save_task
from apps.tasks.actions.shared import put_on_top, renew_dependents, tell_ready
from apps.tasks.models import Task
from apps.tasks.moves import Column, ReviewState
from apps.teams import events
from apps.teams.lifecycle import Allows
from apps.teams.models import Member
from apps.teams.permissions import Permission


@action
def replace_reviewer(actor: Member, number: int, reviewer: str | None = None) -> Task:
    """Give the open round to another reviewer, the named one or the next; their time starts now.

    Both hear of it: who was asked before need not go on.
    """
    task = lock_task(actor, number)
    if not actor.can(Permission.MANAGE_TASKS):
        actor.require(Permission.REVIEW)
    task.team.require(Allows.DECISIONS)
    if task.column != Column.REVIEW:
        raise Conflict(
            f"#{number} is not in review.", code="wrong_state", hint="Request a review first.",
            column=str(task.column),
        )  # fmt: skip
    chosen = find_reviewer(task, reviewer) if reviewer else _another(task)
    if chosen.pk == task.reviewer_id:
        return task
    replaced, task.reviewer = task.reviewer, chosen
    task.review_requested_at = timezone.now()
    save_task(task, "reviewer", "review_requested_at")
    review = open_round(actor, task)
    review.reviewer = chosen
    review.save(update_fields=["reviewer"])
    names: dict[str, Any] = {"reviewer": chosen.name}
    if replaced is not None:
        names["replaced"] = replaced.name
    events.record(actor, "review.reassigned", **task.as_fact(), round=task.review_round, **names)
    ask_reviewer(actor, task, review)
    _tell_replaced(actor, task, replaced)
    return task


def _tell_replaced(actor: Member, task: Task, replaced: Member | None) -> None:
    if replaced is None or replaced.pk == actor.pk or task.reviewer is None:
        return
    if replaced.left_at is not None or replaced.terminated_at is not None:
        return
    name = task.reviewer.name
    post(
        actor, "message", [replaced], tasks=[task.number],
        subject=f"{name} reviews #{task.number} now: {task.subject}",
        body=f"You need not review #{task.number} any more; {name} does.",
    )  # fmt: skip


def _another(task: Task) -> Member:
    absent = (task.owner_id, task.reviewer_id)
    chosen = next_in(task.team, *(pk for pk in absent if pk is not None))
    if chosen is None:
        raise Conflict(
            "Nobody else here can review it.",
            code="no_reviewer",
            hint="Give another member the right to review, on the members page.",
        )
    return chosen


@action
def resolve_conflict(actor: Member, number: int) -> Task:
    """Let a card whose work moved on show where its work is; the review or approval goes.

    A card without that conflict: fine, no event.
    """
    task = lock_task(actor, number)
    if task.owner_id != actor.pk and not actor.can(Permission.MANAGE_TASKS):
        actor.require(Permission.REVIEW)
    if not task.has_conflict:
        return task
    task.team.require(Allows.DECISIONS)
    was, was_finished = task.column, task.is_finished
    if was == Column.APPROVED:
        mark_reopened(actor, task)
    else:
        _withdraw(actor, task)
    task.review_state, task.reviewer = ReviewState.NONE, None
    task.review_requested_at = None
    put_on_top(task, task.column)
    save_task(task, "review_state", "reviewer", "review_requested_at", "position")
    affects = renew_dependents(task, was_finished=was_finished)
    kind = "review.reopened" if was == Column.APPROVED else "review.withdrawn"
    fact: dict[str, Any] = {"from": was, "round": task.review_round, "conflict": True}
    if affects:
        fact["affects"] = affects
    events.record(actor, kind, **task.as_fact(), **fact)
    tell_ready(task, affects)
    return task


def _withdraw(actor: Member, task: Task) -> None:
    for review in task.reviews.filter(round=task.review_round, outcome=""):
        review.decide(Review.Outcome.WITHDRAWN, actor)
        review.save(update_fields=DECIDED)
