from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.core.errors import NotFound
from apps.core.models import Model
from apps.teams.models import Artifact, Member, Team

SUBJECT_LENGTH = 200
MESSAGE_ID_LENGTH = 128


class MessageQuerySet(models.QuerySet["Message"]):
    """Messages as a member may read them."""

    def visible_to(self, member: Member) -> MessageQuerySet:
        """All of the member's team: a team has no secrets from those who sit in it."""
        return self.filter(team_id=member.team_id)

    def numbered(self, number: int) -> Message:
        """The message with that id, its sender loaded; else NotFound."""
        found = self.select_related("sender").filter(pk=number).first()
        if found is None:
            raise NotFound("There is no such message.", code="message_not_found")
        return found

    def in_thread(self, root: int) -> MessageQuerySet:
        """The conversation that began with message `root`, in order."""
        return self.filter(Q(pk=root) | Q(thread_id=root)).order_by("pk")


class Message(Model):
    """Text or a structured payload from one member to others.

    `message_id` is the sender's own name for it and makes sending idempotent; `digest` then tells
    whether a second sending says the same. Cards are named by number.
    """

    team = models.ForeignKey(
        Team, on_delete=models.CASCADE, related_name="messages", db_index=False
    )
    message_id = models.CharField(max_length=MESSAGE_ID_LENGTH)
    sender = models.ForeignKey(
        Member, on_delete=models.RESTRICT, related_name="sent", db_index=False
    )
    kind = models.CharField(max_length=32, default="message")
    subject = models.CharField(max_length=SUBJECT_LENGTH, blank=True)
    body = models.TextField(blank=True)
    payload = models.JSONField(null=True, blank=True)
    reply_to = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="replies",
        db_index=False,
    )  # fmt: skip
    # The conversation's first message; null on that one, which saves it a second write.
    thread = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="in_thread",
        db_index=False,
    )  # fmt: skip
    tasks = models.JSONField(default=list, blank=True)
    artifacts = models.ManyToManyField(Artifact, blank=True, related_name="messages")
    digest = models.CharField(max_length=64, blank=True)
    sent_at = models.DateTimeField(default=timezone.now)
    native = models.JSONField(null=True, blank=True)

    objects = MessageQuerySet.as_manager()

    # One that was just posted knows its copies and artifacts, which do not know it, lest both stay
    # until garbage is looked for; one that was read asks for them.
    posted: list[Delivery] | None = None
    attached: list[Artifact] | None = None

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["team", "sender", "message_id"], name="message_id_once")
        ]
        indexes = [
            models.Index(fields=["team", "id"], name="message_of_team"),
            models.Index(fields=["sender", "id"], name="message_of_sender"),
            models.Index(
                fields=["thread", "id"],
                condition=Q(thread__isnull=False),
                name="message_of_thread",
            ),
            models.Index(
                fields=["reply_to"], condition=Q(reply_to__isnull=False), name="message_replies"
            ),
            models.Index(
                fields=["team", "id"], condition=Q(kind="shutdown_request"), name="message_shutdown"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

    @property
    def root(self) -> int:
        """The id of the first message of the conversation."""
        return self.thread_id or self.pk


class Delivery(Model):
    """One recipient's copy: when it was handed over and how, read, answered, put away."""

    class Role(models.TextChoices):
        TO = "to"
        CC = "cc"

    class Step(models.TextChoices):
        """How far a copy has come."""

        SENT = "sent"
        DELIVERED = "delivered"
        READ = "read"
        ANSWERED = "answered"

    message = models.ForeignKey(
        Message, on_delete=models.CASCADE, related_name="deliveries", db_index=False
    )
    recipient = models.ForeignKey(
        Member, on_delete=models.CASCADE, related_name="deliveries", db_index=False
    )
    role = models.CharField(max_length=2, choices=Role.choices, default=Role.TO)
    why = models.CharField(max_length=12, default="message")
    noise = models.BooleanField(default=False)
    delivered_at = models.DateTimeField(null=True, blank=True)
    via = models.CharField(max_length=16, blank=True)
    read_at = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    archived_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["pk"]
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(fields=["message", "recipient"], name="one_copy_each")
        ]
        indexes = [
            models.Index(
                fields=["recipient", "id"],
                condition=Q(archived_at__isnull=True),
                name="delivery_kept",
            ),
            # `noise` rides along so that exact counts never touch the table.
            models.Index(
                fields=["recipient", "id", "noise"],
                condition=Q(archived_at__isnull=True, read_at__isnull=True),
                name="delivery_unread",
            ),
            models.Index(
                fields=["recipient", "id"],
                condition=Q(archived_at__isnull=False),
                name="delivery_archived",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.message_id} to {self.recipient_id}"

    @property
    def step(self) -> Step:
        """The farthest step this copy has come to."""
        if self.answered_at is not None:
            return self.Step.ANSWERED
        if self.read_at is not None:
            return self.Step.READ
        return self.Step.SENT if self.delivered_at is None else self.Step.DELIVERED

    def since(self, sent_at: datetime) -> datetime:
        """When it came to that step; `sent_at` is the message's."""
        return self.answered_at or self.read_at or self.delivered_at or sent_at
