from __future__ import annotations

from typing import Any

from django.utils import timezone

from apps.core.actions import action
from apps.core.errors import Conflict, Invalid, NotAllowed
from apps.messaging.actions import mark_answered, post
from apps.reviews.models import Review
from apps.reviews.models.review import NOTE_LENGTH
from apps.reviews.reviewers import find_reviewer, next_reviewer
from apps.tasks.actions import lock_task, save_task
from apps.tasks.actions.gates import check_room
from apps.tasks.actions.shared import (
    PLACE,
    put_on_top,
    renew_dependents,
    tell_ready,
)
from apps.tasks.actions.values import text_trouble
from apps.tasks.models import Task
from apps.tasks.moves import MOVES, Column, ReviewState, Status
from apps.teams import events
from apps.teams.lifecycle import Allows
from apps.teams.models import Member
from apps.teams.permissions import Permission

DECIDED = ("outcome", "decided_by", "decided_at", "note")
FIELDS = ("review_state", "reviewer", "review_round", "review_requested_at", *PLACE)


@action
def request_review(actor: Member, number: int, reviewer: str | None = None) -> Task:
    """DONE → REVIEW: open the next round and tell the reviewer, the named one or the next.

    Where nobody can be chosen, any person with `review` may do it. In review already: fine.
    """
    task = lock_task(actor, number)
    _require_asker(actor, task)
    if task.column == Column.REVIEW:
        return task
    task.team.require(Allows.PLANS)
    if task.column == Column.APPROVED and not task.has_conflict:
        raise Conflict(
            f"#{number} is already approved.", code="wrong_state", hint="Reopen it first.",
            column=Column.APPROVED.value,
        )  # fmt: skip
    task.check_move("request-review")
    check_room(task, Column.REVIEW, "Finish a review there first.")
    task.reviewer = find_reviewer(task, reviewer) if reviewer else next_reviewer(task)
    task.review_round += 1
    task.review_requested_at = timezone.now()
    review = Review.objects.create(
        task=task, round=task.review_round, reviewer=task.reviewer, requested_by=actor,
        requested_at=task.review_requested_at,
    )  # fmt: skip
    _put(actor, task, ReviewState.REVIEW, "review.requested", reviewer=_name(task.reviewer))
    ask_reviewer(actor, task, review)
    return task


@action
def approve(actor: Member, number: int, note: str = "") -> Task:
    """REVIEW or DONE → APPROVED, by the reviewer or a person with `review`; never one's own card,
    unless the team allows it. A second time changes nothing.
    """
    task = lock_task(actor, number)
    require_judge(actor, task)
    note = _checked(note)
    if task.column == Column.APPROVED and not task.has_conflict:
        return task
    task.team.require(Allows.DECISIONS)
    _check_judged(task, "approve")
    if task.owner_id == actor.pk and not task.team.allow_self_approval:
        raise _own(task)
    review = open_round(actor, task)
    review.decide(Review.Outcome.APPROVED, actor, note=note)
    review.save(update_fields=DECIDED)
    task.reviewer = actor
    _put(actor, task, ReviewState.APPROVED, "review.approved", note=note, waited=review.seconds)
    _mark_request(actor, review)
    tell_owner(actor, task, note, approved=True)
    return task


@action
def request_changes(actor: Member, number: int, text: str = "") -> Task:
    """REVIEW → TODO with the needs-fix mark; the owner keeps the card and gets the text."""
    task = lock_task(actor, number)
    require_judge(actor, task)
    text = _checked(text)
    task.team.require(Allows.DECISIONS)
    _check_judged(task, "request-changes")
    review = open_round(actor, task)
    review.decide(Review.Outcome.CHANGES, actor, note=text)
    review.save(update_fields=DECIDED)
    was, was_finished = task.column, task.is_finished
    task.enter(Status.PENDING)
    _put(actor, task, ReviewState.NEEDS_FIX, "review.changes_requested", note=text,
         waited=review.seconds, was=was, was_finished=was_finished)  # fmt: skip
    _mark_request(actor, review)
    tell_owner(actor, task, text, approved=False)
    return task


@action
def withdraw_review(actor: Member, number: int) -> Task:
    """REVIEW → DONE without a verdict; the next request opens the next round."""
    task = lock_task(actor, number)
    _require_manager(actor)
    if task.column == Column.DONE:
        return task
    task.team.require(Allows.DECISIONS)
    _check_judged(task, "withdraw-review")
    review = open_round(actor, task)
    review.decide(Review.Outcome.WITHDRAWN, actor)
    review.save(update_fields=DECIDED)
    return _put(actor, task, ReviewState.NONE, "review.withdrawn")


@action
def reopen(actor: Member, number: int) -> Task:
    """APPROVED → DONE: the approval is taken back; it stays in the card's history."""
    task = lock_task(actor, number)
    _require_manager(actor)
    if task.column == Column.DONE:
        return task
    task.team.require(Allows.DECISIONS)
    _check_judged(task, "reopen")
    mark_reopened(actor, task)
    return _put(actor, task, ReviewState.NONE, "review.reopened")


