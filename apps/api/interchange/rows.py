"""Storing the rows of a document, section by section."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from django.db import models

from apps.api.interchange.tables import TOLD, Model
from apps.api.interchange.values import build, ids, keys_in, listed, wrong
from apps.tasks.models import Task
from apps.teams.models import Member

M = TypeVar("M", bound=models.Model)
Row = Mapping[str, Any]
Placed = list[tuple[str, Row]]
BATCH = 500


class Store:
    """Stores rows; `keys` leads from what stands in the document to the new row's id."""

    def __init__(self, document: Row) -> None:
        self.document = document
        self.keys: dict[Model, dict[Any, int]] = {model: {} for model in (Member, Task)}
        self.keys |= {model: {} for model in TOLD.values()}

    def plain(self, model: type[M], section: str) -> None:
        """A section of rows that nothing refers to."""
        rows = [
            build(model, row, where, self.keys) for where, row in listed(self.document, section)
        ]
        model._default_manager.bulk_create(rows, batch_size=BATCH)

    def keyed(self, model: type[M], section: str) -> None:
        """A section of rows with numbers of their own."""
        rows = listed(self.document, section)
        made = [build(model, row, where, self.keys, known={"id"}) for where, row in rows]
        self.insert(model, made, ids(rows))

    def insert(self, model: type[M], rows: list[M], keys: list[Any]) -> None:
        """Store the rows, and remember under which id each key is found from now on."""
        if len(set(keys)) != len(keys):
            raise wrong(str(model._meta.verbose_name_plural), "two of them are called the same")
        model._default_manager.bulk_create(rows, batch_size=BATCH)
        self.keys[model] = {key: row.pk for key, row in zip(keys, rows, strict=True)}

    def inner(
        self, model: type[M], rows: Placed, parents: Iterable[models.Model],
        part: str, parent: str, *, known: Iterable[str] = (),
    ) -> tuple[Placed, list[M]]:  # fmt: skip
        """The rows that are part of others; answers them as they stand there and as stored."""
        inside: Placed = []
        made: list[M] = []
        for (where, row), whole in zip(rows, parents, strict=True):
            for at, one in listed(row, part, where):
                inside.append((at, one))
                made.append(build(model, one, at, self.keys, known=known, **{parent: whole}))
        model._default_manager.bulk_create(made, batch_size=BATCH)
        return inside, made

    def link(
        self, through: type[models.Model], near: str, far: str, rows: Placed,
        made: Iterable[models.Model], part: str, keys: Mapping[Any, int],
    ) -> None:  # fmt: skip
        """The pairs of a relation between many and many, each once."""
        pairs: dict[tuple[int, int], models.Model] = {}
        for (where, row), one in zip(rows, made, strict=True):
            for key in keys_in(row, part, where):
                if key not in keys:
                    raise wrong(where, f"{part} names {key!r}, which is not in the document")
                pairs[one.pk, keys[key]] = through(**{near: one.pk, far: keys[key]})
        through._default_manager.bulk_create(pairs.values(), batch_size=BATCH)
