"""What waits for a member: the first of each kind, and how many. Asked at every briefing, so the
queries are compiled once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar

from django.db.models import Count, Model, Q, QuerySet

from apps.core.prepared import NUMBER, OTHER, Prepared
from apps.messaging.models import Delivery
from apps.reviews.calls import Call, call_on
from apps.reviews.models import Plan
from apps.reviews.models.plan import PlanState
from apps.reviews.reviewers import judges_in
from apps.reviews.stages import may_decide
from apps.tasks.models import Task
from apps.tasks.models.task import FIRST_TO_DO, TaskQuerySet
from apps.tasks.moves import Column, Status
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
        nobodys = Q(owner=None) | Q(owner__left_at__isnull=False)
        free = Task.objects.filter(nobodys | Q(owner_id=NUMBER), team_id=OTHER)
        return (
            free.filter(board_column=Column.TODO, internal=False)
            .blocked(rule, yes=False)
            .order_by(*FIRST_TO_DO)
        )

    return build


RUNNING = Waiting(
    Task,
    lambda: Task.objects.filter(owner_id=NUMBER, team_id=OTHER).in_column(Column.IN_PROGRESS),
)
READY = {wait: Waiting(Task, _ready(wait_for_approval=wait)) for wait in (False, True)}
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


# Cards that may ask somebody else than who works on them; whom, is told by their turn.
IN_REVIEW = Q(board_column=Column.REVIEW)
SILENT = Q(board_column=Column.IN_PROGRESS) & (
    Q(stalled_at__isnull=False) | Q(owner__terminated_at__isnull=False)
    | Q(owner__left_at__isnull=False)
)  # fmt: skip
WENT_ON = Q(board_column=Column.APPROVED, completed_at=None) & ~Q(status=Status.COMPLETED)
SHORT = ("description", "metadata", "owner__prompt", "owner__metadata", "reviewer__prompt",
         "reviewer__metadata")  # fmt: skip


def _asking(asks: Q) -> Prepared[Task]:
    def build(tasks: QuerySet[Task]) -> QuerySet[Task]:
        found = tasks.filter(asks, team_id=OTHER, internal=False).order_by("number")
        return found.select_related("owner", "reviewer").defer(*SHORT)[:MOST_WEIGHED]

    return Prepared(Task, build)


# Most members are only ever asked for reviews; more falls to who leads or manages, and to people.
ASKING_REVIEWER = _asking(IN_REVIEW & Q(reviewer_id=NUMBER))
ASKING = _asking(IN_REVIEW | Q(asked_at__isnull=False) | SILENT | WENT_ON)


class Asked(NamedTuple):
    """A card that waits for the member, and what for."""

    task: Task
    call: Call


def calls(member: Member) -> list[Asked]:
    """What the team's cards ask of `member`, the longest waiting first; at most two queries."""
    steers = member.is_leader or member.can(Permission.MANAGE_TASKS)
    person = member.kind == Member.Kind.HUMAN
    query = ASKING if steers or person else ASKING_REVIEWER
    tasks = query.objects(member.pk, member.team_id)
    open_to_all = any(task.reviewer_id is None and task.column == Column.REVIEW for task in tasks)
    judges = judges_in(member.team) if open_to_all else None
    found = []
    for task in tasks:
        task.team = member.team
        if (call := call_on(member, task, judges)) is not None:
            found.append(Asked(task, call))
    return sorted(found, key=lambda one: (_since(one.task), one.task.number))


def _since(task: Task) -> datetime:
    return task.asked_at or task.stalled_at or task.review_requested_at or task.updated_at


def kinds(member: Member) -> dict[str, Waiting[Any]]:
    """What else can wait for this member, by name."""
    found: dict[str, Waiting[Any]] = {
        "running": RUNNING, "unread": UNREAD, "my_plans": OWN_PLANS,
    }  # fmt: skip
    if member.can(Permission.WORK):
        found["ready"] = READY[member.team.dependencies_wait_for_approval]
    return found


def plans(member: Member) -> list[Plan]:
    """Plans whose current stage is the member's to decide, the longest waiting first."""
    return [
        plan
        for plan in UNDECIDED.objects(member.team_id)
        if plan.author_id != member.pk and may_decide(plan.stages, plan.stage, member)
    ]


def by_kind(asked: Iterable[Asked]) -> dict[str, list[Asked]]:
    """As a briefing tells them: reviews, questions, and what is a lead's care."""
    found: dict[str, list[Asked]] = {"reviews": [], "questions": [], "care": []}
    for one in asked:
        found[{"review": "reviews", "question": "questions"}.get(one.call.kind, "care")].append(one)
    return found


def counts_for(member: Member) -> dict[str, int]:
    """All of it as numbers, in a handful of queries."""
    found = kinds(member)
    numbers = {
        name: found[name].count(member) if name in found else 0
        for name in ("running", "ready", "unread")
    }
    asked = {name: len(some) for name, some in by_kind(calls(member)).items()}
    return {**numbers, **asked, "plans": len(plans(member))}
