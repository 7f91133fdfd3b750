"""Who must act next on a card, and why: one table, read from the top."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from django.db import models

from apps.tasks.models.task import Asked, Task
from apps.tasks.moves import Column, ReviewState, Status
from apps.teams.models import Member
from apps.teams.permissions import Permission

# Of a lead's duties those that whoever manages tasks can do as well.
STEERING = frozenset({"release", "resolve"})


class Who(models.TextChoices):
    """Whose turn it is."""

    OWNER = "owner"
    REVIEWER = "reviewer"
    LEAD = "lead"
    HUMAN = "human"
    NOBODY = "nobody"


class Category(models.TextChoices):
    """What kind of turn: work to do, a leader's care, waiting for something, or nothing."""

    ACTIONABLE = "actionable"
    OVERSIGHT = "oversight"
    WAITING = "waiting"
    DONE = "done"


class Turn(NamedTuple):
    """Who acts next: `member` is their name where it is one, `reason` a stable word, `why` a
    sentence for people.
    """

    who: Who
    action: str
    category: Category
    reason: str
    why: str
    member: str | None = None

    @property
    def who_label(self) -> str:
        """The member's name, or "the lead", "a person", "nobody"."""
        words = {Who.LEAD: "the lead", Who.HUMAN: "a person", Who.NOBODY: "nobody"}
        return self.member or words.get(self.who, self.who.value)


def turn(
    task: Task, *, blockers: Sequence[int] = (), plan: str = "", decider: str = "",
    judges: Collection[int] | None = None,
) -> Turn:  # fmt: skip
    """Whose turn a card is. The first row that fits decides.

    `blockers` are the numbers of its unfinished dependencies, `plan` the state of the owner's plan
    for it ("" where there is none), `decider` who decides it where that is not the lead, as a noun,
    `judges` the keys of all people here who may review, where that
    is known. Owner, reviewer and team must be loaded.
    """
    decided = (
        _ended(task)
        or _asked(task)
        or _moved_on(task)
        or _in_review(task, judges)
        or _completed(task)
    )
    if decided is not None:
        return decided
    owner = task.owner
    if owner is None:
        return _lead("assign_owner", "owner_missing", "Nobody owns it.")
    if owner.left_at is not None:
        act = "release" if task.status == Status.IN_PROGRESS else "assign_owner"
        return _lead(act, "owner_gone", f"{owner.name} has left the team.")
    return (
        _running(task, owner)
        or _blocked(blockers)
        or _planless(task, owner, plan, decider)
        or _to_do(task, owner)
    )


def falls_to(found: Turn, task: Task, member: Member) -> bool:
    """Whether `member`, seated in the card's team, is who `found` waits for."""
    if found.who == Who.OWNER:
        return member.pk == task.owner_id
    if found.who == Who.REVIEWER:
        return member.pk == task.reviewer_id
    is_owner = member.pk == task.owner_id
    if found.who == Who.LEAD and found.action in STEERING:
        return member.can(Permission.MANAGE_TASKS)
    if found.who == Who.LEAD:
        return member.is_leader and not (is_owner and found.action == "answer")
    if found.who != Who.HUMAN or member.kind != Member.Kind.HUMAN:
        return False
    if found.action == "answer":
        return member.can(Permission.MANAGE_TASKS) and not is_owner
    allowed = not is_owner or task.team.allow_self_approval
    return member.can(Permission.REVIEW) and allowed


def _nobody(category: Category, action: str, reason: str, why: str) -> Turn:
    return Turn(Who.NOBODY, action, category, reason, why)


def _lead(action: str, reason: str, why: str) -> Turn:
    return Turn(Who.LEAD, action, Category.OVERSIGHT, reason, why)


def _member(who: Who, member: Member, action: str, reason: str, why: str) -> Turn:
    category = Category.OVERSIGHT if member.is_leader else Category.ACTIONABLE
    return Turn(who, action, category, reason, why, member.name)


