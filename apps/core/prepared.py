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


class Compiled(NamedTuple):
    """A query as a database takes it, how its columns become values and its rows objects."""

    sql: str
    params: tuple[Any, ...]
    converters: dict[int, tuple[list[Callable[..., Any]], Any]]
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
        database = here()
        compiled = self._compiled.get(database.vendor) or self._compile()
        given = {NUMBER: value, TEXT: value, OTHER: other}
        params = [given.get(param, param) for param in compiled.params]
        rows = [list(row) for row in fetch(database, compiled.sql, params)]
        for at, (converters, expression) in compiled.converters.items():
            for convert in converters:
                for row in rows:
                    row[at] = convert(row[at], expression, database)
        return rows

    def objects(self, value: int | str, other: int = 0) -> list[M]:
        """The objects for `value`, with what the query selects beside them; columns that it leaves
        out are deferred.
        """
        rows = self.rows(value, other)
        return [self._compiled[connection.vendor].build(row) for row in rows]

    def _compile(self) -> Compiled:
        found = self._build(self._model._default_manager.all())
        compiler = found.query.get_compiler(connection=connection)
        sql, params = compiler.as_sql()
        columns = [column for column, _, _ in compiler.select or ()]
        compiled = Compiled(
            sql, tuple(params), compiler.get_converters(columns), _builder(compiler)
        )
        self._compiled[connection.vendor] = compiled
        return compiled


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
