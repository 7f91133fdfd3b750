"""The kernel's own word that a file was written, for what cannot wait for anything slower."""

from __future__ import annotations

import ctypes
import os
import select
import struct
import sys
import threading
from collections.abc import Callable
from pathlib import Path

CLOSE_WRITE, MOVED_TO, ONLY_DIRECTORIES = 0x08, 0x80, 0x01000000
HEADER = struct.Struct("iIII")
BUFFER_BYTES = 64 * 1024
LOOK_UP_SECONDS = 0.5


class Inotify(threading.Thread):
    """Calls `written(path)` as soon as a file in one of the watched folders was written.

    Linux only: elsewhere `watch` does nothing, and whoever needs it has to make do without.
    """

    def __init__(self, written: Callable[[Path], object], stop: threading.Event) -> None:
        super().__init__(name="claude-inotify", daemon=True)
        self.written, self.stop = written, stop
        self._folders: dict[int, Path] = {}
        self._libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
        self._handle = self._libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK) if self._libc else -1

    def watch(self, folder: Path) -> None:
        """Watch a folder from now on; again is harmless, and so is one that is not there."""
        if self._libc is None or self._handle < 0 or not folder.is_dir():
            return
        mask = CLOSE_WRITE | MOVED_TO | ONLY_DIRECTORIES
        watch = self._libc.inotify_add_watch(self._handle, os.fsencode(folder), mask)
        if watch >= 0:
            self._folders[watch] = folder

    def run(self) -> None:
        """Report until `stop` is set."""
        if self._handle < 0:
            return
        try:
            while not self.stop.is_set():
                ready, _, _ = select.select([self._handle], [], [], LOOK_UP_SECONDS)
                if ready:
                    self._report(os.read(self._handle, BUFFER_BYTES))
        finally:
            os.close(self._handle)
            self._handle = -1

    def _report(self, data: bytes) -> None:
        at = 0
        paths: dict[Path, None] = {}
        while at < len(data):
            watch, _, _, length = HEADER.unpack_from(data, at)
            at += HEADER.size
            name = data[at : at + length].rstrip(b"\0")
            at += length
            if watch in self._folders and name:
                paths[self._folders[watch] / os.fsdecode(name)] = None
        for path in paths:
            self.written(path)
