from __future__ import annotations

from typing import cast

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails


def htmx(request: HttpRequest) -> HtmxDetails:
    """How the page asks: false where it is not by htmx."""
    return cast(HtmxDetails, vars(request)["htmx"])
