from __future__ import annotations

from django.db import models
from django.utils import timezone

from apps.core.models import Model
from apps.teams.models.member import Member
from apps.teams.models.team import Team


class Event(Model):
    """One line of a team's journal. `seq` has no gaps and is the order of commits."""

    # The constraint's own index serves what looks for a team.
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="events", db_index=False)
    seq = models.PositiveBigIntegerField()
    kind = models.CharField(max_length=32)
    actor = models.ForeignKey(Member, null=True, on_delete=models.SET_NULL, related_name="+")
    task = models.PositiveIntegerField(null=True)
    data = models.JSONField(default=dict)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["team_id", "seq"]
        constraints = [models.UniqueConstraint(fields=["team", "seq"], name="event_seq_once")]
        indexes = [
            models.Index(
                fields=["team", "task", "seq"],
                condition=models.Q(task__isnull=False),
                name="event_of_task",
            )
        ]

    def __str__(self) -> str:
        return f"{self.seq} {self.kind}"
