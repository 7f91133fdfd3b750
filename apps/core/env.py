"""Reading the environment: every setting is optional, and a wrong one is named."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path
from typing import Any

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

TRUE = frozenset({"1", "true", "yes", "on"})
FALSE = frozenset({"0", "false", "no", "off", ""})


def flag(name: str, *, default: bool = False) -> bool:
    """A yes/no variable: 1, true, yes, on or 0, false, no, off."""
    raw = os.environ.get(name)
    if raw is None:
        return default
    word = raw.strip().lower()
    if word not in TRUE | FALSE:
        raise ImproperlyConfigured(f"{name}={raw!r}: write 1 or 0.")
    return word in TRUE


def integer(name: str, *, default: int, least: int = 0) -> int:
    """A whole number of at least `least`."""
    raw = os.environ.get(name, "").strip()
    if not raw:
        return default
    if not raw.isdecimal() or int(raw) < least:
        raise ImproperlyConfigured(f"{name}={raw!r}: write a whole number from {least} on.")
    return int(raw)


def words(name: str) -> list[str]:
    """A comma-separated list; blanks are dropped."""
    return [part.strip() for part in os.environ.get(name, "").split(",") if part.strip()]


def database(default: str) -> dict[str, Any]:
    """The database at `DATABASE_URL`, else at `default`, as the settings name it."""
    url = os.environ.get("DATABASE_URL", "").strip() or default
    try:
        return {**dj_database_url.parse(url, conn_max_age=None, conn_health_checks=True)}
    except ValueError:  # says the whole address, with the password that may be in it
        raise ImproperlyConfigured(
            "DATABASE_URL is no address of a database: write postgres://user:password@host/name."
        ) from None


def redis_database(url: str) -> int:
    """The number of the database that a `REDIS_URL` names, 0 where it names none."""
    from redis.connection import parse_url

    try:
        return int(parse_url(url).get("db", 0))  # type: ignore[no-untyped-call]
    except ValueError:
        raise ImproperlyConfigured(
            "REDIS_URL is no address of a Redis: write redis://:password@host:6379/0."
        ) from None


def private(directory: Path) -> Path:
    """The directory, made where it is missing, for its owner alone."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ImproperlyConfigured(f"Cannot make {directory}: {error.strerror}.") from error
    return directory


def secret_key(data_dir: Path) -> str:
    """`SECRET_KEY`, else the key kept in the data directory (made on first use, mode 0600)."""
    if given := os.environ.get("SECRET_KEY", "").strip():
        return given
    path = private(data_dir) / "secret_key"
    if not path.exists():
        fresh = path.with_name(f"secret_key.{secrets.token_hex(4)}")
        with os.fdopen(os.open(fresh, os.O_CREAT | os.O_WRONLY, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(50))
        with contextlib.suppress(FileExistsError):  # another process was first: its key stands
            os.link(fresh, path)
        fresh.unlink()
    return path.read_text().strip()
