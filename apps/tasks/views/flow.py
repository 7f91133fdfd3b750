from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.core.htmx import htmx
from apps.tasks import charts
from apps.tasks.flow_reading import SPANS, read_flow
from apps.teams.models import Member
from apps.teams.web import seated


@require_safe
@seated
def flow(request: HttpRequest, member: Member) -> HttpResponse:
    """How work flowed over the last days; only the charts for htmx."""
    team = member.team
    asked = request.GET.get("days", "")
    days = int(asked) if asked in map(str, SPANS) else charts.USUAL_DAYS
    context = {"member": member, "team": team, "cursor": team.seq, "days": days, "spans": SPANS}
    context |= charts.charts_for(read_flow(team, days))
    return render(request, "tasks/flow.html#news" if htmx(request) else "tasks/flow.html", context)
