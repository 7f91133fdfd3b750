from __future__ import annotations

from django.utils import timezone

from apps.core.actions import action
from apps.teams.models import User


@action
def mark_digest_seen(user: User) -> None:
    """The person has read what happened so far. It concerns no team, so no journal tells it."""
    user.digest_seen_at = timezone.now()
    user.save(update_fields=["digest_seen_at"])
