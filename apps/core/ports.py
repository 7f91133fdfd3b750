"""Where upper apps plug into `up`, which knows none of them; filled by their `AppConfig.ready`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol


class Part(Protocol):
    """Something that runs beside the server: told the site's address and the options of `up`."""

    def __call__(
        self, *, address: str, options: dict[str, Any], write: Callable[[str], Any]
    ) -> None:
        """Start it, usually in a thread or a process of its own, and return at once."""


beside_the_server: list[Part] = []
first_run: list[Callable[[], str | None]] = []


def first_run_paths() -> list[str]:
    """The paths that a new installation should open first."""
    return [path for ask in first_run if (path := ask())]
