from __future__ import annotations

from django.db.models import Model
from django.http import HttpRequest

from apps.teams.admin import Shown


class Desked(Shown):
    """For who may decide plans, and administrators."""

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """The right to decide is the right to read."""
        return bool(request.user.has_perm("reviews.decide_plan"))

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Shown in the index for the same people."""
        return self.has_view_permission(request)

    def has_decide_permission(self, request: HttpRequest) -> bool:
        """For the actions of the list."""
        return self.has_view_permission(request)
