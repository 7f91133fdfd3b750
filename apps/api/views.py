"""Beside the operations: their description, and addresses that lead nowhere."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.views.decorators.csrf import csrf_exempt

from apps.api.answers import dumps, raw, refusal
from apps.api.handlers import nothing_here as nowhere
from apps.api.manual import sections, shapes


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document, which only a new release changes."""
    from apps.api.api import api

    found: dict[str, Any] = api.get_openapi_schema(path_prefix="/api/v1/")
    return found


@cache
def _document_text() -> bytes:
    return dumps(document()).encode()


def openapi_json(request: HttpRequest) -> HttpResponse:
    """The OpenAPI document."""
    return raw(_document_text())


def docs(request: HttpRequest) -> HttpResponse:
    """The same for people."""
    base = settings.PUBLIC_URL or request.build_absolute_uri("/").rstrip("/")
    return render(request, "api/docs.html", {"manual": _manual(f"{base}/api/v1")})


@lru_cache(maxsize=8)
def _manual(base: str) -> SafeString:
    doc = document()
    named = shapes(doc)
    context = {
        "info": doc["info"],
        "about": doc["info"]["description"].strip().split("\n\n"),
        "base": base,
        "subjects": sections(doc),
        "shapes": named,
        "names": {shape.name for shape in named},
    }
    return render_to_string("api/manual.html", context)


@csrf_exempt
def nothing_here(request: HttpRequest) -> HttpResponse:
    """Whatever is under /api/ and not an operation."""
    return refusal(nowhere())
