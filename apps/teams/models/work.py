from __future__ import annotations

import uuid

from django.db import models
from django.db.models.functions import Coalesce
from django.utils import timezone

from apps.teams.models.member import Member
from apps.teams.models.team import Team

PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
TEXTS = frozenset({
    "application/json", "application/xml", "application/yaml", "application/x-yaml",
    "application/toml", "application/javascript", "application/sql",
})  # fmt: skip


class AgentSession(models.Model):
    """One run of an agent process; gives liveness."""

    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="sessions")
    started_at = models.DateTimeField(default=timezone.now)
    last_seen_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(max_length=200, blank=True)
    model = models.CharField(max_length=128, blank=True)
    cwd = models.CharField(max_length=1024, blank=True)
    backend = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ["-started_at"]
        indexes = [models.Index(fields=["member", "ended_at"])]

    def __str__(self) -> str:
        return f"{self.member_id} since {self.started_at:%Y-%m-%d %H:%M}"


def artifact_path(artifact: Artifact, filename: str) -> str:
    """Where the bytes lie: never under a name that somebody chose."""
    return f"{artifact.team_id}/{uuid.uuid4().hex}"


class Artifact(models.Model):
    """A deliverable: one version of a named file, attached to the team or to a task.

    The bytes are outside the database; after deletion the row stays as a record.
    """

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="artifacts")
    task = models.PositiveIntegerField(null=True, blank=True)
    name = models.CharField(max_length=255)
    version = models.PositiveIntegerField(default=1)
    content_type = models.CharField(max_length=127, default="application/octet-stream")
    size = models.PositiveBigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    content = models.FileField(upload_to=artifact_path, max_length=255, blank=True)
    added_by = models.ForeignKey(Member, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["name", "version"]
        constraints = [
            models.UniqueConstraint(
                "team",
                Coalesce("task", 0),
                "name",
                "version",
                name="artifact_version_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"

    @property
    def media_type(self) -> str:
        """The content type without its parameters."""
        return self.content_type.partition(";")[0].strip()

    @property
    def preview(self) -> str:
        """How it can be shown on a page: `text`, `picture`, or empty where only saving is safe."""
        if self.deleted_at is not None:
            return ""
        if self.media_type in PICTURES:
            return "picture"
        return "text" if self.media_type.startswith("text/") or self.media_type in TEXTS else ""
