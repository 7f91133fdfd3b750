from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from apps.messaging.models import Message
from apps.tasks.models import Task
from apps.tasks.moves import ReviewState
from apps.teams.models import Member

NOTE_LENGTH = 4_000


class ReviewQuerySet(models.QuerySet["Review"]):
    """Rounds of judging."""

    def open(self) -> ReviewQuerySet:
        """Rounds that wait for a verdict: their card is in review, and in this round."""
        return self.filter(
            outcome="", task__review_state=ReviewState.REVIEW, round=F("task__review_round")
        )

    def with_people(self) -> ReviewQuerySet:
        """With everybody who had to do with them loaded."""
        return self.select_related("reviewer", "requested_by", "decided_by", "reopened_by")


class Review(models.Model):
    """One round of judging a completed task.

    A round is open only while its card is in review in that same round, so a card that is deleted
    or goes on otherwise closes it without anybody writing here. `asked` is the message that carried
    the request to the reviewer.
    """

    class Outcome(models.TextChoices):
        APPROVED = "approved", "Approved"
        CHANGES = "changes", "Changes requested"
        WITHDRAWN = "withdrawn", "Withdrawn"

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="reviews")
    round = models.PositiveIntegerField()
    reviewer = models.ForeignKey(
        Member, null=True, blank=True, on_delete=models.SET_NULL, related_name="reviews"
    )
    requested_by = models.ForeignKey(Member, null=True, on_delete=models.SET_NULL, related_name="+")
    requested_at = models.DateTimeField(default=timezone.now)
    asked = models.ForeignKey(
        Message, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    decided_by = models.ForeignKey(
        Member, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=9, choices=Outcome.choices, blank=True)
    note = models.TextField(blank=True)
    reopened_by = models.ForeignKey(
        Member, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    reopened_at = models.DateTimeField(null=True, blank=True)

    objects = ReviewQuerySet.as_manager()

    class Meta:
        ordering = ["task", "round"]
        constraints = [models.UniqueConstraint(fields=["task", "round"], name="review_round_once")]
        indexes = [
            models.Index(
                fields=["reviewer", "requested_at"],
                condition=Q(reviewer__isnull=False),
                name="review_chosen",
            )
        ]

    def __str__(self) -> str:
        return f"round {self.round} of {self.task_id}"

    def decide(self, outcome: str, by: Member, *, note: str = "") -> None:
        """Close the round. Saves nothing."""
        self.outcome, self.decided_by, self.note = outcome, by, note
        self.decided_at = timezone.now()

    @property
    def seconds(self) -> int:
        """How long the round took, or takes so far."""
        end = self.decided_at or timezone.now()
        return max(0, int((end - self.requested_at).total_seconds()))

    def as_data(self) -> dict[str, Any]:
        """The round for other doors: people by name."""
        return {
            "round": self.round,
            "reviewer": self.reviewer.name if self.reviewer else None,
            "requested_by": self.requested_by.name if self.requested_by else None,
            "requested_at": self.requested_at,
            "decided_by": self.decided_by.name if self.decided_by else None,
            "decided_at": self.decided_at,
            "outcome": self.outcome or None,
            "note": self.note,
            "seconds": self.seconds,
            "reopened_by": self.reopened_by.name if self.reopened_by else None,
            "reopened_at": self.reopened_at,
        }


def due_at(task: Task) -> datetime | None:
    """When the reviewer of a card in review is late, by the team's limit; None without one."""
    minutes = task.team.review_sla_minutes
    if not minutes or task.review_state != ReviewState.REVIEW or not task.review_requested_at:
        return None
    return task.review_requested_at + timedelta(minutes=minutes)


def is_late(task: Task, now: datetime | None = None) -> bool:
    """Whether the card waits for its verdict longer than the team allows."""
    due = due_at(task)
    return due is not None and due < (now or timezone.now())
