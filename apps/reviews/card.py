"""What reviews and plans add to the page of a card. Reads only."""

from __future__ import annotations

from dataclasses import dataclass

from apps.reviews.models import Plan, Review
from apps.reviews.models.review import is_late
from apps.reviews.reviewers import next_reviewer, turn_of, why_not
from apps.reviews.stages import label
from apps.tasks.agenda import Turn
from apps.tasks.blockers import blockers_of
from apps.tasks.models import Task
from apps.tasks.moves import Column
from apps.tasks.rights import steers
from apps.teams.lifecycle import Allows
from apps.teams.models import Member
from apps.teams.permissions import Permission, Role

ROUNDS = 20
PLANS = 10


@dataclass(frozen=True)
class CardReview:
    """Whose turn the card is, its rounds and plans with the latest first, and what `member` may do.

    `next` is whom a request would choose now; `fit` are those to whom an open round can be given.
    """

    turn: Turn
    rounds: list[Review]
    plans: list[Plan]
    next: Member | None
    fit: list[Member]
    is_late: bool
    may_ask: bool
    may_replace: bool
    may_resolve: bool
    may_plan: bool


def card_review(task: Task, member: Member) -> CardReview:
    """Everything at once, in at most nine queries. Owner, reviewer and team must be loaded."""
    plans = list(
        Plan.objects.visible_to(member)
        .filter(task=task)
        .select_related("author")
        .order_by("-pk")[:PLANS]
    )
    puts_right = steers(member)
    decides = task.team.allows(Allows.DECISIONS)
    asks = task.column == Column.DONE and task.team.allows(Allows.PLANS)
    replaces = task.column == Column.REVIEW and not task.has_conflict and puts_right and decides
    return CardReview(
        turn=turn_of(
            task,
            blockers=blockers_of(task.team, task.pk),
            **_own_plan(task, plans),
        ),
        rounds=list(task.reviews.with_people().order_by("-round")[:ROUNDS]),
        plans=plans,
        next=next_reviewer(task) if asks else None,
        fit=_fit(task) if replaces or asks else [],
        is_late=is_late(task),
        may_ask=asks and (puts_right or task.owner_id == member.pk) and member.left_at is None,
        may_replace=replaces,
        may_resolve=task.has_conflict and decides and (puts_right or task.owner_id == member.pk),
        may_plan=_may_plan(task, member),
    )


def _own_plan(task: Task, plans: list[Plan]) -> dict[str, str]:
    """The state of the owner's latest plan for the card, and who decides it if not a leader."""
    plan = next((plan for plan in plans if plan.author_id == task.owner_id), None)
    if plan is None:
        return {}
    stage = plan.stage_name if plan.is_pending else Role.LEADER
    return {"plan": plan.state, "decider": "" if stage == Role.LEADER else label(stage)}


def _fit(task: Task) -> list[Member]:
    seats = task.team.members.seated()
    return [seat for seat in seats if seat.pk != task.reviewer_id and not why_not(task, seat)]


def _may_plan(task: Task, member: Member) -> bool:
    if task.column not in (Column.TODO, Column.IN_PROGRESS) or not member.can(Permission.WORK):
        return False
    return task.team.allows(Allows.PLANS) and task.owner_id in (None, member.pk)
