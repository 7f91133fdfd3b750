"""What the frame of every page shows: my teams with what is open, and the two badges."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from apps.core.htmx import htmx
from apps.messaging.inbox import unread_for_user
from apps.reviews.needs import needs_count
from apps.tasks.models import Task
from apps.tasks.moves import Column
from apps.teams.models import Team, User

WORKING = (Column.TODO, Column.IN_PROGRESS, Column.REVIEW)


@dataclass
class Frame:
    """Read when a template asks, so that a fragment or a redirect costs nothing."""

    user: User
    here: str

    @cached_property
    def teams(self) -> list[Team]:
        """My teams by name, each with `open`: cards that are neither done nor approved."""
        mine = Team.objects.filter(members__user=self.user, members__left_at=None)
        teams = list(mine.order_by("slug"))
        shown = Task.objects.filter(team__in=teams, board_column__in=WORKING, internal=False)
        counts = dict(shown.values_list("team").annotate(Count("pk")).order_by())
        for team in teams:
            team.open = counts.get(team.pk, 0)  # type: ignore[attr-defined]
            team.is_current = team.slug == self.here  # type: ignore[attr-defined]
        return teams

    @property
    def seq(self) -> int:
        """The lengths of my teams' journals together: where a page about all of them is."""
        return sum(team.seq for team in self.teams)

    @cached_property
    def needs(self) -> int:
        """How much waits for me."""
        return int(needs_count(self.user))

    @cached_property
    def unread(self) -> int:
        """Messages that I have not read."""
        return unread_for_user(self.user)

    @property
    def desk_url(self) -> str:
        """Where staff decide plans."""
        return reverse("admin:reviews_plan_changelist")


def frame(request: HttpRequest) -> dict[str, Any]:
    """A context processor."""
    user: Any = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {}
    match = request.resolver_match
    here = request.GET.get("team") or (match.kwargs.get("slug", "") if match else "")
    return {"frame": Frame(user, here)}


@login_required
def frame_part(request: HttpRequest) -> HttpResponse:
    """The frame alone, for htmx of a page that heard of news; `?team=` is the page's team."""
    if not htmx(request):
        return redirect("home")
    return render(request, "core/frame.html")
