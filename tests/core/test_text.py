from __future__ import annotations

import pytest

from apps.core.text import as_number, fold, handle_at, one_line, task_at

NAMES = {fold(name): name for name in ("hal", "Hal.9000", "ops_lead", "tail_")}


@pytest.mark.parametrize(
    ("text", "name", "length"),
    [
        ("@hal", "hal", 4),
        ("@HAL!", "hal", 4),
        ("@hal.", "hal", 4),
        ("@hal...", "hal", 4),
        ("@hal.9000.", "Hal.9000", 9),
        ("@hal_", "hal", 4),
        ("@tail_", "tail_", 6),
        ("@hal-.-_", "hal", 4),
        ("@ops_lead's", "ops_lead", 9),
    ],
)
def test_the_longest_reading_that_names_somebody_wins(text: str, name: str, length: int) -> None:
    assert handle_at(text, 0, NAMES) == (length, name)


@pytest.mark.parametrize("text", ["@", "@ hal", "@halo", "@hal.org", "@-hal", "@.hal", "@@hal"])
def test_other_handles_are_text(text: str) -> None:
    assert handle_at(text, 0, NAMES) is None


@pytest.mark.parametrize(
    "before", ["", " ", "(", "_", "__", "*", ".", ",", "\n", ":", '"', "\u00a0"]
)
def test_what_may_stand_before(before: str) -> None:
    assert handle_at(f"{before}@hal", len(before), NAMES) is not None
    assert task_at(f"{before}#12", len(before)) is not None


@pytest.mark.parametrize("before", ["a", "7", "é", "a_", "@", "/", "+"])
def test_what_may_not_stand_before(before: str) -> None:
    assert handle_at(f"{before}@hal", len(before), NAMES) is None
    assert task_at(f"{before}#12", len(before)) is None


@pytest.mark.parametrize("before", ["#", "&", "=", "?", "%"])
def test_what_may_not_stand_before_a_number(before: str) -> None:
    assert task_at(f"{before}#12", len(before)) is None


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("#12", 12),
        ("#12.", 12),
        ("#12,13", 12),
        ("#12-14", 12),
        ("#12)", 12),
        ("#12_", 12),
        ("#999999999", 999_999_999),
        ("#0", None),
        ("#012", None),
        ("#1.2", None),
        ("#12b", None),
        ("#12_b", None),
        ("#1234567890", None),
        ("#", None),
        ("#twelve", None),
        ("#١٢", None),
    ],
)
def test_task_numbers(text: str, number: int | None) -> None:
    found = task_at(text, 0)
    assert (found and found[1]) == number


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", ""),
        ("  a \n\t b\r\n", "a b"),
        ("abcdef", "abcdef"),
        ("abcdefg", "abcde…"),
        ("abcd efg", "abcd…"),
        (" " * 100 + "late", ""),
    ],
)
def test_one_line(text: str, line: str) -> None:
    assert one_line(text, 6) == line


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12", 12), ("0", 0), ("9" * 18, 10**18 - 1),
        ("", None), ("-1", None), ("1.5", None), (" 1", None), ("x", None), ("²", None),
        ("٣", None),
        ("9" * 19, None), ("9" * 5000, None), ("0" * 5000, None),
    ],
)  # fmt: skip
def test_a_text_from_outside_is_a_number_or_none(text: str, number: int | None) -> None:
    assert as_number(text) == number
    assert as_number(text, 1) == (number if len(text) == 1 else None)
