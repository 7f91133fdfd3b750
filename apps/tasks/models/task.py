from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.core.validators import MaxLengthValidator
from django.db import models
from django.db.models import Case, Exists, OuterRef, Q, Value, When
from django.urls import reverse
from django.utils import timezone

from apps.core.errors import Conflict, NotAllowed, NotFound
from apps.core.models import Model
from apps.tasks import moves
from apps.tasks.moves import MOVES, Column, ReviewState, Status, column_of, why_not
from apps.teams.models import Member, Team
from apps.teams.permissions import Permission

if TYPE_CHECKING:
    from apps.tasks.models.parts import DependencyQuerySet

SUBJECT_LENGTH = 200
DESCRIPTION_LENGTH = 50_000
STEP = 1024.0
FIRST_TO_DO = ("-priority", "created_at", "number")


class Priority(models.IntegerChoices):
    """How urgent; a larger number comes first."""

    LOW = 0
    NORMAL = 1
    HIGH = 2
    CRITICAL = 3


class Asked(models.TextChoices):
    """Whom a task waits for."""

    NOBODY = ""
    LEAD = "lead"
    HUMAN = "human"


def finished(prefix: str = "", *, wait_for_approval: bool) -> Q:
    """The condition for a dependency being finished; deleting a blocker finishes it."""
    done = (
        Q(**{f"{prefix}review_state": ReviewState.APPROVED})
        if wait_for_approval
        else Q(**{f"{prefix}status": Status.COMPLETED})
    )
    return done | Q(**{f"{prefix}status": Status.DELETED})


class TaskQuerySet(models.QuerySet["Task"]):
    """Cards as a member reads them."""

    def visible_to(self, member: Member) -> TaskQuerySet:
        """The cards of the member's team."""
        return self.filter(team_id=member.team_id)

    def on_board(self) -> TaskQuerySet:
        """Cards that show: not the trash, not trackers that agents keep for themselves."""
        return self.exclude(status=Status.DELETED).filter(internal=False)

    def linking_to(self, message: int) -> TaskQuerySet:
        """Cards whose description leads to that message of their team."""
        return self.filter(description__contains=f"/messages/{message}/").order_by("number")

    def in_column(self, column: str) -> TaskQuerySet:
        """A column's cards in their order."""
        return self.filter(board_column=column, internal=False).order_by("position", "number")

    def with_people(self) -> TaskQuerySet:
        """With owner and reviewer loaded."""
        return self.select_related("owner", "reviewer")

    def blocked(self, team: Team, *, yes: bool = True) -> TaskQuerySet:
        """Cards with an unfinished dependency, or without."""
        from apps.tasks.models.parts import Dependency

        edges = Dependency.objects.filter(blocked=OuterRef("pk"))
        condition = Exists(edges.still_open(team))
        return self.filter(condition if yes else ~condition)

    def ready_for(self, member: Member) -> TaskQuerySet:
        """Pending, the member's or nobody's, every dependency finished; the first to do first."""
        return (
            self.filter(team_id=member.team_id, board_column=Column.TODO, internal=False)
            .filter(Q(owner=None) | Q(owner=member) | Q(owner__left_at__isnull=False))
            .blocked(member.team, yes=False)
            .order_by(*FIRST_TO_DO)
        )

    def numbered(self, number: int) -> Task:
        """The card #number with its owner and reviewer, else NotFound."""
        return self.with_people().bare(number)

    def bare(self, number: int) -> Task:
        """The card #number, its people read when asked for, else NotFound."""
        try:
            return self.get(number=number)
        except Task.DoesNotExist:
            raise no_such_task(number) from None


def no_such_task(number: int) -> NotFound:
    """What is said of a number that no card of the team has."""
    return NotFound(f"There is no task #{number} in this team.", code="task_not_found")


