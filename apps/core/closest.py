"""Names that a mistyped one may have meant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher

LONGEST = 64
ALIKE = 0.6


def closest(word: str, names: Iterable[str], n: int = 3) -> list[str]:
    """Up to `n` of `names` that resemble `word` ignoring case, best first.

    A name that starts with `word` comes before one that is merely spelled alike; equals keep the
    alphabet's order. Empty when nothing is near.
    """
    wanted = word.strip().casefold()[:LONGEST]
    if not wanted:
        return []
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(wanted)
    scored = ((_score(matcher, wanted, name.casefold()[:LONGEST]), name) for name in set(names))
    near = sorted((-score, name) for score, name in scored if score >= ALIKE)
    return [name for _, name in near[:n]]


def did_you_mean(near: Sequence[str]) -> str:
    """A question to append to a sentence; empty where nothing is near."""
    return f" Did you mean {' or '.join(near)}?" if near else ""


def _score(matcher: SequenceMatcher[str], wanted: str, name: str) -> float:
    matcher.set_seq1(name)
    if name.startswith(wanted):
        return 1 + len(wanted) / len(name)
    if matcher.real_quick_ratio() < ALIKE or matcher.quick_ratio() < ALIKE:
        return 0.0
    return matcher.ratio()
