"""The kernel's own word that a file was written, for what cannot wait for anything slower."""

from __future__ import annotations

import ctypes
import os
import select
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

CLOSE_WRITE, MOVED_TO, CREATE, ONLY_DIRECTORIES = 0x08, 0x80, 0x100, 0x01000000
IGNORED, IS_FOLDER = 0x8000, 0x40000000
HEADER = struct.Struct("iIII")
BUFFER_BYTES = 64 * 1024
LOOK_UP_MS = 500


class Inotify(threading.Thread):
    """Calls `written(path)` as soon as a file in a watched folder was written.

    Linux only: elsewhere `watch` does nothing, and whoever needs it has to make do without.
    """

    def __init__(self, written: Callable[[Path], object], stop: threading.Event) -> None:
        super().__init__(name="claude-inotify", daemon=True)
        self.written, self.stop = written, stop
        # By the kernel's number of a watch: the folder, and how many levels below it are watched.
        self._folders: dict[int, tuple[Path, int]] = {}
        self._libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
        self._handle = self._libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK) if self._libc else -1

    def watch(self, folder: Path, *, below: int = 0) -> None:
        """Watch a folder from now on; again is harmless, and so is one that is not there.

        So many levels of folders `below` it are watched too, also those that are made later.
        """
        if self._libc is None or self._handle < 0 or not folder.is_dir():
            return
        mask = CLOSE_WRITE | MOVED_TO | ONLY_DIRECTORIES | (CREATE if below else 0)
        watch = self._libc.inotify_add_watch(self._handle, os.fsencode(folder), mask)
        if watch >= 0:
            self._folders[watch] = folder, below
            for path in _listed(folder) if below else ():
                self.watch(path, below=below - 1)

    def run(self) -> None:
        """Report until `stop` is set."""
        if self._handle < 0:
            return
        poll = select.poll()
        poll.register(self._handle, select.POLLIN)
        try:
            while not self.stop.is_set():
                if poll.poll(LOOK_UP_MS):
                    self._report(os.read(self._handle, BUFFER_BYTES))
        finally:
            os.close(self._handle)
            self._handle = -1

    def _report(self, data: bytes) -> None:
        at = 0
        paths: dict[Path, None] = {}
        while at < len(data):
            watch, mask, _, length = HEADER.unpack_from(data, at)
            at += HEADER.size
            name = data[at : at + length].rstrip(b"\0")
            at += length
            folder, below = self._folders.get(watch, (None, 0))
            if mask & IGNORED:
                self._folders.pop(watch, None)
            elif folder is None or not name:
                continue
            elif not mask & IS_FOLDER:
                paths[folder / os.fsdecode(name)] = None
            elif below:
                paths |= dict.fromkeys(self._entered(folder / os.fsdecode(name), below - 1))
        for path in paths:
            self.written(path)

    def _entered(self, folder: Path, below: int) -> Iterator[Path]:
        """The files of a new folder, which may be older than the watch on it."""
        self.watch(folder, below=below)
        for path in _listed(folder):
            if path.is_file():
                yield path
            elif below and path.is_dir():
                yield from self._entered(path, below - 1)


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []
