"""Small rules about text that several apps must agree on: mentions, task numbers, one-liners."""

from __future__ import annotations

import re
from collections.abc import Mapping

EVERYONE_WORDS = ("all", "everyone")

HANDLE = re.compile(r"@(\w[\w.-]*)")
TASK = re.compile(r"#([1-9][0-9]{0,8})(?!_*[^\W_]|[.][0-9])")
# What may not stand right before: the rest of an address or path, of an entity, of a heading.
NOT_BEFORE = {"@": "@/+", "#": "#&/=?@%+"}


def stands_alone(text: str, at: int) -> bool:
    """Whether the `@` or `#` at index `at` begins a word rather than continuing one."""
    before = at
    while before and text[before - 1] == "_":  # `_@hal_` is emphasis, `a_@hal` is an address
        before -= 1
    if before and text[before - 1].isalnum():
        return False
    return not (at and text[at - 1] in NOT_BEFORE[text[at]])


def fold(name: str) -> str:
    """The form in which names are compared, since they are unique ignoring case."""
    return name.casefold()


def handle_at(text: str, at: int, names: Mapping[str, str]) -> tuple[int, str] | None:
    """The index after the mention that begins at `at`, and its entry in `names` (folded keys).

    The longest reading that names somebody wins, so a final dot, hyphen or underscore belongs to
    the sentence unless it belongs to a name. None when nobody is meant.
    """
    match = HANDLE.match(text, at) if stands_alone(text, at) else None
    if match is None:
        return None
    handle = match[1]
    while handle:
        if entry := names.get(fold(handle)):
            return at + 1 + len(handle), entry
        if handle[-1] not in "._-":
            return None
        handle = handle[:-1]
    return None


def task_at(text: str, at: int) -> tuple[int, int] | None:
    """The index after the task number that begins at `at`, and the number."""
    match = TASK.match(text, at) if stands_alone(text, at) else None
    return (match.end(), int(match[1])) if match else None


def one_line(text: str, limit: int = 160) -> str:
    """`text` with every run of blanks as one space, cut with an ellipsis to `limit` characters."""
    # Only the start matters; twice the limit leaves room for blanks without reading a long body.
    line = " ".join(text[: limit * 4].split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def as_number(text: str, digits: int = 18) -> int | None:
    """The whole number that a text from outside is; None for any other text and a longer number."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= digits else None
