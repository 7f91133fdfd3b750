"""Notice which team's files changed, without looking at anything else of a home."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path

from watchfiles import Change, watch

from apps.claude.formats import team_names

log = logging.getLogger(__name__)
ROOTS = ("teams", "tasks")
DEBOUNCE_MS = 60
STEP_MS = 10
LOOK_FOR_ROOTS_MS = 2_000


class Watcher(threading.Thread):
    """Calls `touched(path)` and `wake(folder)` soon after a file changed, until `stop` is set."""

    def __init__(
        self, home: Path, *, touched: Callable[[Path], object], wake: Callable[[str], object],
        stop: threading.Event,
    ) -> None:  # fmt: skip
        super().__init__(name="claude-watch", daemon=True)
        self.home, self.touched, self.wake, self.stop = home, touched, wake, stop

    def run(self) -> None:
        """Watch the folders that are there; start over when one comes or goes."""
        while not self.stop.is_set():
            roots = self._roots()
            if not roots:
                self.stop.wait(LOOK_FOR_ROOTS_MS / 1000)
                continue
            try:
                self._watch(roots)
            except OSError as error:
                log.warning("Watching %s failed (%s); trying again.", self.home, error)
                self.stop.wait(LOOK_FOR_ROOTS_MS / 1000)

    def _roots(self) -> dict[Path, int]:
        """The folders to watch with what tells them from later ones of the same name."""
        found = {}
        for name in ROOTS:
            path = self.home / name
            if path.is_dir():
                found[path] = path.stat().st_ino
        return found

    def _watch(self, roots: dict[Path, int]) -> None:
        changes = watch(
            *roots, watch_filter=_concerns_a_team, debounce=DEBOUNCE_MS, step=STEP_MS,
            rust_timeout=LOOK_FOR_ROOTS_MS, yield_on_timeout=True, stop_event=self.stop,
            raise_interrupt=False, ignore_permission_denied=True,
        )  # fmt: skip
        for batch in changes:
            paths = {path for change, path in batch if change != Change.deleted}
            for path in paths:
                self.touched(Path(path))
            for folder in {self._folder(path) for _, path in batch} - {""}:
                self.wake(folder)
            if self._roots() != roots:
                for folder in team_names(self.home):
                    self.wake(folder)
                return

    def _folder(self, path: str) -> str:
        for name in ROOTS:
            root = f"{self.home / name}{os.sep}"
            if path.startswith(root):
                return path[len(root) :].split(os.sep, 1)[0]
        return ""


def _concerns_a_team(change: Change, path: str) -> bool:
    """Locks and files that are being written come and go and mean nothing."""
    return not path.endswith((".lock", ".tmp"))
