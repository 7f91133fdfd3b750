from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.claude.formats import moment, to_iso, to_ms

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1772366400000, NOON),
        (1772366400000.0, NOON),
        (1772366400, NOON),
        ("1772366400000", NOON),
        ("2026-03-01T12:00:00.000Z", NOON),
        (" 2026-03-01T12:00:00Z ", NOON),
        ("2026-03-01T13:00:00+01:00", NOON),
        ("2026-03-01T12:00:00", NOON),
        ("2026-03-01 12:00", NOON),
        ("yesterday", None),
        ("", None),
        (True, None),
        (None, None),
        ([], None),
        (10**30, None),
        (float("nan"), None),
        (float("inf"), None),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-14:00", None),
    ],
)
def test_times_are_read_in_every_form(value: Any, expected: datetime | None) -> None:
    assert moment(value) == expected


def test_times_are_written_as_claude_code_writes_them() -> None:
    assert to_iso(NOON) == "2026-03-01T12:00:00.000Z"
    assert to_ms(NOON) == 1772366400000


@given(st.integers(min_value=10**11, max_value=4 * 10**12))
def test_milliseconds_survive_both_forms(value: int) -> None:
    at = moment(value)
    assert at is not None
    assert to_ms(at) == value
    assert moment(to_iso(at)) == at
