"""Around every request: the page's policy, and the one translation of refusals for browsers."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.messages.middleware import MessageMiddleware
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.shortcuts import render

from apps.core.errors import DomainError, WrongMethod

GetResponse = Callable[[HttpRequest], HttpResponse]
NO_PAGE = WrongMethod(
    "There is no page at this address: it takes what a form sends.",
    hint="Nothing was changed. Open the page with the form.",
)


class SecurityHeaders:
    """Every answer carries the Content-Security-Policy that the pages are written for.

    No page is kept by a browser: “back” would show a part that htmx fetched from the same
    address, and after a logout what only the member may see.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", settings.CONTENT_SECURITY_POLICY)
        response.headers.setdefault(
            "Permissions-Policy", "camera=(), microphone=(), geolocation=()"
        )
        if response.headers.get("Content-Type", "").startswith("text/html"):
            response.headers.setdefault("Cache-Control", "private, no-store")
        return response


class PageMessages(MessageMiddleware):
    """Django's messages, where there is a page to show them on: the API has none."""

    def __call__(self, request: HttpRequest) -> Any:
        if request.path_info.startswith("/api/"):
            return self.get_response(request)
        return super().__call__(request)


class DomainErrors:
    """A refusal becomes a toast (htmx), JSON (a script's fetch) or a page, with its own status."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not isinstance(response, HttpResponseNotAllowed) or response.content:
            return response
        said = refusal(request, NO_PAGE)
        said["Allow"] = response["Allow"]
        return said

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Django calls this for what a view raised."""
        if not isinstance(error, DomainError):
            return None
        return refusal(request, error)


def refusal(request: HttpRequest, error: DomainError) -> HttpResponse:
    """The answer to a refused request, in the form that the caller can show."""
    if "application/json" in request.headers.get("Accept", ""):
        return JsonResponse(error.as_dict(), status=error.status)
    if getattr(request, "htmx", False):
        response = render(request, "core/toast.html", {"error": error}, status=error.status)
        response["HX-Retarget"] = "#toasts"
        response["HX-Reswap"] = "beforeend"
        response["HX-Trigger"] = json.dumps({"refused": {"code": error.code}})
        return response
    return render(request, "core/error.html", {"error": error}, status=error.status)
