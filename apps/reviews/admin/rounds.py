from __future__ import annotations

from django.contrib import admin

from apps.reviews.admin.base import Desked
from apps.reviews.models import Review


@admin.register(Review)
class Reviews(Desked):
    """Rounds of judging, as they were."""

    list_display = ("task", "team", "round", "reviewer", "outcome", "decided_by", "requested_at")
    list_select_related = ("task__team", "reviewer", "decided_by")
    list_filter = ("outcome",)
    search_fields = ("task__subject", "task__team__slug", "reviewer__name")
    ordering = ("-requested_at", "-pk")
    actions = None

    @admin.display(description="team")
    def team(self, review: Review) -> str:
        """Where the card is."""
        return review.task.team.slug
