"""What changed between two versions of a plan, as data for templates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

CONTEXT = 3
# Matching costs the square of what differs; beyond this the old text is gone and the new is new.
MOST_LINES = 1_500


class Line(NamedTuple):
    """One line of the comparison: `same`, `removed`, `added`, or `gap` for those left out."""

    kind: str
    text: str = ""
    hidden: int = 0


class StepChange(NamedTuple):
    """One step of the comparison: `same`, `removed`, `added` or `changed`.

    `number` counts the new version's steps from 1 and is 0 for a removed one.
    """

    kind: str
    number: int
    title: str
    detail: str
    old_title: str = ""
    old_detail: str = ""
    state: str = "todo"


Step = tuple[str, str]


def lines(old: str, new: str, *, context: int = CONTEXT) -> list[Line]:
    """The lines of `new` against `old`, with `context` unchanged ones around each change.

    Empty where nothing changed.
    """
    before, after = old.splitlines(), new.splitlines()
    if before == after:
        return []
    found: list[Line] = []
    opcodes = list(_opcodes(before, after))
    for place, (tag, i1, i2, j1, j2) in enumerate(opcodes):
        if tag == "equal":
            ends = (place == 0, place == len(opcodes) - 1)
            found += _unchanged(after[j1:j2], context, ends=ends)
            continue
        found += [Line("removed", text) for text in before[i1:i2]]
        found += [Line("added", text) for text in after[j1:j2]]
    return found


def _unchanged(texts: Sequence[str], context: int, *, ends: tuple[bool, bool]) -> list[Line]:
    head = 0 if ends[0] else context
    tail = 0 if ends[1] else context
    hidden = len(texts) - head - tail
    same = [Line("same", text) for text in texts]
    if hidden <= 1:
        return same
    return [*same[:head], Line("gap", hidden=hidden), *same[head + hidden :]]


def steps(old: Sequence[Step], new: Sequence[Step]) -> list[StepChange]:
    """The (title, detail) steps of `new` against `old`, in their order, the removed between them.

    Where steps were replaced by others, the first replaces the first, and so on.
    """
    found: list[StepChange] = []
    for tag, i1, i2, j1, j2 in _opcodes(old, new):
        if tag == "equal":
            found += [StepChange("same", j + 1, *new[j]) for j in range(j1, j2)]
            continue
        both = min(i2 - i1, j2 - j1)
        found += [
            StepChange("changed", j1 + place + 1, *new[j1 + place], *old[i1 + place])
            for place in range(both)
        ]
        found += [StepChange("removed", 0, *old[i]) for i in range(i1 + both, i2)]
        found += [StepChange("added", j + 1, *new[j]) for j in range(j1 + both, j2)]
    return found


Opcode = tuple[str, int, int, int, int]


def _opcodes(old: Sequence[object], new: Sequence[object]) -> Iterator[Opcode]:
    """Like difflib's, after the common start and end are set aside."""
    start, end = 0, 0
    least = min(len(old), len(new))
    while start < least and old[start] == new[start]:
        start += 1
    while end < least - start and old[-1 - end] == new[-1 - end]:
        end += 1
    if start:
        yield "equal", 0, start, 0, start
    before, after = old[start : len(old) - end], new[start : len(new) - end]
    if max(len(before), len(after)) > MOST_LINES:
        yield "replace", start, len(old) - end, start, len(new) - end
    else:
        matcher = SequenceMatcher(None, before, after)
        for tag, i1, i2, j1, j2 in matcher.get_opcodes():
            yield tag, i1 + start, i2 + start, j1 + start, j2 + start
    if end:
        yield "equal", len(old) - end, len(old), len(new) - end, len(new)
