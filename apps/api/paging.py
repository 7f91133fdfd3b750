"""Lists in parts: a cursor names the last item that was given."""

from __future__ import annotations

from typing import Any, TypeVar

from django.db.models import QuerySet

from apps.api.fields import PageQuery
from apps.core.errors import Invalid
from apps.core.storing import LARGEST_ID

R = TypeVar("R")


def place(cursor: str | None) -> int | None:
    """The number that a cursor stands for; Invalid for what no page ever answered."""
    if cursor is None:
        return None
    if cursor.isascii() and cursor.isdecimal() and len(cursor) < 20 and int(cursor) <= LARGEST_ID:
        return int(cursor)
    raise Invalid(fields={"cursor": "Use the “next” of the page before."})


def cut(
    found: QuerySet[Any, R], query: PageQuery, *, key: str = "pk", newest: bool = False
) -> tuple[list[R], bool]:
    """A page of `found` by `key`, ascending or newest first, and whether more follows."""
    at = place(query.cursor)
    if at is not None:
        found = found.filter(**{f"{key}__{'lt' if newest else 'gt'}": at})
    items = list(found.order_by(f"-{key}" if newest else key)[: query.limit + 1])
    return items[: query.limit], len(items) > query.limit


def page(items: list[Any], after: int | None, /, **more: Any) -> dict[str, Any]:
    """A list as it is answered; `after` is the key of the last item where more follows."""
    return {"items": items, "next": None if after is None else str(after), **more}
