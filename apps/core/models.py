"""What all models of the busy tables have in common."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Self

from django.db import models
from django.db.models.base import ModelState


class Model(models.Model):
    """A model whose rows become objects in one step.

    Django sets column by column and sends two signals for each object; here nobody listens to
    them, and no column does more than keep its value.
    """

    class Meta:
        abstract = True

    @classmethod
    def from_db(
        cls, db: str | None, field_names: Collection[str], values: Collection[Any], **more: Any
    ) -> Self:
        """The object of a row, as Django asks for it; columns that are left out are deferred."""
        if more:
            return super().from_db(db, field_names, values, **more)
        made = cls.__new__(cls)
        made._state = state = ModelState()
        state.adding, state.db = False, db
        made.__dict__.update(zip(field_names, values, strict=True))
        return made
