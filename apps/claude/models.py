"""What is kept of a team's files beside what they say: where they lie, and what was seen last."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from apps.messaging.models import Delivery
from apps.tasks.models import Task
from apps.teams.models import Team


class TeamFiles(models.Model):
    """Where the files of one team lie: `home` holds `teams/<folder>` and `tasks/<folder>`.

    `incarnation` tells a team from an earlier one of the same folder. `problems` are the files
    that cannot be used now, `troubles` those that cannot be written, each with `path`, `code`,
    `sentence` and `since`. `column_order` is what the board file said last.
    """

    team = models.OneToOneField(Team, on_delete=models.CASCADE, related_name="files")
    home = models.CharField(max_length=1024)
    folder = models.CharField(max_length=255)
    incarnation = models.CharField(max_length=64, blank=True)
    epoch = models.PositiveSmallIntegerField(default=1)
    first_seen_at = models.DateTimeField(default=timezone.now)
    last_change_at = models.DateTimeField(null=True, blank=True)
    looked_at = models.DateTimeField(null=True, blank=True)
    followed_since = models.DateTimeField(null=True, blank=True)
    gone_at = models.DateTimeField(null=True, blank=True)
    problems = models.JSONField(default=list, blank=True)
    troubles = models.JSONField(default=list, blank=True)
    column_order = models.JSONField(default=dict, blank=True)

    class Meta:
        verbose_name_plural = "team files"
        indexes = [models.Index(fields=["folder"], name="files_of_folder")]

    def __str__(self) -> str:
        return self.folder


class CardFile(models.Model):
    """The file of one card.

    `seen` is what the file said last and `board` what the card was then: only what is news on one
    side is taken over to the other. `version` is the card's at the last comparison. A file that is
    gone keeps its row, with `gone_at`.
    """

    files = models.ForeignKey(TeamFiles, on_delete=models.CASCADE, related_name="cards")
    task = models.OneToOneField(Task, on_delete=models.CASCADE, related_name="file")
    file_id = models.CharField(max_length=255)
    seen = models.JSONField(default=dict)
    board = models.JSONField(default=dict)
    version = models.PositiveIntegerField(default=0)
    gone_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["files", "file_id"], name="card_file_once")]

    def __str__(self) -> str:
        return f"{self.file_id}.json"


class Handover(models.Model):
    """One copy of a message on its way into an inbox file: each step with its time.

    `row_id` is the id under which the row is found in the file again, `before` the ids that were
    unread there before it. A row that a careless writer lost is written `again`; `lost` counts.
    """

    class Step(models.TextChoices):
        WRITTEN = "written"
        PROVEN = "proven"
        DRAINED = "drained"
        READ = "read"

    files = models.ForeignKey(TeamFiles, on_delete=models.CASCADE, related_name="handovers")
    delivery = models.OneToOneField(Delivery, on_delete=models.CASCADE, related_name="handover")
    inbox = models.CharField(max_length=255)
    row_id = models.CharField(max_length=128)
    before = models.JSONField(default=list)
    written_at = models.DateTimeField()
    proven_at = models.DateTimeField(null=True, blank=True)
    drained_at = models.DateTimeField(null=True, blank=True)
    read_at = models.DateTimeField(null=True, blank=True)
    lost = models.PositiveIntegerField(default=0)
    again = models.BooleanField(default=False)

    class Meta:
        indexes = [models.Index(fields=["files", "inbox"], name="handover_of_inbox")]

    def __str__(self) -> str:
        return f"{self.row_id} in {self.inbox}"

    @property
    def step(self) -> Step:
        """How far the copy has come."""
        if self.read_at is not None:
            return self.Step.READ
        if self.drained_at is not None:
            return self.Step.DRAINED
        return self.Step.WRITTEN if self.proven_at is None else self.Step.PROVEN
