from __future__ import annotations

import pytest

from apps.core.closest import closest

NAMES = ["Alice", "Bob", "Hal", "Iris", "review-bot", "review-bot-2", "alina"]


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("alcie", ["Alice", "alina"]),
        ("ALICE", ["Alice", "alina"]),
        ("al", ["Alice", "alina", "Hal"]),
        ("hall", ["Hal"]),
        ("reviewbot", ["review-bot", "review-bot-2"]),
        ("irs", ["Iris"]),
        ("zzz", []),
        ("", []),
        ("  ", []),
    ],
)
def test_closest(word: str, found: list[str]) -> None:
    assert closest(word, NAMES) == found


def test_a_start_of_a_name_beats_a_name_spelled_alike() -> None:
    assert closest("rev", ["ref", "review-bot"]) == ["review-bot", "ref"]


def test_at_most_n_each_once_and_equals_by_the_alphabet() -> None:
    names = ["agent-3", "agent-1", "agent-2", "agent-1"]
    assert closest("agent-9", names, n=2) == ["agent-1", "agent-2"]
    assert closest("agent", names) == ["agent-1", "agent-2", "agent-3"]


def test_an_absurd_word_costs_nothing() -> None:
    assert closest("x" * 1_000_000, ["y" * 1_000_000]) == []
