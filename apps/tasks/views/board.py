from __future__ import annotations

import json

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.core.errors import NotFound
from apps.core.htmx import htmx
from apps.tasks import board as reads
from apps.tasks.forms import PRIORITIES
from apps.tasks.moves import BOARD
from apps.tasks.rights import offers
from apps.teams.models import Member
from apps.teams.web import seated

SCRIPTS = tuple(
    f"board/{part}.js"
    for part in ("parts", "focus", "place", "moves", "owner", "drawer", "keys", "filters", "drag")
)


@require_safe
@seated
def board(request: HttpRequest, member: Member) -> HttpResponse:
    """The board; for htmx only the people of the head, or the columns anew."""
    people = list(member.team.members.seated())
    context = {"member": member, "team": member.team, "people": people}
    if htmx(request).trigger == "people":
        return render(request, "core/people.html", context)
    filters = reads.Filters.parse(request.GET)
    context |= {
        "cursor": member.team.seq,
        "board": reads.board_for(member, filters),
        "filters": filters,
        "works": member.team.allows("work"),
        "may_edit": member.may_edit_tasks and member.team.allows("tasks"),
        "may_order": member.can("manage_tasks") and member.team.allows("tasks"),
        "drops": json.dumps(reads.drops(member.team)),
        "why_not": json.dumps(reads.why_not(member.team)),
    }
    if htmx(request).target == "board":
        return render(request, "tasks/board.html#columns", context)
    labels = reads.labels_of(member.team)
    context |= {"labels": labels, "priorities": PRIORITIES, "scripts": SCRIPTS}
    return render(request, "tasks/board.html", context)


@require_safe
@seated
def column(request: HttpRequest, member: Member, column: str) -> HttpResponse:
    """The cards of one column, or more of them after `?after=`: a part of the board, for htmx."""
    if column not in BOARD:
        raise NotFound(f"The board has no column “{column}”.", code="column_not_found")
    filters = reads.Filters.parse(request.GET)
    if not htmx(request):
        place = reverse("board", args=[member.team.address])
        asked = f"?{filters.query}" if filters else ""
        return redirect(f"{place}{asked}#column-{column}")
    after = reads.parse_after(request.GET.get("after", ""))
    context = {
        "team": member.team,
        "column": column,
        "filters": filters,
        "page": reads.column_page(member, column, filters, after),
        "is_first": after is None,
    }
    return render(request, "tasks/board.html#cards", context)


@require_safe
@seated
def trash(request: HttpRequest, member: Member) -> HttpResponse:
    """What was deleted, to bring it back."""
    tasks = reads.trash_for(member)
    for task in tasks:
        task.team = member.team
        task.offers = offers(member, task)  # type: ignore[attr-defined]
    context = {"member": member, "team": member.team, "tasks": tasks}
    return render(request, "tasks/trash.html", context)
