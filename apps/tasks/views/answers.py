"""How a write answers: fragments of what changed for htmx, the way back for a plain form."""

from __future__ import annotations

from collections.abc import Iterable

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from apps.core.htmx import htmx
from apps.tasks import board as reads
from apps.tasks.forms import PRIORITIES
from apps.tasks.models import Dependency, Task
from apps.tasks.sheet import sheet_for
from apps.teams.models import Member
from apps.teams.web import back


def changed(
    request: HttpRequest, member: Member, task: Task, *, also: Iterable[int] = ()
) -> HttpResponse:
    """The card, those that wait for it, the heads; and the task's page where that is open.

    The same bytes as the live path sends, so a page without a socket shows its own writes; one
    that follows live (`X-Live: live`) is told nothing here, since it hears of it anyway.
    """
    if not htmx(request):
        return back(request, "task", member.team.address, task.number)
    if request.POST.get("from") == "sheet":
        return HttpResponse(fragments(member, task, also) + sheet_parts(request, member, task))
    if request.headers.get("X-Live") == "live":
        return HttpResponse(status=204)
    return HttpResponse(fragments(member, task, also))


def fragments(member: Member, task: Task, also: Iterable[int] = ()) -> str:
    """The board's parts that a change of this card touches."""
    waiting = Dependency.objects.filter(blocker=task).values_list("blocked__number", flat=True)
    numbers = {task.number, *waiting, *also}
    cards = reads.render_cards(member.team, numbers, member.permissions, oob=True)
    return cards + reads.render_heads(member.team)


def sheet_parts(request: HttpRequest, member: Member, task: Task) -> str:
    """The parts of the task's page that a change may have touched."""
    sheet = sheet_for(member, task.number)
    context = {"sheet": sheet, "task": sheet.task, "member": member, "team": member.team}
    context |= {"oob": True, "priorities": PRIORITIES}
    return render_to_string("tasks/task.html#parts", context, request)
