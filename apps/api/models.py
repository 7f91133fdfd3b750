from __future__ import annotations

from django.db import models
from django.utils import timezone

from apps.teams.models import Member


class IdempotentAnswer(models.Model):
    """The first answer to a write that carried an `Idempotency-Key`, to be given again.

    `digest` stands for what was asked. `status` is empty only inside the transaction that executes
    the write, so nobody else ever sees it empty.
    """

    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="+", db_index=False)
    key = models.CharField(max_length=255)
    digest = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    body = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["member", "key"], name="idempotency_key_once")
        ]

    def __str__(self) -> str:
        return f"{self.key} of {self.member_id}"


class Briefed(models.Model):
    """How far in the journal a member was when it was last briefed."""

    member = models.OneToOneField(Member, on_delete=models.CASCADE, related_name="+")
    seq = models.PositiveBigIntegerField(default=0)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = "briefed members"

    def __str__(self) -> str:
        return f"{self.member_id} up to {self.seq}"
