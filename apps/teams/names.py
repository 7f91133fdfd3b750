"""What a team or a member may be called."""

from __future__ import annotations

import re
import unicodedata

from apps.core.errors import Invalid
from apps.core.text import fold

RESERVED = frozenset({"user", "system", "all", "everyone", "me"})
RESERVED_SLUGS = frozenset({"new"})  # `/teams/new/` is the form for a new team
SLUG = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
MEMBER = re.compile(r"[^\W_][\w.-]{0,63}")
SLUG_RULE = "Use 1–64 of a–z, 0–9, “-”, “_” and “.”, starting with a letter or digit."
MEMBER_RULE = (
    "Use 1–64 letters, digits, “-”, “_” and “.”, starting with a letter or digit and not ending "
    "with “.”."
)


def check_slug(slug: str) -> str:
    """`slug` where it is one, else Invalid."""
    if not SLUG.fullmatch(slug):
        raise Invalid(fields={"slug": SLUG_RULE})
    if slug in RESERVED_SLUGS:
        raise Invalid(fields={"slug": f"“{slug}” is reserved; choose another address."})
    return slug


def check_member_name(name: str) -> str:
    """`name` where a new seat may have it, else Invalid."""
    name = unicodedata.normalize("NFC", name.strip())
    if fold(name) in RESERVED:
        raise Invalid(fields={"name": f"“{name}” is reserved; choose another name."})
    if not MEMBER.fullmatch(name) or name.endswith("."):
        raise Invalid(fields={"name": MEMBER_RULE})
    return name


def seat_name(wanted: str) -> str:
    """A name that a seat may have, made of any text such as a user name."""
    plain = unicodedata.normalize("NFC", wanted.strip())
    name = re.sub(r"[^\w.-]+", "-", plain).lstrip("_.-")[:64].rstrip(".-") or "member"
    return f"{name}-1" if fold(name) in RESERVED else name


def suggest_slug(name: str) -> str:
    """A slug made of a free-text name; may be empty."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9._]+", "-", plain).strip("-._")[:64].rstrip("-._")
