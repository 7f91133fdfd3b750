"""Cards in the admin, to read: they change on the board, where the rules are."""

from __future__ import annotations

from django.contrib import admin

from apps.tasks.models import Task
from apps.teams.admin import Shown


@admin.register(Task)
class Tasks(Shown):
    """The cards of all teams."""

    list_display = ("number", "subject", "team", "board_column", "owner", "reviewer", "updated_at")
    list_display_links = ("subject",)
    list_select_related = ("team", "owner", "reviewer")
    list_filter = ("board_column", "priority")
    search_fields = ("subject", "team__slug", "owner__name")
    ordering = ("-pk",)
    actions = None
