from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.timetext import ago, before, duration

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = 60, 3_600, 86_400


@pytest.mark.parametrize(
    ("elapsed", "says"),
    [
        (-3_600, "just now"),
        (0, "just now"),
        (59.9, "just now"),
        (60, "1 min"),
        (42 * MINUTE + 59, "42 min"),
        (HOUR - 1, "59 min"),
        (HOUR, "1 h"),
        (3 * HOUR, "3 h"),
        (DAY - 1, "23 h"),
        (DAY, "yesterday"),
        (2 * DAY - 1, "yesterday"),
        (2 * DAY, "2 d"),
        (14 * DAY - 1, "13 d"),
        (14 * DAY, "2 w"),
        (70 * DAY - 1, "9 w"),
        (70 * DAY, "2 mo"),
        (365 * DAY, "12 mo"),
        (730 * DAY - 1, "24 mo"),
        (730 * DAY, "2 y"),
        (3_650 * DAY, "10 y"),
    ],
)
def test_ago(elapsed: float, says: str) -> None:
    assert ago(NOW - timedelta(seconds=elapsed), NOW) == says


@pytest.mark.parametrize(
    ("elapsed", "says"),
    [(5, "just now"), (120, "2 min ago"), (DAY, "yesterday"), (3 * DAY, "3 d ago")],
)
def test_before(elapsed: float, says: str) -> None:
    assert before(NOW - timedelta(seconds=elapsed), NOW) == says


def test_ago_compares_across_time_zones() -> None:
    tokyo = timezone(timedelta(hours=9))
    assert ago((NOW - timedelta(hours=3)).astimezone(tokyo), NOW) == "3 h"


def test_ago_refuses_a_moment_without_a_zone() -> None:
    with pytest.raises(TypeError):
        ago(NOW.replace(tzinfo=None), NOW)


@pytest.mark.parametrize(
    ("seconds", "says"),
    [
        (-5, "0 s"),
        (0, "0 s"),
        (0.9, "0 s"),
        (45, "45 s"),
        (60, "1 min"),
        (38 * MINUTE + 59, "38 min"),
        (HOUR, "1 h 00"),
        (HOUR + 5 * MINUTE, "1 h 05"),
        (DAY - 1, "23 h 59"),
        (DAY, "1 d 0 h"),
        (51 * HOUR + 59 * MINUTE, "2 d 3 h"),
    ],
)
def test_duration(seconds: float, says: str) -> None:
    assert duration(seconds) == says


@given(st.integers(0, 10**9))
def test_both_stay_short(seconds: int) -> None:
    assert len(ago(NOW - timedelta(seconds=seconds), NOW)) <= len("yesterday")
    assert len(duration(seconds)) <= len("99999 d 23 h")
