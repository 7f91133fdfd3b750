"""Reading a file that others write: bounded, inside its tree, and never with an exception."""

from __future__ import annotations

import errno
import os
import re
import stat
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .jsontext import loads
from .names import leads_into

KIB = 1024
MIB = 1024 * KIB
INBOX_LIMIT = 10 * MIB
TASK_LIMIT = 2 * MIB
CONFIG_LIMIT = 2 * MIB
KANBAN_LIMIT = 512 * KIB
META_LIMIT = 256 * KIB
WATERMARK_LIMIT = 64
# A reader may meet a file half-written or just removed: worth another look before telling anyone.
PASSING = frozenset({"missing", "torn"})
# What may stand at the end of a text that was cut inside a word, a number or an escape.
CUT_OFF = re.compile(
    r"\s*|t(ru?)?|f(a(ls?)?)?|n(ul?)?|-|\.|[eE][+-]?|\\?u?[0-9a-fA-F]{0,4}", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Problem:
    """A file, or an entry of it, that could not be used: a stable code and a sentence.

    Codes: missing, outside, bad_name, not_a_file, too_large, unreadable, not_text, torn, bad_json,
    wrong_shape, foreign, bad_rows, task_id_mismatch, task_id_collision, task_status_unknown,
    stale_kanban_task, stale_kanban_order.
    """

    path: Path
    code: str
    sentence: str

    @property
    def passing(self) -> bool:
        """Whether a second look a moment later may well succeed."""
        return self.code in PASSING


@dataclass(frozen=True, slots=True)
class Stamp:
    """A file's size in bytes and modification time, to notice a change without reading."""

    size: int
    mtime_ns: int

    @property
    def at(self) -> datetime:
        """The modification time in UTC."""
        return datetime.fromtimestamp(self.mtime_ns / 1e9, tz=UTC)


@dataclass(frozen=True, slots=True)
class Loaded:
    """The bytes of one read and the stamp that the file had then."""

    data: bytes
    stamp: Stamp


def read_bytes(path: Path, *, limit: int, within: Path | None = None) -> Loaded | Problem:
    """A regular file of at most `limit` bytes that is, links followed, inside `within`.

    Without `within` the file's own folder is the border.
    """
    if "\0" in str(path):
        return Problem(path, "bad_name", "The name cannot be a file name.")
    try:
        if not leads_into(within or path.parent, path):
            return _outside(path)
        return _open_and_read(path, limit)
    except OSError as error:
        return _os_problem(path, error)
    except ValueError:
        return Problem(path, "bad_name", "The name cannot be a file name.")


def read_at_once(path: Path, *, limit: int, within: Path) -> Loaded | Problem:
    """As `read_bytes`, for what may be gone in an instant: read first, then seen where it was.

    A link in the file's own place is not followed, so that nothing else can be opened by it.
    """
    try:
        found = _open_and_read(path, limit, os.O_NOFOLLOW)
    except OSError as error:
        return _os_problem(path, error)
    if not leads_into(within, path):
        return _outside(path)
    return found


def read_json(path: Path, limit: int, *, within: Path | None = None) -> Any | Problem:
    """The JSON value of a file, or the Problem that kept it from being read."""
    loaded = read_bytes(path, limit=limit, within=within)
    return loaded if isinstance(loaded, Problem) else decode(path, loaded.data)


def decode(path: Path, data: bytes) -> Any | Problem:
    """The JSON value of some bytes read from `path`, or the Problem with them."""
    try:
        content = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data":
            return _torn(path)
        return Problem(path, "not_text", "The file is not UTF-8 text.")
    try:
        return loads(content)
    except ValueError as error:
        if _ends_too_soon(content, error):
            return _torn(path)
        return Problem(path, "bad_json", f"The file is not JSON: {error}.")


def _outside(path: Path) -> Problem:
    return Problem(path, "outside", "A link leads out of the followed folder.")


def _torn(path: Path) -> Problem:
    return Problem(path, "torn", "The file ends in the middle; it may be half-written.")


def _ends_too_soon(content: str, error: ValueError) -> bool:
    position = getattr(error, "pos", None)
    if position is None:
        return False
    if str(error).startswith("Unterminated string"):
        return True
    return CUT_OFF.fullmatch(content, position) is not None


def _open_and_read(path: Path, limit: int, flags: int = 0) -> Loaded | Problem:
    # Not blocking: a pipe put in a file's place must not hold the reader.
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | flags)
    with os.fdopen(handle, "rb", buffering=0) as file:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            return Problem(path, "not_a_file", "This is not a regular file.")
        if status.st_size > limit:
            return _too_large(path, status.st_size, limit)
        data = b""
        while chunk := file.read(limit + 1 - len(data)):
            data += chunk
    if len(data) > limit:
        return _too_large(path, len(data), limit)
    return Loaded(data, Stamp(len(data), status.st_mtime_ns))


def _too_large(path: Path, size: int, limit: int) -> Problem:
    return Problem(path, "too_large", f"The file has {size:,} bytes; at most {limit:,} are read.")


def _os_problem(path: Path, error: OSError) -> Problem:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return Problem(path, "missing", "The file is not there.")
    if error.errno == errno.ENAMETOOLONG:
        return Problem(path, "bad_name", "The name is too long for a file name.")
    if error.errno in (errno.ENXIO, errno.EISDIR):
        return Problem(path, "not_a_file", "This is not a regular file.")
    return Problem(path, "unreadable", f"The file cannot be read: {error.strerror or error}.")
