"""The REST API with its documentation."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, include, path, re_path

from apps.api import views
from apps.api.answers import refusal
from apps.api.api import api
from apps.core.errors import WrongMethod

BUSIEST = ("/messages", "/inbox", "/tasks")  # looked at first, in this order


def in_one_shape(view: Callable[..., Any]) -> Callable[..., Any]:
    """Answer a wrong method like any other refusal; the framework does it in plain text."""

    @wraps(view)
    def run(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response: HttpResponse = view(request, *args, **kwargs)
        if response.status_code != 405:
            return response
        allowed = response.headers["Allow"]
        answer = refusal(WrongMethod(f"This address takes {allowed}.", hint="See /api/v1/docs."))
        answer.headers["Allow"] = allowed
        return answer

    run.csrf_exempt = True  # type: ignore[attr-defined]
    return run


def _operations() -> list[URLPattern]:
    patterns, _, _ = api.urls
    found = [one for one in patterns if isinstance(one, URLPattern) and one.name != "api-root"]
    found.sort(key=lambda one: [word not in str(one.pattern) for word in BUSIEST])
    return [
        path(str(one.pattern), in_one_shape(one.callback), name=f"api-{one.name}") for one in found
    ]


urlpatterns = [
    path(
        "api/v1/",
        include(
            [
                *_operations(),
                path("openapi.json", views.openapi_json, name="api-openapi"),
                path("docs", views.docs, name="api-docs"),
            ]
        ),
    ),
    re_path(r"^api/", views.nothing_here),
]
