"""Names that come from outside: what may become a path, what may become a slug."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Container
from pathlib import Path

LONGEST_NAME = 255
LONGEST_SLUG = 64
SESSION_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
SESSION_TEAM = re.compile(r"session-[0-9a-f]{8}")


def safe_name(name: str) -> bool:
    """Whether `name` is one path component: 1 to 255 bytes, no slash or NUL, not `.` or `..`."""
    if name in {"", ".", ".."} or any(char in name for char in "/\\\0"):
        return False
    try:
        return len(name.encode()) <= LONGEST_NAME
    except UnicodeEncodeError:
        return False


def contained(base: Path, name: str, *, suffix: str = "") -> Path | None:
    """`base/name+suffix`, or None where that is no plain name or leads out of `base` by a link."""
    if not safe_name(name) or not safe_name(name + suffix):
        return None
    path = base / (name + suffix)
    return path if leads_into(base, path) else None


def leads_into(base: Path, path: Path) -> bool:
    """Whether `path`, every link followed, is `base` or below it; it need not exist."""
    try:
        root, real = os.path.realpath(base), os.path.realpath(path)
    except (OSError, ValueError):
        return False
    return real == root or real.startswith(root.rstrip(os.sep) + os.sep)


def is_session_id(name: str) -> bool:
    """Whether a folder of tasks belongs to a solo session: those are named by a UUID."""
    return SESSION_ID.fullmatch(name.lower()) is not None


def is_session_team(name: str) -> bool:
    """Whether a team was made by its session rather than by someone who chose a name."""
    return SESSION_TEAM.fullmatch(name) is not None


def file_form(name: str) -> str:
    """The spelling under which a member's inbox may be found: other characters become dashes."""
    return re.sub(r"[^a-z0-9_-]", "-", name.casefold())


def slug_for(name: str, taken: Container[str] = ()) -> str:
    """A slug for any name: at most 64 of `a-z 0-9 - _ .`, a letter or digit first, not in `taken`.

    The same name and the same `taken` always give the same slug.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9_.]+", "-", plain).lstrip("-_.")[:LONGEST_SLUG].rstrip("-_.") or "team"
    candidate, number = slug, 1
    while candidate in taken:
        number += 1
        tail = f"-{number}"
        candidate = slug[: LONGEST_SLUG - len(tail)].rstrip("-_.") + tail
    return candidate
