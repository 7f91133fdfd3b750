from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.db import DatabaseError, IntegrityError, connection, models, transaction

from apps.core.storing import MOST, _columns, insert, update
from apps.teams.models import Event
from tests.conftest import Cast


def lines(cast: Cast, number: int, first: int = 1000) -> list[Event]:
    return [
        Event(team=cast.team, seq=first + at, kind="x.y", actor=cast.alice, data={"at": [at, "ü"]})
        for at in range(number)
    ]


@pytest.mark.parametrize("number", [0, 1, 3, MOST, MOST + 1])
def test_rows_are_stored_in_order_and_get_their_keys(cast: Cast, number: int) -> None:
    rows = insert(lines(cast, number))
    stored = list(Event.objects.filter(kind="x.y").order_by("pk"))
    assert [row.pk for row in rows] == [row.pk for row in stored]
    assert [vars(a) | {"_state": 0} for a in rows] == [vars(b) | {"_state": 0} for b in stored]
    assert not any(row._state.adding for row in rows)


def test_one_statement_is_enough(cast: Cast, django_assert_num_queries: Any) -> None:
    for first in (1000, 2000):
        with django_assert_num_queries(1):
            insert(lines(cast, 5, first))


def test_what_was_stored_can_be_changed(cast: Cast) -> None:
    (row,) = insert(lines(cast, 1))
    row.data = {"new": True}
    row.save(update_fields=["data"])
    assert Event.objects.get(pk=row.pk).data == {"new": True}


def test_a_row_that_breaks_a_rule_stores_none(cast: Cast) -> None:
    twice = [*lines(cast, 2), *lines(cast, 1)]
    with pytest.raises(IntegrityError), transaction.atomic():
        insert(twice)
    assert not Event.objects.filter(kind="x.y").exists()


def test_named_fields_are_stored_and_no_other(cast: Cast, django_assert_num_queries: Any) -> None:
    for at in (1, 2):
        (row,) = insert(lines(cast, 1, at * 1000))
        row.kind, row.data, row.task = f"z.{at}", {"new": ["ü"]}, 7
        with django_assert_num_queries(1):
            update(row, "kind", "data")
        stored = Event.objects.get(pk=row.pk)
        assert (stored.kind, stored.data, stored.task) == (f"z.{at}", {"new": ["ü"]}, None)


def test_a_key_to_another_row_is_stored(cast: Cast) -> None:
    (row,) = insert(lines(cast, 1))
    row.actor = cast.bob
    update(row, "actor")
    assert Event.objects.get(pk=row.pk).actor == cast.bob


def test_a_row_that_is_gone_or_a_field_that_is_none_is_told(cast: Cast) -> None:
    (row,) = insert(lines(cast, 1))
    with pytest.raises(ValueError, match="Event has not all of these fields"):
        update(row, "kind", "colour")
    Event.objects.filter(pk=row.pk).delete()
    with pytest.raises(DatabaseError, match="not stored any more"):
        update(row, "kind")


SAMPLES: dict[type, list[Any]] = {
    str: ["", "ü", " a'b%s\n", "1"], int: [0, -1, 7, 2**31], bool: [True, False],
    type(None): [None],
}  # fmt: skip


@pytest.mark.parametrize("model", apps.get_models(), ids=lambda model: model.__name__)
def test_values_taken_as_they_are_are_those_that_django_would_store(
    db: None, model: type[models.Model]
) -> None:
    for column in _columns(model, connection.vendor):
        assert column.attname == column.field.attname
        for value in [one for kind in column.plain for one in SAMPLES[kind]]:
            row = model.__new__(model)
            vars(row)[column.attname] = value
            stored = column.field.get_db_prep_save(column.field.pre_save(row, True), connection)
            assert (type(stored), stored) == (type(value), value), column


def test_most_columns_of_a_line_are_taken_as_they_are(db: None) -> None:
    assert sum(bool(column.plain) for column in _columns(Event, connection.vendor)) >= 2