def mark_reopened(actor: Member, task: Task) -> None:
    """Note on the approved round that it was taken back."""
    task.reviews.filter(round=task.review_round, outcome=Review.Outcome.APPROVED).update(
        reopened_by=actor, reopened_at=timezone.now()
    )


def _require_asker(actor: Member, task: Task) -> None:
    if task.owner_id == actor.pk or actor.can(Permission.MANAGE_TASKS):
        return
    actor.require(Permission.REVIEW)


def _require_manager(actor: Member) -> None:
    if not actor.can(Permission.MANAGE_TASKS):
        actor.require(Permission.REVIEW)


def require_judge(actor: Member, task: Task) -> None:
    """Raise NotAllowed where `actor` is neither the card's reviewer nor a person who may review."""
    actor.require(Permission.REVIEW)
    if actor.kind != Member.Kind.AGENT or task.reviewer_id == actor.pk:
        return
    if task.owner_id == actor.pk and not task.team.allow_self_approval:
        raise _own(task)
    who = task.reviewer.name if task.reviewer else "a person"
    judged = task.column in MOVES["approve"].sources
    why = f"{who} reviews it" if judged else "it is not in review"
    raise NotAllowed(
        f"You are not the reviewer of #{task.number}; {why}.",
        code="not_reviewer",
        hint="Ask for a review of it, or send what you found to its owner.",
    )


def _own(task: Task) -> NotAllowed:
    return NotAllowed(
        f"#{task.number} is your own work; somebody else judges it.",
        code="own_task",
        hint="Request a review.",
    )


def _checked(note: str) -> str:
    note = note.strip()
    if why := text_trouble(note, NOTE_LENGTH, f"At most {NOTE_LENGTH:,} characters."):
        raise Invalid(fields={"note": why})
    return note


def _check_judged(task: Task, verb: str) -> None:
    if task.has_conflict:
        raise task.refusal(MOVES[verb].to)
    task.check_move(verb)


def open_round(actor: Member, task: Task) -> Review:
    """The open round; a new one where a done card is approved in one step."""
    if task.column == Column.DONE:
        task.review_round += 1
    asked = {"requested_by": actor, "requested_at": task.review_requested_at or timezone.now()}
    review, _ = Review.objects.get_or_create(task=task, round=task.review_round, defaults=asked)
    return review


def _put(
    actor: Member, task: Task, state: str, kind: str, *,
    was: str | None = None, was_finished: bool | None = None, **data: Any,
) -> Task:  # fmt: skip
    """Write the card's new review state and journal it; the second half of every action here."""
    was = was or task.column
    was_finished = task.is_finished if was_finished is None else was_finished
    task.review_state = ReviewState(state)
    if state != ReviewState.REVIEW:
        task.reviewer = task.reviewer if state == ReviewState.APPROVED else None
        task.review_requested_at = None
    put_on_top(task, task.column)
    save_task(task, *FIELDS)
    affects = renew_dependents(task, was_finished=was_finished)
    fact: dict[str, Any] = {
        "from": was,
        "round": task.review_round,
        **data,
        "affects": affects or None,
    }
    kept = {key: value for key, value in fact.items() if value not in ("", None)}
    events.record(actor, kind, **task.as_fact(), **kept)
    tell_ready(task, affects)
    return task


def _mark_request(actor: Member, review: Review) -> None:
    """What asked `actor` for this verdict is answered."""
    if review.asked is not None and review.decided_at is not None:
        mark_answered(actor, review.asked, review.decided_at)


def _name(member: Member | None) -> str | None:
    return member.name if member else None


def ask_reviewer(actor: Member, task: Task, review: Review) -> None:
    """Tell the round's chosen reviewer what is asked and how to answer."""
    if task.reviewer is None or task.reviewer_id == actor.pk:
        return
    owner = f" by {task.owner.name}" if task.owner else ""
    review.asked = post(
        actor,
        "review_request",
        [task.reviewer],
        subject=f"Please review #{task.number}: {task.subject}",
        body=(
            f"#{task.number}{owner} is done and waits for your review, round {task.review_round}. "
            "Earlier verdicts no longer count.\n\n"
            "Approve it, or request changes and say what is missing."
        ),
        payload={
            "task_id": str(task.number),
            "subject": task.subject,
            "reviewer": task.reviewer.name,
            "round": task.review_round,
        },
        tasks=[task.number],
    )
    review.save(update_fields=["asked"])


def tell_owner(actor: Member, task: Task, note: str, *, approved: bool) -> None:
    """Tell the owner the verdict, and what to do after it."""
    owner = task.owner
    if owner is None or owner.pk == actor.pk or owner.left_at is not None:
        return
    verdict = "approved" if approved else "needs changes"
    steps = (
        ""
        if approved
        else f"Start #{task.number} again, fix it, complete it, then request a review again."
    )
    payload = {
        "task_id": str(task.number),
        "approved": approved,
        "subject": task.subject,
        "round": task.review_round,
    }
    post(
        actor,
        "review_response",
        [owner],
        subject=f"#{task.number} {verdict}: {task.subject}",
        body="\n\n".join(part for part in (note, steps) if part),
        payload=payload | ({"note": note} if note else {}),
        tasks=[task.number],
    )
