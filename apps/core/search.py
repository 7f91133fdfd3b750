"""Looking for text in a column alike on every database."""

from __future__ import annotations

import re

from django.db import connection
from django.db.models import Q

# A phrase between quotes of whichever kind, to the end where they stay open, or else a word.
WORD = re.compile(r'["“”„]([^"“”„]*)["“”„]?|([^\s"“”„]+)')
ASCII = re.compile(r"[ -~]+")


def words(text: str) -> list[str]:
    """What must all occur: the words of `text`, and each “quoted phrase” as it stands.

    The longest first, since fewest texts have it. Of quotes alone the text itself is looked for.
    """
    text = text.replace("\0", "").strip()
    found = (phrase.strip() or word for phrase, word in WORD.findall(text))
    unlike = {word.lower(): word for word in found if word}
    return sorted(unlike.values(), key=len, reverse=True) or [text]


def contains(field: str, text: str) -> Q:
    """The condition that `field` has `text` in it, ignoring case.

    SQLite's own comparison folds ASCII only, so other letters go through a pattern there, where
    what is ASCII of the text occurs at all.
    """
    if connection.vendor != "sqlite" or _has_no_case(text):
        return Q(**{f"{field}__icontains": text})
    plain = max(ASCII.findall(text), key=len, default="")
    found = Q(**{f"{field}__iregex": re.escape(text)})
    return Q(**{f"{field}__icontains": plain}) & found if plain else found


def _has_no_case(text: str) -> bool:
    """Whether case makes no difference beyond ASCII."""
    return all(one.isascii() or one.lower() == one.upper() for one in text)
