"""One follower a home: two would write every message twice."""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings


class AlreadyFollowed(Exception):
    """Another process follows the home already."""


@contextmanager
def only_one(home: Path) -> Iterator[None]:
    """Hold the right to follow `home` for this data directory, else AlreadyFollowed."""
    name = hashlib.sha256(str(home.resolve()).encode()).hexdigest()[:16]
    settings.DATA_DIR.mkdir(parents=True, exist_ok=True)
    with (settings.DATA_DIR / f"follow-{name}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise AlreadyFollowed(f"{home} is already followed by another process.") from None
        yield
