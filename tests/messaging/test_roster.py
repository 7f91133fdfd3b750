from __future__ import annotations

from typing import Any

import pytest

from apps.core.errors import Invalid
from apps.messaging import roster
from apps.messaging.roster import Roster
from tests.conftest import Cast


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["bob"], ["bob"]),
        (["@BOB ", "bob", "hal"], ["bob", "hal"]),
        (["bob", "hal", "iris", "vera", "Bob"], ["bob", "hal", "iris", "vera"]),
        (["lead"], ["alice"]),
        (["bob", "all"], ["bob", "vera", "hal", "iris"]),
    ],
)
def test_few_names_and_many_lead_to_the_same_seats(
    cast: Cast, names: list[str], found: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for few in (roster.FEW, 0, 100):
        monkeypatch.setattr(roster, "FEW", few)
        seats = Roster(cast.team).resolve(names, actor=cast.alice)
        assert [seat.name for seat in seats] == found


def test_a_name_is_looked_up_without_reading_the_team(
    cast: Cast, django_assert_num_queries: Any
) -> None:
    Roster(cast.team).resolve(["bob"], actor=cast.alice)
    with django_assert_num_queries(1) as taken:
        Roster(cast.team).resolve(["bob"], actor=cast.alice)
    assert '"key"' in taken.captured_queries[0]["sql"].partition("WHERE")[2]


@pytest.mark.parametrize("name", ["a\0b", "bobb", "x" * 5000])
def test_a_name_that_nobody_has_is_refused(cast: Cast, name: str) -> None:
    with pytest.raises(Invalid, match="no member"):
        Roster(cast.team).resolve([name], actor=cast.alice)
