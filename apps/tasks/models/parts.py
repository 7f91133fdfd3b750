from __future__ import annotations

import zlib

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from apps.core.models import Model
from apps.core.text import fold
from apps.tasks.models.task import Task, finished
from apps.teams.models import Artifact, Member, Team


def label_key(name: str) -> str:
    """The form in which labels are compared, since a team has each once, ignoring case."""
    return fold(" ".join(name.split()))


class Label(Model):
    """A word that groups a team's cards.

    `key` is the folded name, by which labels are found: databases fold letters differently.
    """

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="labels")
    name = models.CharField(max_length=40)
    key = models.CharField(max_length=120, editable=False)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["team", "key"], name="label_once")]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def called(cls, team: Team, name: str) -> Label:
        """A label of that name, not saved."""
        return cls(team=team, name=name, key=label_key(name))

    @property
    def hue(self) -> int:
        """A fixed colour for the word, 0–23."""
        return zlib.crc32(self.name.encode()) % 24


class DependencyQuerySet(models.QuerySet["Dependency"]):
    """Edges between cards."""

    def still_open(self, team: Team) -> DependencyQuerySet:
        """Edges whose blocker is not finished, as `team` counts that."""
        wait = team.dependencies_wait_for_approval
        return self.exclude(finished("blocker__", wait_for_approval=wait))


class Dependency(Model):
    """One edge: `blocked` waits for `blocker`. It stays when the blocker is finished."""

    blocker = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="blocking")
    blocked = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="waiting_on")

    objects = DependencyQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "dependencies"
        constraints = [
            models.UniqueConstraint(fields=["blocked", "blocker"], name="edge_once"),
            models.CheckConstraint(condition=~Q(blocker=F("blocked")), name="no_self_edge"),
        ]

    def __str__(self) -> str:
        return f"{self.blocker_id} → {self.blocked_id}"


class Comment(Model):
    """A remark on a card; `external_id` names one that was read from elsewhere, once."""

    class Kind(models.TextChoices):
        REGULAR = "regular"
        REVIEW_REQUEST = "review_request"
        REVIEW_APPROVED = "review_approved"
        ANSWER = "answer"
        SYSTEM = "system"

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="comments")
    author = models.ForeignKey(Member, on_delete=models.RESTRICT, related_name="+")
    body = models.TextField()
    kind = models.CharField(max_length=15, choices=Kind.choices, default=Kind.REGULAR)
    external_id = models.CharField(max_length=128, blank=True)
    artifacts = models.ManyToManyField(Artifact, blank=True, related_name="comments")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["created_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["task", "external_id"],
                condition=~Q(external_id=""),
                name="external_comment_once",
            )
        ]

    def __str__(self) -> str:
        return f"on {self.task_id} by {self.author_id}"
