"""Who a text addresses and which tasks it names."""

from __future__ import annotations

from collections.abc import Iterable

from apps.core import markdown

EVERYONE = markdown.EVERYONE


def mentioned(text: str, names: Iterable[str]) -> list[str]:
    """Those of `names` that `text` addresses as `@name`, in order, each once, as given.

    `@all` and `@everyone` stand as one `EVERYONE`, which no member can be called. Case does not
    matter. Code, e-mail addresses, link targets and `\\@name` address nobody; a handle that is
    nobody's name is plain text.
    """
    if "@" not in text:
        return []
    return markdown.references(text, names).names


def task_numbers(text: str) -> list[int]:
    """The numbers written as `#12` in `text`, in order, each once.

    Not in code, link targets, heading marks or inside a word.
    """
    if "#" not in text:
        return []
    return markdown.references(text).tasks
