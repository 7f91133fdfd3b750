"""What is looked for: words, and phrases between quotes."""

from __future__ import annotations

import pytest

from apps.core.search import words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("plan", ["plan"]),
        (" a  plan ", ["plan", "a"]),
        ("two of two Of", ["two", "Of"]),
        ('"two of us"', ["two of us"]),
        ('say "two of us" aloud', ["two of us", "aloud", "say"]),
        ("“two of us” „them“", ["two of us", "them"]),
        ('"still open', ["still open"]),
        ('""', ['""']),
        ('"', ['"']),
        ("a\0b", ["ab"]),
        ("don't", ["don't"]),
    ],
)
def test_words(text: str, found: list[str]) -> None:
    assert words(text) == found
