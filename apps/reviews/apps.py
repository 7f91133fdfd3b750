from __future__ import annotations

from django.apps import AppConfig


class ReviewsConfig(AppConfig):
    name = "apps.reviews"

    def ready(self) -> None:
        """The board's column Review says who would be chosen next."""
        from apps.reviews.reviewers import hint
        from apps.tasks import board
        from apps.tasks.moves import Column

        board.hint(Column.REVIEW, hint)
