"""One way to read a JSON object into a frozen dataclass and to write it back unharmed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Self

from .times import moment, to_iso, to_ms


def same(value: Any) -> Any:
    """A value that is written as it is kept."""
    return value


def alike(one: Any, other: Any) -> bool:
    """Whether two values are equal in JSON too, where 1 and true differ."""
    return bool(one == other) and repr(one) == repr(other)


@dataclass(frozen=True, slots=True)
class Key:
    """How one attribute is spelled in the file (native name first, aliases after) and converted.

    `read` gets None where the key is absent and never raises; `always` keys are written into new
    objects even when empty.
    """

    attr: str
    names: tuple[str, ...]
    read: Callable[[Any], Any]
    write: Callable[[Any], Any] = same
    always: bool = False

    def find(self, raw: Mapping[str, Any]) -> Any:
        """The value under the first of the names that holds one."""
        for name in self.names:
            value = raw.get(name)
            if value is not None:
                return value
        return None


@dataclass(frozen=True, kw_only=True)
class Record:
    """A typed view of one JSON object: `extra` holds the keys that it does not know.

    What `parse` read, `native` writes again with the same keys in the same order; only values
    that were changed since (by `dataclasses.replace`) differ.
    """

    KEYS: ClassVar[tuple[Key, ...]] = ()
    by_name: ClassVar[dict[str, Key]] = {}

    extra: dict[str, Any] = field(default_factory=dict, hash=False)
    raw: dict[str, Any] | None = field(default=None, compare=False, repr=False)

    def __init_subclass__(cls) -> None:
        cls.by_name = {name: key for key in cls.KEYS for name in key.names}

    @classmethod
    def parse(cls, raw: dict[str, Any], **given: Any) -> Self:
        """The object as a record; wrong types read as absent. `given` sets what is not in it."""
        values = {key.attr: key.read(key.find(raw)) for key in cls.KEYS}
        extra = {name: value for name, value in raw.items() if name not in cls.by_name}
        return cls(**{**values, **given}, extra=extra, raw=raw)

    def native(self) -> dict[str, Any]:
        """The JSON object to write. Its nested values are shared with this record: do not edit."""
        out: dict[str, Any] = {}
        raw = self.raw or {}
        for name, old in raw.items():
            self._rewrite(out, name, old)
        for key in self.KEYS:
            if not any(name in raw for name in key.names):
                self._add(out, key)
        added = {name: value for name, value in self.extra.items() if name not in out}
        return out | added

    def _rewrite(self, out: dict[str, Any], name: str, old: Any) -> None:
        key = self.by_name.get(name)
        if key is None:
            if name in self.extra:
                out[name] = self.extra[name]
            return
        value = getattr(self, key.attr)
        if alike(value, key.read(key.find(self.raw or {}))):
            out[name] = old
        elif value is not None:
            out[name] = key.write(value)

    def _add(self, out: dict[str, Any], key: Key) -> None:
        value = getattr(self, key.attr)
        if not alike(value, key.read(None)) or (key.always and self.raw is None):
            out[key.names[0]] = key.write(value)


def string(value: Any) -> str | None:
    """A string, else None."""
    return value if isinstance(value, str) else None


def string_or_blank(value: Any) -> str:
    """A string, else the empty one."""
    return value if isinstance(value, str) else ""


def ref(value: Any) -> str | None:
    """An id: a string, or a whole number as a string; else None."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) else None


def flag(value: Any) -> bool:
    """True only for true."""
    return value is True


def maybe_flag(value: Any) -> bool | None:
    """A boolean, else None."""
    return value if isinstance(value, bool) else None


def integer(value: Any) -> int | None:
    """A whole number, else None."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def refs(value: Any) -> tuple[str, ...]:
    """The non-empty ids of a list, without a leading `#`; whatever else is in it is left out."""
    if not isinstance(value, list):
        return ()
    found = (ref(item) for item in value)
    return tuple(item.removeprefix("#") for item in found if item and item != "#")


def objects(value: Any) -> tuple[dict[str, Any], ...]:
    """The objects of a list."""
    if not isinstance(value, list):
        return ()
    return tuple(item for item in value if isinstance(item, dict))


def mapping(value: Any) -> dict[str, Any]:
    """An object, else an empty one."""
    return value if isinstance(value, dict) else {}


def time_key(attr: str, *names: str, milliseconds: bool = False) -> Key:
    """A key that holds a time, written as epoch milliseconds or as ISO text."""
    write: Callable[[datetime], Any] = to_ms if milliseconds else to_iso
    return Key(attr, names, moment, write)
