"""Forms that go once: one that is sent again, by “back” or by “reload”, changes nothing."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

from django.core.cache import cache

from apps.core.errors import Conflict

FIELD = "form_key"
KEPT_SECONDS = 24 * 3600


def new_key() -> str:
    """What tells one copy of a form from every other."""
    return secrets.token_urlsafe(12)


@contextmanager
def once(key: str | None) -> Iterator[None]:
    """Run the block, or raise Conflict `replayed` where a form with this key went through before.

    A block that raises did nothing, so the same form may be sent again. No key, no check.
    """
    name = f"form:{quote((key or '')[:64], safe='')}"
    if key and not cache.add(name, 1, KEPT_SECONDS):
        raise Conflict(
            "This form was sent already, and what it asked for is done.",
            code="replayed",
            hint="Open the form anew to send another one.",
        )
    try:
        yield
    except BaseException:
        cache.delete(name)
        raise
