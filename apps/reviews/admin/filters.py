from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from django import forms
from django.contrib import admin
from django.contrib.admin.helpers import ActionForm
from django.db.models import Count, QuerySet
from django.http import HttpRequest

from apps.core.text import as_number
from apps.reviews.desk import Desk
from apps.reviews.models import Plan
from apps.reviews.models.plan import PlanQuerySet, PlanState
from apps.reviews.models.review import NOTE_LENGTH
from apps.teams.models import User

BUSIEST = 20


def desk_of(request: HttpRequest) -> Desk:
    """The desk of who asks, read once a request."""
    kept: Desk | None = vars(request).get("_desk")
    if kept is None:
        kept = Desk(cast(User, request.user))
        vars(request)["_desk"] = kept
    return kept


class Queue(admin.SimpleListFilter):
    """Which plans: those that wait by default."""

    title = "queue"
    parameter_name = "queue"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The other choices."""
        decided = [(str(s), str(s.label)) for s in (PlanState.APPROVED, PlanState.REJECTED)]
        return [("mine", "Needs me"), *decided, ("every", "Every plan")]

    def choices(self, changelist: Any) -> Iterator[Any]:
        """With "Waiting" in the place of "All"."""
        first, *others = super().choices(changelist)
        return iter([{**first, "display": "Waiting"}, *others])

    def queryset(self, request: HttpRequest, queryset: QuerySet[Plan]) -> QuerySet[Plan]:
        """The plans of the choice; drafts are nobody's business yet."""
        plans = cast(PlanQuerySet, queryset)
        chosen = self.value()
        if chosen == "every":
            return plans.filter(submitted_at__isnull=False)
        if chosen in (PlanState.APPROVED, PlanState.REJECTED):
            return plans.filter(state=chosen)
        pending = plans.pending()
        return desk_of(request).needs_me(pending) if chosen == "mine" else pending


class Busiest(admin.SimpleListFilter):
    """The teams in which most plans wait; the search finds the others."""

    title = "team"
    parameter_name = "team"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Each with how many wait there."""
        waiting = Plan.objects.filter(state=PlanState.PENDING).order_by()
        rows = waiting.values_list("team", "team__slug").annotate(number=Count("pk"))
        return [(str(pk), f"{slug} ({n})") for pk, slug, n in rows.order_by("-number")[:BUSIEST]]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Plan]) -> QuerySet[Plan]:
        """The team's plans."""
        chosen = as_number(self.value() or "")
        return queryset if chosen is None else queryset.filter(team=chosen)


class NoteForm(ActionForm):
    """One note that goes with each decision of a bulk."""

    note = forms.CharField(
        required=False, max_length=NOTE_LENGTH, widget=forms.TextInput({"placeholder": "Optional"})
    )
