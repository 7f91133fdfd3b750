"""Pages of no app in particular: signs of life for machines, help for people."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static

from apps.core import health
from apps.core.errors import NotFound
from apps.core.help import TOPICS


def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return HttpResponse("ok\n", content_type="text/plain")


def readyz(request: HttpRequest) -> HttpResponse:
    """Whether requests can be served: `{"database": "ok", "redis": …}`, 503 where they cannot."""
    found = {"database": health.database(), "redis": health.redis()}
    ready = all(state in health.FINE for state in found.values())
    return JsonResponse(found, status=200 if ready else 503)


def favicon(request: HttpRequest) -> HttpResponse:
    """For what asks without having read a page."""
    return redirect(static("favicon.svg"), permanent=True)


def help_index(request: HttpRequest) -> HttpResponse:
    """The topics of the help."""
    return render(request, "help/index.html", {"topics": TOPICS})


def help_topic(request: HttpRequest, topic: str) -> HttpResponse:
    """One topic."""
    if topic not in TOPICS:
        raise NotFound("There is no such help page.", hint="The list of topics is at /help/.")
    context = {"topics": TOPICS, "here": topic, "topic": TOPICS[topic]}
    return render(request, "help/topic.html", context)
