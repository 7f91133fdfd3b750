"""Lists in parts: a cursor names the last item that was given."""

from __future__ import annotations

from typing import Any, TypeVar

from django.db.models import QuerySet

from apps.api.fields import PageQuery
from apps.core.cursors import place

R = TypeVar("R")


def cut(
    found: QuerySet[Any, R], query: PageQuery, *, key: str = "pk", newest: bool = False
) -> tuple[list[R], bool]:
    """A page of `found` by `key`, ascending or newest first, and whether more follows."""
    if query.cursor is not None:
        found = found.filter(**{f"{key}__{'lt' if newest else 'gt'}": place(query.cursor)})
    items = list(found.order_by(f"-{key}" if newest else key)[: query.limit + 1])
    return items[: query.limit], len(items) > query.limit


def page(items: list[Any], after: int | None, /, **more: Any) -> dict[str, Any]:
    """A list as it is answered; `after` is the key of the last item where more follows."""
    return {"items": items, "next": None if after is None else str(after), **more}
