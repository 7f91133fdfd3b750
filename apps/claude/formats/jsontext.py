"""JSON as JavaScript reads and writes it: strict on input, two-space indent on output."""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def loads(text: str) -> Any:
    """The value of a JSON text; ValueError for anything that `JSON.parse` would refuse."""
    try:
        return json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def dumps(value: Any) -> bytes:
    """The value as UTF-8, laid out as Claude Code lays out its files (no final newline).

    ValueError where it cannot be written.
    """
    try:
        return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False).encode()
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    except UnicodeEncodeError:
        # Half a surrogate pair has no UTF-8 form; an escape keeps it.
        return json.dumps(value, indent=2, allow_nan=False).encode()


def compact(value: Any) -> str:
    """The value on one line without blanks, as payloads inside a message are written."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def well_formed(text: str) -> str:
    """`text` with halves of surrogate pairs replaced, so that it can be encoded."""
    return LONE_SURROGATE.sub("\ufffd", text)


def storable(text: str) -> str:
    """`text` without what a database refuses: NUL and halves of surrogate pairs."""
    return well_formed(text).replace("\0", "")


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"{digits} is out of range")
    return number
