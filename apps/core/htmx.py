"""What htmx says about a request, typed."""

from __future__ import annotations

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails


def htmx(request: HttpRequest) -> HtmxDetails:
    """The request's htmx headers; false where a browser asks by itself."""
    details: HtmxDetails = request.htmx  # type: ignore[attr-defined]
    return details
