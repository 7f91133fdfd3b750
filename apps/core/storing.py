"""Storing on the busiest paths: a statement is made once, where Django makes it each time."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple, TypeVar

from django.db import DatabaseError, connection, models
from django.db.backends.base.base import BaseDatabaseWrapper

from apps.core.statements import fetch, here

M = TypeVar("M", bound=models.Model)

# What a plain number and a key can be at most; databases refuse to compare with larger ones.
LARGEST = 2**31 - 1
LARGEST_ID = 2**63 - 1
# The types of values that Django would hand on unchanged. A field of any other class, even of a
# derived one, is asked.
NOTHING = type(None)
PLAIN: dict[type, frozenset[type]] = {
    models.CharField: frozenset({str, NOTHING}),
    models.TextField: frozenset({str, NOTHING}),
    models.BooleanField: frozenset({bool, NOTHING}),
    models.JSONField: frozenset({NOTHING}),
}
NUMBERS = (models.ForeignKey, models.PositiveIntegerField, models.PositiveBigIntegerField)
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
    columns = _columns(model, database.vendor)
    params = [_stored(column, row, database, add=True) for row in rows for column in columns]
    keys = fetch(database, _insertion(model, len(rows), database.vendor), params)
    for row, (key,) in zip(rows, keys, strict=True):
        row.pk = key
        row._state.adding, row._state.db = False, database.alias
    return rows


def update(row: models.Model, *names: str) -> None:
    """Store the fields `names` of a row, as `save(update_fields=names)` does, without signals."""
    model = type(row)
    database = here()
    columns = _named(model, names, database.vendor)
    params = [_stored(column, row, database, add=False) for column in columns]
    if not fetch(database, _change(model, columns, database.vendor), [*params, row.pk]):
        raise DatabaseError(f"{row!r} is not stored any more.")


class Column(NamedTuple):
    """A field, and of which types its values go into the database as they are."""

    field: models.Field[Any, Any]
    attname: str
    plain: frozenset[type]


def _stored(column: Column, row: models.Model, database: BaseDatabaseWrapper, *, add: bool) -> Any:
    field, attname, plain = column
    value = getattr(row, attname)
    if type(value) in plain:
        return value
    return field.get_db_prep_save(field.pre_save(row, add=add), database)


@cache
def _columns(model: type[models.Model], vendor: str) -> tuple[Column, ...]:
    plain = dict(PLAIN)
    if vendor == "sqlite":  # others are told how large a number may be
        plain |= dict.fromkeys(NUMBERS, frozenset({int, NOTHING}))
    fields = [field for field in model._meta.local_concrete_fields if not field.primary_key]
    return tuple(
        Column(field, field.attname, plain.get(type(field), frozenset())) for field in fields
    )


@cache
def _named(model: type[models.Model], names: tuple[str, ...], vendor: str) -> tuple[Column, ...]:
    columns = tuple(one for one in _columns(model, vendor) if one.field.name in names)
    if len(columns) < len(set(names)):
        raise ValueError(f"{model.__name__} has not all of these fields: {', '.join(names)}.")
    return columns


@cache
def _insertion(model: type[models.Model], number: int, vendor: str) -> str:
    name = connection.ops.quote_name
    found = _columns(model, vendor)
    columns = ", ".join(name(str(column.field.column)) for column in found)
    row = f"({', '.join(['%s'] * len(found))})"
    return (
        f"INSERT INTO {name(model._meta.db_table)} ({columns}) "  # noqa: S608
        f"VALUES {', '.join([row] * number)} RETURNING {name(_key(model))}"
    )


@cache
def _change(model: type[models.Model], columns: tuple[Column, ...], vendor: str) -> str:
    name = connection.ops.quote_name
    values = ", ".join(f"{name(str(column.field.column))} = %s" for column in columns)
    return (
        f"UPDATE {name(model._meta.db_table)} SET {values} "  # noqa: S608
        f"WHERE {name(_key(model))} = %s RETURNING {name(_key(model))}"
    )


def _key(model: type[models.Model]) -> str:
    return str(next(field.column for field in model._meta.concrete_fields if field.primary_key))
