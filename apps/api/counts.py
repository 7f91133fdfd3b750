"""What waits for a member: the first of each kind, and how many. Asked at every briefing, so the
queries are compiled once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from django.db.models import Count, Model, Q, QuerySet

from apps.core.prepared import NUMBER, OTHER, Prepared
from apps.messaging.models import Delivery
from apps.reviews.models import Plan
from apps.reviews.models.plan import PlanState
from apps.reviews.stages import may_decide
from apps.tasks.models import Task
from apps.tasks.models.task import Asked, TaskQuerySet
from apps.tasks.moves import Column, ReviewState, Status
from apps.teams.models import Member, Team
from apps.teams.permissions import Permission

M = TypeVar("M", bound=Model)
MOST = 10
MOST_WEIGHED = 500


class Waiting(Generic[M]):
    """Rows of one kind that wait for a member, who is `NUMBER`, in a team, which is `OTHER`."""

    def __init__(
        self, model: type[M], build: Callable[[], QuerySet[M]], *related: str, one: str = "team_id"
    ) -> None:
        def first(_: QuerySet[M]) -> QuerySet[M]:
            return (build().select_related(*related) if related else build())[:MOST]

        def count(_: QuerySet[M]) -> QuerySet[M, Any]:
            per_group: Any = build().order_by().values(one)
            return per_group.annotate(n=Count("pk")).values_list("n")  # type: ignore[no-any-return]

        self._first = Prepared(model, first)
        self._count = Prepared(model, count)

    def first(self, member: Member) -> list[M]:
        """The first ten."""
        return self._first.objects(member.pk, member.team_id)

    def count(self, member: Member) -> int:
        """How many there are in all."""
        found = self._count.rows(member.pk, member.team_id)
        return int(found[0][0]) if found else 0


def _ready(*, wait_for_approval: bool) -> Callable[[], TaskQuerySet]:
    rule = Team(dependencies_wait_for_approval=wait_for_approval)

    def build() -> TaskQuerySet:
        free = Task.objects.filter(Q(owner=None) | Q(owner_id=NUMBER), team_id=OTHER)
        return (
            free.filter(board_column=Column.TODO, internal=False)
            .blocked(rule, yes=False)
            .order_by("-priority", "created_at", "number")
        )

    return build


def _reviews(mine: Q) -> Callable[[], TaskQuerySet]:
    def build() -> TaskQuerySet:
        asked = Task.objects.filter(mine, team_id=OTHER, review_state=ReviewState.REVIEW)
        return asked.in_column(Column.REVIEW).order_by("review_requested_at", "number")

    return build


def _questions(*asked: str) -> Callable[[], TaskQuerySet]:
    def build() -> TaskQuerySet:
        open_ones = Task.objects.filter(team_id=OTHER, needs_input__in=asked).on_board()
        others = open_ones.filter(Q(owner=None) | ~Q(owner_id=NUMBER))
        return others.order_by("asked_at", "number")

    return build


RUNNING = Waiting(
    Task,
    lambda: Task.objects.filter(owner_id=NUMBER, team_id=OTHER).in_column(Column.IN_PROGRESS),
)
READY = {wait: Waiting(Task, _ready(wait_for_approval=wait)) for wait in (False, True)}
REVIEWS = Waiting(Task, _reviews(Q(reviewer_id=NUMBER)), "owner")
# A person also reviews what nobody was chosen for.
REVIEWS_OF_PERSON = Waiting(
    Task,
    _reviews(Q(reviewer_id=NUMBER) | (Q(reviewer=None) & (Q(owner=None) | ~Q(owner_id=NUMBER)))),
    "owner",
)
QUESTIONS: dict[tuple[Asked, ...], Waiting[Task]] = {
    asked: Waiting(Task, _questions(*asked), "owner")
    for asked in ((Asked.LEAD,), (Asked.HUMAN,), (Asked.LEAD, Asked.HUMAN))
}
UNREAD = Waiting(
    Delivery,
    lambda: Delivery.objects.filter(
        recipient_id=NUMBER, message__team_id=OTHER, archived_at=None, read_at=None, noise=False
    ).order_by("-pk"),
    "message__sender",
    one="recipient_id",
)
OWN_PLANS = Waiting(
    Plan,
    lambda: (
        Plan.objects.filter(
            author_id=NUMBER, team_id=OTHER, state__in=[PlanState.PENDING, PlanState.REJECTED]
        )
        .filter(Q(task=None) | ~Q(task__status__in=[Status.COMPLETED, Status.DELETED]))
        .order_by("-pk")
    ),
    "author",
    "task",
)
UNDECIDED = Prepared(
    Plan,
    lambda _: (
        Plan.objects.filter(team_id=NUMBER)
        .pending()
        .select_related("author", "task")[:MOST_WEIGHED]
    ),
)


def kinds(member: Member) -> dict[str, Waiting[Any]]:
    """What can wait for this member, by name."""
    found: dict[str, Waiting[Any]] = {
        "running": RUNNING, "unread": UNREAD, "my_plans": OWN_PLANS,
    }  # fmt: skip
    if member.can(Permission.WORK):
        found["ready"] = READY[member.team.dependencies_wait_for_approval]
    if member.can(Permission.REVIEW):
        person = member.kind == Member.Kind.HUMAN
        found["reviews"] = REVIEWS_OF_PERSON if person else REVIEWS
    if asked := _answers(member):
        found["questions"] = QUESTIONS[asked]
    return found


def _answers(member: Member) -> tuple[Asked, ...]:
    """Whose questions the member may answer."""
    asked = [Asked.LEAD] if member.is_leader or member.can(Permission.MANAGE_TASKS) else []
    if member.kind == Member.Kind.HUMAN and asked:
        asked.append(Asked.HUMAN)
    return tuple(asked)


def plans(member: Member) -> list[Plan]:
    """Plans whose current stage is the member's to decide, the longest waiting first."""
    return [
        plan
        for plan in UNDECIDED.objects(member.team_id)
        if plan.author_id != member.pk and may_decide(plan.stages, plan.stage, member)
    ]


def counts_for(member: Member) -> dict[str, int]:
    """All of it as numbers; six queries."""
    names = ("running", "ready", "reviews", "questions", "unread")
    found = kinds(member)
    numbers = {name: found[name].count(member) if name in found else 0 for name in names}
    return {**numbers, "plans": len(plans(member))}
