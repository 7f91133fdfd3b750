"""Looking for text in a column alike on every database."""

from __future__ import annotations

import re

from django.db import connection
from django.db.models import Q


def contains(field: str, text: str) -> Q:
    """The condition that `field` has `text` in it, ignoring case.

    SQLite's own comparison folds ASCII only, so other letters go through a pattern there.
    """
    if text.isascii() or connection.vendor != "sqlite":
        return Q(**{f"{field}__icontains": text})
    return Q(**{f"{field}__iregex": re.escape(text)})
