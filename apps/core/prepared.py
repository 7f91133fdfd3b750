"""Queries of the busiest paths, compiled once: building one costs far more than running it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Generic, NamedTuple, TypeVar

from django.db import connection, models
from django.db.models.query import get_related_populators

from apps.core.statements import fetch, here

M = TypeVar("M", bound=models.Model)

# Stand for the parameter, a whole number such as a key or a text, while a query is built.
NUMBER: Final = -1_815_182_110
TEXT: Final = "the parameter of a prepared query"
# A second whole number; positive, since some columns admit no other.
OTHER: Final = 1_815_182_111

EMPTY: Final[dict[str, Callable[[], Any]]] = {"[]": list, "{}": dict}


class Converter(NamedTuple):
    """How the values of a column become what their field holds, and whether null ones do."""

    at: int
    convert: Callable[..., Any]
    expression: Any
    knows_null: bool


class Compiled(NamedTuple):
    """A query as a database takes it, how its columns become values and its rows objects."""

    sql: str
    params: tuple[Any, ...]
    converters: list[Converter]
    build: Callable[[Sequence[Any]], Any]


class Prepared(Generic[M]):
    """A query that `build` makes of all rows of `model`, with `NUMBER` or `TEXT` where the
    parameter goes, and `OTHER` where a second one does.

    It is compiled at the first use, which for a select for update must be inside a transaction.
    """

    def __init__(
        self, model: type[M], build: Callable[[models.QuerySet[M]], models.QuerySet[M, Any]]
    ) -> None:
        self._model = model
        self._build = build
        self._compiled: dict[str, Compiled] = {}

    def rows(self, value: int | str, other: int = 0) -> list[list[Any]]:
        """The rows for `value`, each a list of values in the order of the query's columns."""
        return self._ask(value, other)[1]

    def objects(self, value: int | str, other: int = 0) -> list[M]:
        """The objects for `value`, with what the query selects beside them; columns that it leaves
        out are deferred.
        """
        compiled, rows = self._ask(value, other)
        return [compiled.build(row) for row in rows]

    def _ask(self, value: int | str, other: int) -> tuple[Compiled, list[list[Any]]]:
        database = here()
        compiled = self._compiled.get(database.vendor) or self._compile()
        given = {NUMBER: value, TEXT: value, OTHER: other}
        params = [given.get(param, param) for param in compiled.params]
        rows = [list(row) for row in fetch(database, compiled.sql, params)]
        for at, convert, expression, knows_null in compiled.converters:
            for row in rows:
                if row[at] is not None or knows_null:
                    row[at] = convert(row[at], expression, database)
        return compiled, rows

    def _compile(self) -> Compiled:
        found = self._build(self._model._default_manager.all())
        compiler = found.query.get_compiler(connection=connection)
        sql, params = compiler.as_sql()
        columns = [column for column, _, _ in compiler.select or ()]
        compiled = Compiled(sql, tuple(params), _converters(compiler, columns), _builder(compiler))
        self._compiled[connection.vendor] = compiled
        return compiled


def _converters(compiler: Any, columns: Sequence[Any]) -> list[Converter]:
    """Those that Django would call, in its order."""
    return [
        Converter(at, _short(convert), expression, knows_null=not _leaves_null(convert))
        for at, (converters, expression) in compiler.get_converters(columns).items()
        for convert in converters
    ]


def _leaves_null(convert: Callable[..., Any]) -> bool:
    """Whether a converter is known to make None of None."""
    backend = convert.__module__.startswith("django.db.backends.")
    return backend or _is_json(convert)


def _is_json(convert: Callable[..., Any]) -> bool:
    return getattr(convert, "__func__", None) is models.JSONField.from_db_value


def _short(convert: Callable[..., Any]) -> Callable[..., Any]:
    """The same for documents, most of which are empty: those need no parser."""
    if not _is_json(convert):
        return convert

    def read(value: Any, expression: Any, database: Any) -> Any:
        empty = EMPTY.get(value) if type(value) is str else None
        return empty() if empty else convert(value, expression, database)

    return read


def _builder(compiler: Any) -> Callable[[Sequence[Any]], Any]:
    """How Django itself makes objects of rows; rows of plain values stay what they are."""
    info = compiler.klass_info
    if info is None:
        return list
    first, last = info["select_fields"][0], info["select_fields"][-1] + 1
    names = [column.target.attname for column, _, _ in compiler.select[first:last]]
    alias = connection.alias
    related = get_related_populators(info, compiler.select, alias)  # type: ignore[call-arg]
    annotations = list(compiler.annotation_col_map.items())

    def build(row: Sequence[Any]) -> Any:
        made = info["model"].from_db(alias, names, row[first:last])
        for one in related:
            one.populate(row, made)
        for name, at in annotations:
            setattr(made, name, row[at])
        return made

    return build
