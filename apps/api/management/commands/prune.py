"""`manage.py prune`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management import BaseCommand
from django.utils import timezone

from apps.api.models import IdempotentAnswer
from apps.messaging.actions.retention import prune_team
from apps.teams.artifacts import drop_orphans
from apps.teams.models import Team

ANSWERS_KEPT = timedelta(days=1)


class Command(BaseCommand):
    """Forget what teams no longer want to keep, and what is of no use any more."""

    help = "Delete what is older than each team's retention, old answers and stray files."

    def handle(self, *args: Any, **options: Any) -> None:
        """One line a team that has a retention; the others keep everything."""
        for team in Team.objects.exclude(retention_days=None):
            before = timezone.now() - timedelta(days=team.retention_days or 0)
            pruned = prune_team(team.pk, before=before)
            self.stdout.write(
                f"{team.slug}: {pruned.events} journal lines, {pruned.messages} messages."
            )
        answers, _ = IdempotentAnswer.objects.filter(
            created_at__lt=timezone.now() - ANSWERS_KEPT
        ).delete()
        files = drop_orphans()
        self.stdout.write(f"{answers} answers kept for repeats, {files} files that nothing names.")
