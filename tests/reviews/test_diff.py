from __future__ import annotations

from difflib import SequenceMatcher

import pytest

from apps.reviews import diff
from apps.reviews.diff import Line, StepChange


def test_equal_texts_have_no_lines() -> None:
    assert diff.lines("a\nb", "a\nb") == []


def test_lines_with_context_and_gaps() -> None:
    old = "\n".join(str(n) for n in range(20))
    new = old.replace("10", "ten").replace("19", "19\n20")
    found = diff.lines(old, new)
    assert found == [
        Line("gap", hidden=7),
        Line("same", "7"),
        Line("same", "8"),
        Line("same", "9"),
        Line("removed", "10"),
        Line("added", "ten"),
        Line("same", "11"),
        Line("same", "12"),
        Line("same", "13"),
        Line("gap", hidden=3),
        Line("same", "17"),
        Line("same", "18"),
        Line("same", "19"),
        Line("added", "20"),
    ]


def test_both_texts_can_be_read_back_from_the_lines() -> None:
    old, new = "a\nb\nc\nd", "b\nx\nd\ne"
    found = diff.lines(old, new, context=100)
    assert "\n".join(line.text for line in found if line.kind != "added") == old
    assert "\n".join(line.text for line in found if line.kind != "removed") == new


def test_steps_added_removed_and_changed() -> None:
    old = [("Measure", ""), ("Cache totals", ""), ("Test", "one"), ("Remove", "")]
    new = [
        ("Measure", ""),
        ("Prefetch", "one query"),
        ("Test", "one"),
        ("Compare", ""),
        ("Remove", ""),
    ]
    assert diff.steps(old, new) == [
        StepChange("same", 1, "Measure", ""),
        StepChange("changed", 2, "Prefetch", "one query", "Cache totals", ""),
        StepChange("same", 3, "Test", "one"),
        StepChange("added", 4, "Compare", ""),
        StepChange("same", 5, "Remove", ""),
    ]
    assert diff.steps(new, old)[3] == StepChange("removed", 0, "Compare", "")


def test_a_changed_detail_changes_the_step() -> None:
    assert diff.steps([("Test", "one")], [("Test", "two")]) == [
        StepChange("changed", 1, "Test", "two", "Test", "one")
    ]


def test_from_nothing_and_to_nothing() -> None:
    assert diff.lines("", "a") == [Line("added", "a")]
    assert diff.steps([], [("A", "")]) == [StepChange("added", 1, "A", "")]
    assert diff.steps([("A", "")], []) == [StepChange("removed", 0, "A", "")]


def test_no_more_lines_than_some_are_matched(monkeypatch: pytest.MonkeyPatch) -> None:
    matched: list[int] = []

    def match(junk: None, old: list[str], new: list[str]) -> SequenceMatcher[str]:
        matched.append(max(len(old), len(new)))
        return SequenceMatcher(junk, old, new)

    monkeypatch.setattr(diff, "SequenceMatcher", match)
    same = "a\nb\n" * 700
    for old, new in ((same, "b\nc\n" * 700), ("x\n" * 32_000, "y\n" * 31_999), (same, same[::-1])):
        assert diff.lines(old, new)
    assert matched
    assert max(matched) <= diff.MOST_LINES
