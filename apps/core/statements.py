"""Statements of the busiest paths, whose text is made once: what is left is to run them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from apps.core.sqlite.base import DatabaseWrapper as SQLite


def here() -> BaseDatabaseWrapper:
    """The connection of this thread; `django.db.connection` looks it up at every attribute."""
    return connections[DEFAULT_DB_ALIAS]


def fetch(database: BaseDatabaseWrapper, sql: str, params: Sequence[Any]) -> list[Any]:
    """The rows that a statement answers with, each a tuple of values as the database has them."""
    if isinstance(database, SQLite):
        return database.fetch(sql, params)
    with database.cursor() as cursor:
        cursor.execute(sql, params)
        return list(cursor.fetchall())
