"""What comes from files, in the form that every database takes."""

from __future__ import annotations

import hashlib
from typing import Any

from apps.claude import formats

DEEPEST = 60


def cut(text: str | None, most: int) -> str:
    """At most `most` characters that a database stores; None as the empty text."""
    kept = formats.storable(text or "")
    return kept if len(kept) <= most else kept[: most - 1] + "…"


def clean(value: Any, depth: int = 0) -> Any:
    """A JSON value whose texts can be stored; what is nested too deeply becomes an ellipsis."""
    if isinstance(value, str):
        return formats.storable(value)
    if depth >= DEEPEST:
        return "…" if isinstance(value, dict | list) else value
    if isinstance(value, dict):
        return {formats.storable(str(k)): clean(v, depth + 1) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [clean(item, depth + 1) for item in value]
    return value


def short(text: str) -> str:
    """The text itself where it is short, else a digest: to compare with, not to read."""
    if len(text) <= 40:
        return formats.storable(text)
    return "#" + hashlib.sha256(text.encode(errors="replace")).hexdigest()[:16]
