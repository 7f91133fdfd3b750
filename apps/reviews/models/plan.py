from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from apps.core.errors import Conflict, NotAllowed, NotFound
from apps.messaging.models import Message
from apps.tasks.models import Task
from apps.tasks.moves import Status
from apps.teams.lifecycle import ALLOWED, Allows
from apps.teams.models import Member, Team

TITLE_LENGTH = 200
BODY_LENGTH = 64_000
DETAIL_LENGTH = 4_000
MOST_STEPS = 100
TAKEN = {
    Status.PENDING: "now belongs to",
    Status.IN_PROGRESS: "is now worked on by",
    Status.COMPLETED: "was meanwhile done by",
}
DECIDING = [state for state, allowed in ALLOWED.items() if Allows.DECISIONS in allowed]


class PlanState(models.TextChoices):
    """What a plan is; a withdrawn one is a draft again."""

    DRAFT = "draft", "Draft"
    PENDING = "pending_review", "Pending review"
    APPROVED = "approved", "Approved"
    REJECTED = "rejected", "Rejected"


class PlanQuerySet(models.QuerySet["Plan"]):
    """Plans as a member reads them."""

    def visible_to(self, member: Member) -> PlanQuerySet:
        """The plans of the member's team; one that was never submitted only its author's."""
        shown = Q(author=member) | Q(submitted_at__isnull=False)
        return self.filter(shown, team_id=member.team_id)

    def pending(self) -> PlanQuerySet:
        """Plans that wait for a decision and can get one now, the longest waiting first."""
        return self.filter(state=PlanState.PENDING, team__state__in=DECIDING).order_by(
            "submitted_at", "pk"
        )

    def with_people(self) -> PlanQuerySet:
        """With team, author and task, and whose it is, loaded."""
        return self.select_related("team", "author", "task__owner")

    def numbered(self, plan_id: int) -> Plan:
        """The plan with that id, else NotFound."""
        found = self.with_people().filter(pk=plan_id).first()
        if found is None:
            raise NotFound("There is no such plan in this team.", code="plan_not_found")
        return found


