from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from django.db.backends.sqlite3 import base

STATEMENTS = 512


@lru_cache(STATEMENTS)
def marked(query: str) -> str:
    """A statement with the placeholders that SQLite knows in place of Django's."""
    return str(base.FORMAT_QMARK_REGEX.sub("?", query).replace("%%", "%"))


class Cursor(base.SQLiteCursorWrapper):
    """Looks through a statement for placeholders only where it is new."""

    def convert_query(self, query: str, *, param_names: list[str] | None = None) -> str:
        """Django calls this for each statement that has parameters."""
        if param_names is not None:
            return str(super().convert_query(query, param_names=param_names))
        return marked(query)


class DatabaseWrapper(base.DatabaseWrapper):
    """Django looks for a class of this name."""

    def create_cursor(self, name: Any = None) -> Cursor:
        """The cursor of a statement."""
        return self.connection.cursor(factory=Cursor)  # type: ignore[no-any-return]

    @property
    def is_watched(self) -> bool:
        """Whether somebody counts or changes statements, as tests and DEBUG do."""
        return bool(self.execute_wrappers) or self.queries_logged

    def _start_transaction_under_autocommit(self) -> None:
        if self.is_watched:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]
            return
        mode: str | None = self.transaction_mode  # type: ignore[attr-defined]
        with self.wrap_database_errors:
            self.connection.execute(f"BEGIN {mode or ''}")

    def fetch(self, sql: str, params: Sequence[Any]) -> list[Any]:
        """The rows of a statement, without a cursor of Django's where nobody watches it."""
        if self.is_watched:
            with self.cursor() as cursor:
                cursor.execute(sql, params)
                return list(cursor.fetchall())
        self.ensure_connection()
        self.validate_thread_sharing()
        self.validate_no_broken_transaction()
        with self.wrap_database_errors:
            rows: list[Any] = self.connection.execute(marked(sql), params).fetchall()
            return rows
