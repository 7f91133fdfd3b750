"""Writing into files that others write too, so that nobody's words are lost."""

from __future__ import annotations

import ctypes
import errno
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from apps.claude.formats import Problem, loads, read_bytes
from apps.claude.formats.names import leads_into

STALE_SECONDS = 10.0
PATIENCE_SECONDS = 2.0
# Nobody tells when a lock is given back or a file is whole: there is nothing but to look again.
LOCK_SECONDS = 0.01
WHOLE_SECONDS = 0.003
SETTLE_LOOKS = 5
SETTLE_SECONDS = 0.01
AT_FDCWD = -100
RENAME_EXCHANGE = 2
REASONS = {
    errno.EACCES: "Whoever follows the files may not write here (permission denied).",
    errno.EPERM: "Whoever follows the files may not write here (not permitted).",
    errno.EROFS: "The disk is mounted read-only.",
    errno.ENOSPC: "The disk is full.",
    errno.EDQUOT: "The disk quota is used up.",
}
_held: set[Path] = set()
# Makes the new content of a file, None to leave it alone: out of what is there (None where there is
# no file), and of pairs (before, after) of what others wrote that was hidden by our own writing.
Change = Callable[[bytes | None, list[tuple[bytes, bytes]]], bytes | None]


class NotWritten(Exception):
    """The file could not be written now; the sentence says why, `passing` whether to try again."""

    def __init__(self, sentence: str, *, passing: bool) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.passing = passing


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock that Claude Code uses for a file: a directory of its name with `.lock`.

    One that nobody touched for ten seconds was left behind. NotWritten where it is not to be had.
    """
    lock = path.with_name(path.name + ".lock")
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not _take(lock):
        _break_stale(lock)
        if time.monotonic() > deadline:
            raise NotWritten(f"{lock.name} is held by another process.", passing=True)
        time.sleep(LOCK_SECONDS)
    _held.add(lock)
    try:
        yield
    finally:
        _held.discard(lock)
        with suppress(OSError):
            lock.rmdir()


def is_locked_by_others(path: Path) -> bool:
    """Whether somebody else holds the lock of a file now, and so heeds locks at all."""
    lock = path.with_name(path.name + ".lock")
    return lock not in _held and lock.exists() and lock not in _held


def _take(lock: Path) -> bool:
    try:
        lock.mkdir()
    except FileExistsError:
        return False
    except OSError as error:
        raise refusal(error) from None
    return True


def _break_stale(lock: Path) -> None:
    with suppress(OSError):
        if time.time() - lock.stat().st_mtime > STALE_SECONDS:
            lock.rmdir() if lock.is_dir() else lock.unlink()


def refusal(error: OSError) -> NotWritten:
    """What the system's refusal means for people, and whether waiting may help."""
    sentence = REASONS.get(error.errno or 0, f"It cannot be written: {error.strerror or error}.")
    return NotWritten(sentence, passing=error.errno not in REASONS)


