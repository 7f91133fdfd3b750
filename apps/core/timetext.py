"""Ages and durations in a few characters, by rules that a page's script can repeat exactly.

Everything counts in whole elapsed seconds and divides downwards; no calendar, no time zone.

| `ago`: elapsed is under | reads     | | `duration`: under | reads     |
|-------------------------|-----------| |-------------------|-----------|
| 60 s (or in the future) | just now  | | 60 s              | 45 s      |
| 3 600 s                 | 42 min    | | 3 600 s           | 38 min    |
| 86 400 s                | 3 h       | | 86 400 s          | 1 h 05    |
| 172 800 s               | yesterday | | else              | 2 d 3 h   |
| 14 days                 | 9 d       |
| 70 days                 | 5 w       |
| 730 days                | 8 mo      |
| else                    | 2 y       |

A week is 7 days, a month 30, a year 365.
"""

from __future__ import annotations

from datetime import datetime

MINUTE, HOUR, DAY = 60, 3_600, 86_400

# (elapsed is under, unit in seconds, its sign); "yesterday" is the one line that is a word.
STEPS = (
    (HOUR, MINUTE, "min"),
    (DAY, HOUR, "h"),
    (14 * DAY, DAY, "d"),
    (70 * DAY, 7 * DAY, "w"),
    (730 * DAY, 30 * DAY, "mo"),
)


def ago(moment: datetime, now: datetime) -> str:
    """How long before `now` the `moment` was; both must know their time zone."""
    elapsed = int((now - moment).total_seconds())
    if elapsed < MINUTE:
        return "just now"
    if DAY <= elapsed < 2 * DAY:
        return "yesterday"
    for limit, unit, sign in STEPS:
        if elapsed < limit:
            return f"{elapsed // unit} {sign}"
    return f"{elapsed // (365 * DAY)} y"


def before(moment: datetime, now: datetime) -> str:
    """The same within a sentence: `3 h ago`; the words stay as they are."""
    since = ago(moment, now)
    return f"{since} ago" if since[0].isdigit() else since


def duration(seconds: float) -> str:
    """A length of time; negative ones read as `0 s`."""
    whole = max(0, int(seconds))
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min"
    if whole < DAY:
        return f"{whole // HOUR} h {whole % HOUR // MINUTE:02d}"
    return f"{whole // DAY} d {whole % DAY // HOUR} h"
