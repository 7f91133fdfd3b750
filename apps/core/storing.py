"""Storing on the busiest paths: a statement is made once, where Django makes it each time."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, TypeVar

from django.db import DatabaseError, connection, models
from django.db.backends.base.base import BaseDatabaseWrapper

from apps.core.statements import fetch, here

M = TypeVar("M", bound=models.Model)

# What a plain number and a key can be at most; databases refuse to compare with larger ones.
LARGEST = 2**31 - 1
LARGEST_ID = 2**63 - 1
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
    database = here()
    params = [_stored(field, row, database, add=True) for row in rows for field in _fields(model)]
    keys = fetch(database, _insertion(model, len(rows), database.vendor), params)
    for row, (key,) in zip(rows, keys, strict=True):
        row.pk = key
        row._state.adding, row._state.db = False, database.alias
    return rows


def update(row: models.Model, *names: str) -> None:
    """Store the fields `names` of a row, as `save(update_fields=names)` does, without signals."""
    model = type(row)
    fields = [field for field in _fields(model) if field.name in names]
    if len(fields) < len(set(names)):
        raise ValueError(f"{model.__name__} has not all of these fields: {', '.join(names)}.")
    database = here()
    params = [_stored(field, row, database, add=False) for field in fields]
    if not fetch(database, _change(model, tuple(fields), database.vendor), [*params, row.pk]):
        raise DatabaseError(f"{row!r} is not stored any more.")


def _stored(
    field: models.Field[Any, Any], row: models.Model, database: BaseDatabaseWrapper, *, add: bool
) -> Any:
    return field.get_db_prep_save(field.pre_save(row, add=add), database)


@cache
def _fields(model: type[models.Model]) -> list[models.Field[Any, Any]]:
    return [field for field in model._meta.local_concrete_fields if not field.primary_key]


@cache
def _insertion(model: type[models.Model], number: int, vendor: str) -> str:
    name = connection.ops.quote_name
    fields = _fields(model)
    columns = ", ".join(name(str(field.column)) for field in fields)
    row = f"({', '.join(['%s'] * len(fields))})"
    return (
        f"INSERT INTO {name(model._meta.db_table)} ({columns}) "  # noqa: S608
        f"VALUES {', '.join([row] * number)} RETURNING {name(_key(model))}"
    )


@cache
def _change(
    model: type[models.Model], fields: tuple[models.Field[Any, Any], ...], vendor: str
) -> str:
    name = connection.ops.quote_name
    values = ", ".join(f"{name(str(field.column))} = %s" for field in fields)
    return (
        f"UPDATE {name(model._meta.db_table)} SET {values} "  # noqa: S608
        f"WHERE {name(_key(model))} = %s RETURNING {name(_key(model))}"
    )


def _key(model: type[models.Model]) -> str:
    return str(next(field.column for field in model._meta.concrete_fields if field.primary_key))