class Plan(models.Model):
    """What a member intends to do, in versions; only the current one can be decided.

    `stages` is the team's list as it was when the current version was submitted, `stage` the index
    of the one that decides now and `stage_name` its name.
    """

    State = PlanState

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="plans")
    task = models.ForeignKey(
        Task, null=True, blank=True, on_delete=models.SET_NULL, related_name="plans"
    )
    author = models.ForeignKey(Member, on_delete=models.RESTRICT, related_name="plans")
    title = models.CharField(max_length=TITLE_LENGTH)
    state = models.CharField(max_length=14, choices=PlanState.choices, default=PlanState.DRAFT)
    version = models.PositiveIntegerField(default=1)
    step_count = models.PositiveIntegerField(default=0)
    stages = models.JSONField(default=list)
    stage = models.PositiveIntegerField(default=0)
    stage_name = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    submitted_at = models.DateTimeField(null=True, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)

    objects = PlanQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        permissions = [("decide_plan", "Can decide plans in the admin")]
        indexes = [
            models.Index(
                fields=["submitted_at", "id"],
                condition=Q(state="pending_review"),
                name="plan_queue",
            ),
            models.Index(
                fields=["team", "stage_name", "submitted_at"],
                condition=Q(state="pending_review"),
                name="plan_waiting",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        """The plan's page."""
        return reverse("plan", args=[self.team.address, self.pk])

    @property
    def is_pending(self) -> bool:
        """Whether it waits for a decision."""
        return self.state == PlanState.PENDING

    @property
    def current(self) -> PlanVersion:
        """The version that counts."""
        return self.versions.get(number=self.version)

    @property
    def waited(self) -> int:
        """Seconds between the submission and the last decision, or now."""
        if self.submitted_at is None:
            return 0
        end = timezone.now() if self.is_pending else self.decided_at or self.submitted_at
        return max(0, int((end - self.submitted_at).total_seconds()))

    @property
    def taken(self) -> str:
        """While it waits: that somebody else has its task by now, in a few words; else nothing."""
        task = self.task
        if not self.is_pending or task is None or task.owner_id in (None, self.author_id):
            return ""
        words = TAKEN.get(Status(task.status))
        return f"#{task.number} {words} {task.owner}" if words and task.owner else ""

    def require_author(self, actor: Member, verb: str) -> None:
        """Raise NotAllowed where `actor` did not write the plan."""
        if self.author_id != actor.pk:
            raise NotAllowed(
                f"Only its author, {self.author.name}, may {verb} this plan.", code="not_author"
            )

    def refuse_decision(self, last: PlanDecision | None) -> Conflict:
        """Why a plan that is not pending takes no decision, naming who was first."""
        if last is not None and self.state in (PlanState.APPROVED, PlanState.REJECTED):
            stands = self.state == PlanState.APPROVED
            return Conflict(
                f"{last.member.name} has already {last.decision} this plan.",
                code="already_decided",
                hint="It stands."
                if stands
                else "Its author can revise it; that makes a new version.",
                decided_by=last.member.name,
                state=self.state,
            )
        return Conflict(
            f"This plan is {self.get_state_display().lower()}; it waits for no decision.",
            code="wrong_state",
            hint="It can be decided once its author submits it.",
            state=self.state,
        )

    def as_fact(self) -> dict[str, Any]:
        """What the journal keeps of a plan."""
        fact: dict[str, Any] = {"plan": self.pk, "title": self.title, "version": self.version}
        return fact | ({"task": self.task.number} if self.task else {})


class PlanVersion(models.Model):
    """One text of a plan. `outcome` is empty while it may still be decided, then what became of it.

    `request_id` is the name the author's request goes by, `asked` the message that carried it.
    """

    class Outcome(models.TextChoices):
        APPROVED = "approved", "Approved"
        REJECTED = "rejected", "Rejected"
        WITHDRAWN = "withdrawn", "Withdrawn"
        SUPERSEDED = "superseded", "Superseded"

    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    title = models.CharField(max_length=TITLE_LENGTH)
    body = models.TextField(blank=True)
    request_id = models.CharField(max_length=128, blank=True)
    asked = models.ForeignKey(
        Message, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)
    submitted_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=10, choices=Outcome.choices, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["plan", "number"], name="plan_version_once"),
            models.UniqueConstraint(
                fields=["plan"], condition=Q(outcome=""), name="one_open_version"
            ),
        ]

    def __str__(self) -> str:
        return f"version {self.number}"

    @property
    def request(self) -> str:
        """The id that the answer to this version carries."""
        return self.request_id or f"plan-{self.plan_id}-v{self.number}"

    def close(self, outcome: str) -> None:
        """Note what became of it. Saves nothing."""
        self.outcome, self.closed_at = outcome, timezone.now()


class PlanStep(models.Model):
    """One step of a version; `index` counts from 0."""

    class State(models.TextChoices):
        TODO = "todo", "To do"
        DOING = "doing", "Doing"
        DONE = "done", "Done"
        SKIPPED = "skipped", "Skipped"

    version = models.ForeignKey(PlanVersion, on_delete=models.CASCADE, related_name="steps")
    index = models.PositiveIntegerField()
    title = models.CharField(max_length=TITLE_LENGTH)
    detail = models.TextField(blank=True)
    state = models.CharField(max_length=7, choices=State.choices, default=State.TODO)
    reported_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["index"]
        constraints = [models.UniqueConstraint(fields=["version", "index"], name="step_once")]

    def __str__(self) -> str:
        return self.title

    @property
    def number(self) -> int:
        """What people call it: counted from 1."""
        return self.index + 1


class PlanDecision(models.Model):
    """One stage's decision about one version. There is never a second one."""

    class Decision(models.TextChoices):
        APPROVED = "approved", "Approved"
        REJECTED = "rejected", "Rejected"

    version = models.ForeignKey(PlanVersion, on_delete=models.CASCADE, related_name="decisions")
    stage = models.PositiveIntegerField()
    stage_name = models.CharField(max_length=64)
    decision = models.CharField(max_length=8, choices=Decision.choices)
    note = models.TextField(blank=True)
    member = models.ForeignKey(Member, on_delete=models.RESTRICT, related_name="plan_decisions")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["version", "stage"]
        constraints = [models.UniqueConstraint(fields=["version", "stage"], name="decided_once")]

    def __str__(self) -> str:
        return f"{self.decision} as {self.stage_name}"