def _ended(task: Task) -> Turn | None:
    if task.status == Status.DELETED:
        return _nobody(Category.DONE, "none", "terminal_deleted", "It is in the trash.")
    if task.column == Column.APPROVED and not task.has_conflict:
        return _nobody(Category.DONE, "none", "terminal_approved", "It is approved.")
    return None


def _asked(task: Task) -> Turn | None:
    question = task.question or "It has a question."
    if task.needs_input == Asked.HUMAN:
        return Turn(
            Who.HUMAN, "answer", Category.WAITING, "waiting_human", f"A person is asked: {question}"
        )
    if task.needs_input == Asked.LEAD:
        return _lead("answer", "waiting_lead", f"The lead is asked: {question}")
    return None


def _moved_on(task: Task) -> Turn | None:
    if not task.has_conflict:
        return None
    where = Column(task.column).label
    now = Status(task.status).label.lower()
    return _lead("resolve", "conflict", f"It shows as {where}, but its work is {now} again.")


def _in_review(task: Task, judges: Collection[int] | None) -> Turn | None:
    if task.review_state != ReviewState.REVIEW:
        return None
    reviewer = task.reviewer
    if reviewer is None:
        if judges is not None and not _others(task, judges):
            why = "Nobody here can review it: give another member that right, or seat one."
            return _lead("find_reviewer", "no_reviewer", why)
        why = "No reviewer was chosen: any person who may review can do it."
        return Turn(Who.HUMAN, "review", Category.WAITING, "review_unassigned", why)
    if reviewer.pk == task.owner_id and not task.team.allow_self_approval:
        why = f"{reviewer.name} owns it and cannot review it."
        return _lead("replace_reviewer", "self_review", why)
    if reviewer.left_at or reviewer.terminated_at or not reviewer.can(Permission.REVIEW):
        return _lead(
            "replace_reviewer", "reviewer_gone", f"{reviewer.name} cannot review any more."
        )
    why = f"{reviewer.name} was asked to review it, round {task.review_round}."
    return _member(Who.REVIEWER, reviewer, "review", "review_requested", why)


def _others(task: Task, judges: Collection[int]) -> list[int]:
    """Those of `judges` who may judge this card."""
    own = None if task.team.allow_self_approval else task.owner_id
    return [pk for pk in judges if pk != own]


def _completed(task: Task) -> Turn | None:
    if task.status != Status.COMPLETED:
        return None
    return _nobody(Category.DONE, "none", "completed", "It is done; nobody asked for a review.")


def _running(task: Task, owner: Member) -> Turn | None:
    if task.status != Status.IN_PROGRESS:
        return None
    if owner.terminated_at is not None:
        return _lead("release", "owner_terminated", f"{owner.name} has shut down.")
    if task.stalled_at is not None:
        return _lead("release", "owner_silent", f"{owner.name} gives no sign of life.")
    return _member(Who.OWNER, owner, "work", "owner_working", f"{owner.name} is working on it.")


def _blocked(blockers: Sequence[int]) -> Turn | None:
    if not blockers:
        return None
    names = ", ".join(f"#{number}" for number in blockers)
    return _nobody(Category.WAITING, "wait", "dependency_waiting", f"It waits for {names}.")


def _planless(task: Task, owner: Member, plan: str, decider: str) -> Turn | None:
    if not owner.needs_plan or task.planned_by_id == owner.pk:
        return None
    if plan == "pending_review" and decider:
        why = f"{owner.name}'s plan for it waits for {decider}."
        return Turn(Who.HUMAN, "decide_plan", Category.WAITING, "plan_waiting", why)
    if plan == "pending_review":
        return _lead("decide_plan", "plan_waiting", f"{owner.name}'s plan for it waits.")
    why = f"{owner.name} needs an approved plan for it first."
    return _member(Who.OWNER, owner, "submit_plan", "plan_required", why)


def _to_do(task: Task, owner: Member) -> Turn:
    if task.review_state == ReviewState.NEEDS_FIX:
        why = f"Changes were requested from {owner.name} in round {task.review_round}."
        return _member(Who.OWNER, owner, "fix", "needs_fix", why)
    return _member(Who.OWNER, owner, "start", "owner_ready", f"{owner.name} can start it.")
