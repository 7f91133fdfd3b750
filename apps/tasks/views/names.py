from __future__ import annotations

from django.db.models import Q
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from apps.core.search import contains
from apps.tasks.models import Task
from apps.teams.models import Member
from apps.teams.web import seated

MOST = 8


@require_safe
@seated
def names(request: HttpRequest, member: Member) -> JsonResponse:
    """Cards whose number begins with `?q=` or whose subject has it, newest first, as JSON."""
    q = request.GET.get("q", "")[:100].replace("\0", "").strip()
    found = Task.objects.visible_to(member).on_board()
    if q.isascii() and q.isdecimal():
        found = found.filter(Q(number__startswith=q) | contains("subject", q))
    elif q:
        found = found.filter(contains("subject", q))
    rows = found.order_by("-number").values("number", "subject")[:MOST]
    return JsonResponse({"items": list(rows)})
