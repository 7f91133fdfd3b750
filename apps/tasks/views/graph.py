from __future__ import annotations

import json

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.core.errors import Invalid
from apps.core.htmx import htmx
from apps.tasks import export
from apps.tasks.dependencies import Filters, Reading, as_data, page_for, read_graph
from apps.teams.models import Member
from apps.teams.web import seated


@require_safe
@seated
def graph(request: HttpRequest, member: Member) -> HttpResponse:
    """The picture of who waits for whom; only what news change for htmx, a file for `?format=`."""
    team = member.team
    context = {"member": member, "team": team, "cursor": team.seq}
    reading = read_graph(member)
    if form := request.GET.get("format"):
        return _download(team.slug, reading, form)
    filters = Filters.parse(request.GET)
    context |= {"filters": filters, "page": page_for(reading, filters)}
    name = "tasks/graph.html#news" if htmx(request) else "tasks/graph.html"
    return render(request, name, context)


def _download(slug: str, reading: Reading, form: str) -> HttpResponse:
    """The whole graph, whatever the page's filters leave out."""
    if form == "json":
        text, ending, kind = json.dumps(as_data(reading), indent=1), "json", "application/json"
    elif form == "mermaid":
        text, ending, kind = export.to_mermaid(reading.nodes, reading.edges), "mmd", "text/plain"
    elif form == "dot":
        text, ending, kind = export.to_dot(reading.nodes, reading.edges), "dot", "text/plain"
    else:
        raise Invalid(fields={"format": "Choose “mermaid”, “dot” or “json”."})
    response = HttpResponse(text, content_type=f"{kind}; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{slug}-graph.{ending}"'
    return response