class Task(Model):
    """A card, numbered per team.

    `status` is what agents write, `review_state` what reviewers write; the column follows from
    both. `version` grows with every change that its card shows. `planned_by` is the member whose
    plan for this task is approved; the plan's progress is kept in `plan_*` for the card.
    """

    Status = Status
    ReviewState = ReviewState
    Column = Column
    Priority = Priority
    Asked = Asked
    MOVES = MOVES

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="tasks")
    number = models.PositiveIntegerField()
    subject = models.CharField(max_length=SUBJECT_LENGTH)
    description = models.TextField(blank=True, validators=[MaxLengthValidator(DESCRIPTION_LENGTH)])
    status = models.CharField(max_length=11, choices=Status.choices, default=Status.PENDING)
    review_state = models.CharField(
        max_length=9, choices=ReviewState.choices, default=ReviewState.NONE
    )
    board_column = models.GeneratedField(
        expression=Case(
            When(status=Status.DELETED, then=Value(Column.TRASH.value)),
            When(review_state=ReviewState.REVIEW, then=Value(Column.REVIEW.value)),
            When(review_state=ReviewState.APPROVED, then=Value(Column.APPROVED.value)),
            When(status=Status.PENDING, then=Value(Column.TODO.value)),
            When(status=Status.IN_PROGRESS, then=Value(Column.IN_PROGRESS.value)),
            default=Value(Column.DONE.value),
        ),
        output_field=models.CharField(max_length=11),
        db_persist=True,
    )
    internal = models.BooleanField(default=False)
    owner = models.ForeignKey(
        Member, null=True, blank=True, on_delete=models.SET_NULL, related_name="owned_tasks"
    )
    priority = models.SmallIntegerField(choices=Priority.choices, default=Priority.NORMAL)
    labels = models.ManyToManyField("tasks.Label", blank=True, related_name="tasks")
    related = models.ManyToManyField("self", blank=True)
    due = models.DateField(null=True, blank=True)
    active_form = models.CharField(max_length=200, blank=True)
    position = models.FloatField(default=0)
    metadata = models.JSONField(default=dict, blank=True)

    needs_input = models.CharField(
        max_length=5, choices=Asked.choices, default=Asked.NOBODY, blank=True
    )
    question = models.TextField(blank=True)
    asked_at = models.DateTimeField(null=True, blank=True)

    reviewer = models.ForeignKey(
        Member, null=True, blank=True, on_delete=models.SET_NULL, related_name="reviewing"
    )
    review_round = models.PositiveIntegerField(default=0)
    review_requested_at = models.DateTimeField(null=True, blank=True)

    planned_by = models.ForeignKey(
        Member, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    plan_steps = models.PositiveIntegerField(default=0)
    plan_done = models.PositiveIntegerField(default=0)
    plan_doing = models.CharField(max_length=200, blank=True)

    created_by = models.ForeignKey(Member, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)
    stalled_at = models.DateTimeField(null=True, blank=True)
    worked_seconds = models.PositiveIntegerField(default=0)
    comment_count = models.PositiveIntegerField(default=0)
    version = models.PositiveIntegerField(default=1)

    objects = TaskQuerySet.as_manager()

    class Meta:
        ordering = ["team_id", "number"]
        constraints = [models.UniqueConstraint(fields=["team", "number"], name="task_number_once")]
        indexes = [
            models.Index(fields=["team", "board_column", "position", "number"], name="task_board"),
            models.Index(fields=["owner", "status"], name="task_owner"),
            models.Index(
                fields=["team", "asked_at"],
                condition=Q(asked_at__isnull=False),
                name="task_asked",
            ),
            models.Index(
                fields=["team"], condition=Q(stalled_at__isnull=False), name="task_stalled"
            ),
            # Finds cards in review or approved whose work is not completed any more.
            models.Index(
                fields=["team", "review_state"],
                condition=Q(completed_at__isnull=True),
                name="task_moved_on",
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.number} {self.subject}"

    def get_absolute_url(self) -> str:
        """The task's page."""
        return reverse("task", args=[self.team.address, self.number])

    @property
    def column(self) -> moves.Column:
        """Where the card is."""
        return column_of(self.status, self.review_state)

    @property
    def is_finished(self) -> bool:
        """Whether it no longer blocks others; deleting a blocker finishes it."""
        if self.status == Status.DELETED:
            return True
        if self.team.dependencies_wait_for_approval:
            return self.review_state == ReviewState.APPROVED
        return self.status == Status.COMPLETED

    @property
    def holder(self) -> Member | None:
        """The owner, as long as their seat is live: who left holds nothing."""
        return None if self.owner is None or self.owner.left_at is not None else self.owner

    @property
    def has_conflict(self) -> bool:
        """In REVIEW or APPROVED although the work is no longer completed."""
        reviewed = self.column in (Column.REVIEW, Column.APPROVED)
        return reviewed and self.status != Status.COMPLETED

    @property
    def worked(self) -> int:
        """Seconds in progress so far, the running interval included."""
        running = 0.0
        if self.status == Status.IN_PROGRESS and self.started_at:
            running = (timezone.now() - self.started_at).total_seconds()
        return self.worked_seconds + max(0, int(running))

    def check_move(self, verb: str) -> moves.Column:
        """The column that `verb` leads to, or Conflict `wrong_state` naming from, to and why."""
        move = MOVES[verb]
        if self.column in move.sources:
            return move.to
        raise self.refusal(move.to)

    def refusal(self, to: moves.Column) -> Conflict:
        """Why the card cannot go from where it is to `to`."""
        why = why_not(self.column, to)
        hint = f"From {self.column.label} you can: {', '.join(moves.verbs_from(self.column))}."
        details: dict[str, Any] = {"column": self.column.value}
        if self.has_conflict:
            why = f"Its work goes on: it is {Status(self.status).label.lower()} again."
            hint = "Resolve the conflict first; the card then shows where its work is."
            details |= {"conflict": True, "task": self.number}
        return Conflict(
            f"#{self.number} cannot go from {self.column.label} to {to.label}. {why}",
            code="wrong_state",
            hint=hint,
            **details,
        )

    def require_owner(self, actor: Member, verb: str) -> None:
        """Raise NotAllowed where `actor` neither owns the card nor manages tasks."""
        actor.require_seat()
        if Permission.MANAGE_TASKS in actor.permissions:
            return
        if self.owner_id == actor.pk:
            actor.require(Permission.WORK)
            return
        owner = f"{self.owner.name} owns it" if self.owner else "nobody owns it"
        raise NotAllowed(
            f"Only its owner or who manages tasks may {verb} #{self.number}; {owner}.",
            hint="Claim it first." if not self.owner else "",
        )

    def enter(self, status: str, *, at: datetime | None = None) -> None:
        """Set the status with its times; work that ends is added up. Saves nothing."""
        now = at or timezone.now()
        if self.status == Status.IN_PROGRESS and status != Status.IN_PROGRESS:
            self.worked_seconds = self.worked
            self.stalled_at = None
        if status == Status.IN_PROGRESS:
            self.started_at = now
        self.completed_at = now if status == Status.COMPLETED else None
        self.deleted_at = now if status == Status.DELETED else None
        self.status = status
        self.updated_at = now

    def as_fact(self) -> dict[str, Any]:
        """What the journal keeps of a card's place."""
        return {"task": self.number, "column": self.column.value}

    if TYPE_CHECKING:
        waiting_on: DependencyQuerySet
        blocking: DependencyQuerySet