def make_folder(folder: Path) -> None:
    """The folder, made where it is not there yet; NotWritten where that may not be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise refusal(error) from None


def rewrite(path: Path, change: Change, *, home: Path, limit: int) -> bytes | None:
    """Replace a file's content by what `change` makes of it, whole or not at all.

    Others may write at the same time, with or without the lock: whatever they put there while we
    write is found again and handed to `change`. Returns the content as it is read back while the
    lock is still held; NotWritten says what stands against it.
    """
    if not leads_into(home, path):
        raise NotWritten("A link leads out of the followed folder.", passing=False)
    with locked(path):
        return _Rewriting(path, change, home, limit).run()


class _Rewriting:
    """One rewriting, the lock being held."""

    def __init__(self, path: Path, change: Change, home: Path, limit: int) -> None:
        self.path, self.change, self.home, self.limit = path, change, home, limit
        # What others wrote while ours was put in its place: nobody but us has seen it.
        self.hidden: list[tuple[bytes, bytes]] = []
        self.puts = 0

    def run(self) -> bytes | None:
        self._write()
        if self.hidden:
            self._settle()
        return self._now()

    def _settle(self) -> None:
        """Who read ours before the hidden content was back may still write without it."""
        quiet, deadline = 0, time.monotonic() + PATIENCE_SECONDS
        while quiet < SETTLE_LOOKS and time.monotonic() < deadline:
            time.sleep(SETTLE_SECONDS)
            puts = self.puts
            self._write()
            quiet = quiet + 1 if self.puts == puts else 0

    def _write(self) -> bytes | None:
        there = base = self._now()
        deadline = time.monotonic() + PATIENCE_SECONDS
        # What is hidden would be lost if we gave up.
        while time.monotonic() < deadline or self.hidden:
            wanted = self._wanted(base, there)
            if wanted is None or wanted == there:
                return there
            self.puts += 1
            swapped, displaced = _put(self.path, there, wanted)
            if not swapped:  # it is another content by now
                there = base = self._now()
            elif displaced == there:
                return wanted
            else:
                self.hidden.append((base or b"", displaced or b""))
                there, base = wanted, displaced
        raise NotWritten("Others write it all the time.", passing=True)

    def _wanted(self, base: bytes | None, there: bytes | None) -> bytes | None:
        try:
            return self.change(base, self.hidden)
        except NotWritten:
            # Theirs is nothing that ours can be added to, so it goes back to where it was.
            if self.hidden and base is not None:
                _put(self.path, there, base)
            raise

    def _now(self) -> bytes | None:
        return _content(self.path, self.limit, self.home)


def _content(path: Path, limit: int, home: Path) -> bytes | None:
    """What is there, waiting for a writer who is in the middle of it."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        found = read_bytes(path, limit=limit, within=home)
        if isinstance(found, Problem):
            if found.code == "missing":
                return None
            raise NotWritten(found.sentence, passing=False)
        if _is_whole(found.data):
            return found.data
        if time.monotonic() > deadline:
            raise NotWritten("The file is not JSON, or half-written.", passing=True)
        time.sleep(WHOLE_SECONDS)


def _put(path: Path, there: bytes | None, wanted: bytes) -> tuple[bool, bytes | None]:
    """Put `wanted` in place and tell what it displaced; False where the file came or went."""
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with fresh.open("xb") as file:
            # Not synced: it would keep the file's place open to others for milliseconds, and what
            # a power failure takes is noticed and written again.
            file.write(wanted)
        if there is None:
            return _link(fresh, path), None
        with suppress(OSError):
            fresh.chmod(path.stat().st_mode & 0o777)
        # Writing took its time: with another look, somebody who wrote meanwhile keeps their place.
        if _differs(path, there):
            return False, None
        if not _exchange(fresh, path):
            return False, None
        return True, _settled(fresh, there)
    except OSError as error:
        raise refusal(error) from None
    finally:
        with suppress(OSError):
            fresh.unlink()


def _differs(path: Path, there: bytes) -> bool:
    try:
        return path.read_bytes() != there
    except FileNotFoundError:
        return True


def _link(fresh: Path, path: Path) -> bool:
    try:
        os.link(fresh, path)
    except FileExistsError:
        return False
    return True


def _settled(aside: Path, there: bytes) -> bytes:
    """What was displaced, once whoever still writes into it has finished."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        data = aside.read_bytes()
        if data == there or _is_whole(data) or time.monotonic() > deadline:
            return data
        time.sleep(WHOLE_SECONDS)


def _is_whole(data: bytes) -> bool:
    try:
        loads(data.decode("utf-8-sig"))
    except ValueError:
        return False
    return True


def _exchange(fresh: Path, path: Path) -> bool:
    """Swap two files in one step, so that whatever stood at `path` is kept; False if it is gone."""
    one, other = os.fsencode(fresh), os.fsencode(path)
    if _libc is None or _libc.renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE) != 0:
        code = ctypes.get_errno() if _libc else errno.ENOSYS
        if code == errno.ENOENT:
            return False
        if code not in (errno.EINVAL, errno.ENOSYS):
            raise OSError(code, os.strerror(code), str(path))
        return _replace(fresh, path)
    return True


def _replace(fresh: Path, path: Path) -> bool:
    """The same where the system cannot swap: a writer in the same instant would be lost."""
    try:
        displaced = path.read_bytes()
    except FileNotFoundError:
        return False
    fresh.replace(path)
    fresh.write_bytes(displaced)
    return True


def _find_libc() -> ctypes.CDLL | None:
    libc = ctypes.CDLL(None, use_errno=True)
    return libc if hasattr(libc, "renameat2") else None


_libc = _find_libc()
