"""Wrong passwords are counted, so that guessing takes forever."""

from __future__ import annotations

import hashlib

from django.core.cache import cache

MOST_FAILURES = 10
WINDOW_SECONDS = 300


def count_attempt(username: str, address: str) -> bool:
    """Count an attempt to log in as `username` from `address`; false once it is one too many.

    Counted before the password is looked at, so that attempts at the same moment count as well.
    """
    key = _key(username, address)
    cache.add(key, 0, WINDOW_SECONDS)
    try:
        return cache.incr(key) <= MOST_FAILURES
    except ValueError:  # it expired between the two lines
        return True


def forget_attempts(username: str, address: str) -> None:
    """The right password was given."""
    cache.delete(_key(username, address))


def _key(username: str, address: str) -> str:
    name = f"{username.casefold()}\n{address}"
    return f"login:{hashlib.sha256(name.encode()).hexdigest()}"
