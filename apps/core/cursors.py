"""Lists in parts: a cursor is the key of the last item that was given, as text."""

from __future__ import annotations

from apps.core.errors import Invalid
from apps.core.storing import LARGEST_ID
from apps.core.text import as_number

DIGITS = len(str(LARGEST_ID))


def place(cursor: str) -> int:
    """The key that a cursor stands for; Invalid for what no page ever answered."""
    key = as_number(cursor, DIGITS)
    if key is not None and key <= LARGEST_ID:
        return key
    raise Invalid(fields={"cursor": "Use the “next” of the page before."})
