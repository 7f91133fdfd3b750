"""Times in the files: epoch milliseconds in configs, ISO text everywhere else."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Below this a number can only be seconds: as milliseconds it would be before 1974.
LEAST_MILLISECONDS = 10**11


def moment(value: Any) -> datetime | None:
    """An aware UTC time from epoch milliseconds (or seconds) or ISO text; None if it is neither.

    ISO text without an offset is taken as UTC.
    """
    if isinstance(value, str):
        return _from_text(value.strip())
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return _from_number(value)


def to_ms(at: datetime) -> int:
    """Whole milliseconds since 1970."""
    return (at - EPOCH) // timedelta(milliseconds=1)


def to_iso(at: datetime) -> str:
    """UTC with milliseconds and a Z, the form that Claude Code writes."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _from_text(text: str) -> datetime | None:
    if text.isascii() and text.isdigit() and 12 <= len(text) <= 15:
        return _from_number(int(text))
    try:
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _from_number(number: float) -> datetime | None:
    try:
        if not math.isfinite(number):
            return None
        unit = "milliseconds" if abs(number) >= LEAST_MILLISECONDS else "seconds"
        return EPOCH + timedelta(**{unit: number})
    except (OverflowError, ValueError):
        return None
