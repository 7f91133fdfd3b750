"""Inserting on the busiest paths: the statement is made once, where Django makes it each time."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, TypeVar

from django.db import connection, models

M = TypeVar("M", bound=models.Model)

# Above this the time goes into the rows, and Django's own way is as good.
MOST = 20


def insert(rows: Sequence[M]) -> Sequence[M]:
    """Store new rows of one model in one statement and give each its key, as `bulk_create` does.

    The model has a key that the database makes, and no parent model.
    """
    if not rows:
        return rows
    model = type(rows[0])
    if len(rows) > MOST:
        return model._default_manager.bulk_create(rows)
    params = [
        field.get_db_prep_save(field.pre_save(row, add=True), connection)
        for row in rows
        for field in _fields(model)
    ]
    with connection.cursor() as cursor:
        cursor.execute(_statement(model, len(rows), connection.vendor), params)
        keys = cursor.fetchall()
    for row, (key,) in zip(rows, keys, strict=True):
        row.pk = key
        row._state.adding, row._state.db = False, connection.alias
    return rows


@cache
def _fields(model: type[models.Model]) -> list[models.Field[Any, Any]]:
    return [field for field in model._meta.local_concrete_fields if not field.primary_key]


@cache
def _statement(model: type[models.Model], number: int, vendor: str) -> str:
    name = connection.ops.quote_name
    fields = _fields(model)
    columns = ", ".join(name(str(field.column)) for field in fields)
    row = f"({', '.join(['%s'] * len(fields))})"
    key = str(next(field.column for field in model._meta.concrete_fields if field.primary_key))
    return (
        f"INSERT INTO {name(model._meta.db_table)} ({columns}) "  # noqa: S608
        f"VALUES {', '.join([row] * number)} RETURNING {name(key)}"
    )
