from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from apps.core.inserting import MOST, insert
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
