from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from apps.core.text import as_number
from apps.messaging.actions import choose_notices
from apps.messaging.forms import Switches
from apps.messaging.inbox import came_to
from apps.messaging.notices import Way, Why, address, headline, wanted
from apps.teams.models import User

MOST_AT_ONCE = 5


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def notices(request: HttpRequest) -> HttpResponse:
    """Of what I hear in the browser and by e-mail."""
    user = cast(User, request.user)
    form = Switches(request.POST if request.method == "POST" else None, user=user)
    if form.is_bound and form.submit(choose_notices, user) is not None:
        messages.success(request, "Saved.")
        return redirect("notices")
    ways = [(way.value, way.label, form[way.value].value() or []) for way in form.ways]
    context = {"form": form, "ways": ways, "whys": Why.choices}
    return render(request, "messaging/notices.html", context, status=form.status)


@require_safe
@login_required
def inbox_news(request: HttpRequest) -> HttpResponse:
    """What the browser may announce of what came after message `after`, oldest first, as JSON."""
    user = cast(User, request.user)
    newest = came_to(user, unread=True, noise=False, limit=MOST_AT_ONCE).items
    seen = as_number(request.GET.get("after", "")) or 0
    ways = wanted(user.notifications, Way.BROWSER)
    told = [copy for copy in reversed(newest) if copy.message_id > seen and copy.why in ways]
    items = [
        {
            "id": copy.message_id,
            "title": f"{copy.message.sender.name} in {copy.message.team}",
            "text": headline(copy.message),
            "url": address(copy.message),
        }
        for copy in told
    ]
    last = max((copy.message_id for copy in newest), default=seen)
    return JsonResponse({"items": items, "last": max(last, seen)})
