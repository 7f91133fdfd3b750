from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models

from apps.core.models import Model


class User(AbstractUser, Model):
    """A person with an account; what they may do in a team hangs on their seat there."""

    digest_seen_at = models.DateTimeField(null=True, blank=True, editable=False)
    notifications = models.JSONField(default=dict, blank=True)

    @property
    def display_name(self) -> str:
        """The full name where one is given, else the user name."""
        return self.get_full_name() or self.username
