from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from apps.core.models import Model
from apps.teams.models.member import Member
from apps.teams.models.team import Team
from apps.teams.models.user import User
from apps.teams.permissions import Role


def digest(secret: str) -> str:
    """What is kept of a secret: 256 random bits need no salt and no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


class Secret(Model):
    """Something shown once and kept as a digest, with a prefix by which people know it."""

    MARK = ""

    prefix = models.CharField(max_length=16)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(
        Member, null=True, on_delete=models.SET_NULL, related_name="+", editable=False
    )
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True

    @classmethod
    def mint(cls) -> tuple[str, dict[str, str]]:
        """A fresh secret and the columns that keep it."""
        body = secrets.token_urlsafe(32)
        secret = f"{cls.MARK}{body}"
        return secret, {"prefix": secret[: len(cls.MARK) + 6], "digest": digest(secret)}

    @classmethod
    def behind(cls, secret: str) -> Self | None:
        """The row of a secret, whatever its state."""
        return cls._default_manager.filter(digest=digest(secret)).first()

    def has_expired(self, now: datetime | None = None) -> bool:
        """Whether its time is over."""
        return self.expires_at is not None and self.expires_at <= (now or timezone.now())


class Token(Secret):
    """A member's key to the doors for agents."""

    MARK = "at_"

    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=64, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.prefix}…"

    @property
    def is_live(self) -> bool:
        """Neither revoked nor expired."""
        return self.revoked_at is None and not self.has_expired()


class Invitation(Secret):
    """A link that seats whoever opens it, until it expires, is used up or is revoked."""

    MARK = "join-"

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="invitations")
    role = models.CharField(max_length=8, choices=Role.choices, default=Role.MEMBER)
    max_uses = models.PositiveIntegerField(default=1)
    uses = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(condition=Q(uses__lte=F("max_uses")), name="uses_in_bounds")
        ]

    def __str__(self) -> str:
        return f"{self.prefix}…"

    def seat_of(self, user: User) -> Member | None:
        """The live seat in its team that `user` has already."""
        return self.team.members.filter(user=user, left_at=None).first()

    @property
    def is_live(self) -> bool:
        """Whether it still seats somebody."""
        return self.revoked_at is None and not self.has_expired() and self.uses < self.max_uses

    @property
    def why_not(self) -> str:
        """Why it no longer works, as a sentence; empty while it does."""
        if self.revoked_at is not None:
            return "This invitation was withdrawn."
        if self.has_expired():
            return "This invitation has expired."
        if self.uses >= self.max_uses:
            return "This invitation has been used up."
        return ""
