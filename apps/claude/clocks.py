"""How far the clock of another machine is from this one's."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from django.core.cache import cache

# As long as a machine is away, nobody knows.
KEPT_SECONDS = 300


def note_skew(place: str, seconds: float) -> None:
    """The clock of the machine behind `place` is so much ahead, or behind where below zero."""
    cache.set(_key(place), max(-1e9, min(seconds, 1e9)), KEPT_SECONDS)


def skew(place: str) -> timedelta | None:
    """What was noted last; None where nothing was for a while."""
    seconds = cache.get(_key(place))
    return None if seconds is None else timedelta(seconds=seconds)


def _key(place: str) -> str:
    return f"claude-skew-{hashlib.sha256(place.encode()).hexdigest()[:24]}"
