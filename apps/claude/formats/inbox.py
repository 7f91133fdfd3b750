"""Inboxes: one JSON array per recipient, its rows in the order of their arrival."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from .disk import INBOX_LIMIT, Problem, Stamp, decode, read_bytes
from .jsontext import well_formed
from .payloads import SHAPES, encode, kind_of, parse_payload
from .records import Key, Record, flag, string, string_or_blank
from .times import moment, to_iso

AGENT_ONLY = re.compile(r"<info_for_agent>.*?</info_for_agent>\s*", re.DOTALL)
CROSS_TEAM = re.compile(r"\A\s*<cross-team\b[^>]*/>\s*")
NO_TASK = re.compile(r"\s?#00000000\b")


@dataclass(frozen=True, kw_only=True)
class InboxRow(Record):
    """One message as it lies in a recipient's file; who received it is the file's name."""

    sender: str
    text: str
    timestamp: str
    read: bool = False
    summary: str | None = None
    color: str | None = None
    message_id: str | None = None
    msg_id: str | None = None
    to: str | None = None
    source: str | None = None
    message_kind: str | None = None

    KEYS = (
        Key("sender", ("from",), string_or_blank, always=True),
        Key("text", ("text",), string_or_blank, always=True),
        Key("summary", ("summary",), string),
        Key("timestamp", ("timestamp",), string_or_blank, always=True),
        Key("color", ("color",), string),
        Key("read", ("read",), flag, always=True),
        Key("message_id", ("messageId",), string),
        Key("msg_id", ("msg_id",), string),
        Key("to", ("to",), string),
        Key("source", ("source",), string),
        Key("message_kind", ("messageKind",), string),
    )

    @cached_property
    def id(self) -> str:
        """The row's own id, else one made from sender, time and text; unique per recipient only."""
        return self.message_id or self.msg_id or row_id(self.sender, self.timestamp, self.text)

    @cached_property
    def payload(self) -> dict[str, Any] | None:
        """The structured message in the text, or None for prose."""
        return parse_payload(self.text)

    @property
    def native_type(self) -> str | None:
        """The type that a structured message names, known or not."""
        return None if self.payload is None else str(self.payload["type"])

    @property
    def kind(self) -> str:
        """Our kind of message; an unknown type is a `message` that keeps its payload."""
        if self.payload is None and self.source == "system_notification":
            return "system_notification"
        return kind_of(self.payload)

    @property
    def at(self) -> datetime | None:
        """When it was sent, in UTC; None if the timestamp is no time."""
        return moment(self.timestamp)

    @property
    def is_numbered(self) -> bool:
        """Whether Claude Code itself gave the row an id (the newest epoch)."""
        return bool(self.msg_id) or "msgV" in self.extra

    @property
    def body(self) -> str:
        """The text for people: without the parts that are meant for agents only."""
        shown = CROSS_TEAM.sub("", AGENT_ONLY.sub("", self.text))
        return NO_TASK.sub("", shown).strip()


@dataclass(frozen=True)
class Inbox:
    """One file: the valid rows, and `entries`, everything in it, which a writer must keep."""

    path: Path
    rows: tuple[InboxRow, ...]
    entries: list[Any]
    stamp: Stamp
    problems: tuple[Problem, ...] = ()


def row_id(sender: str, timestamp: str, text: str) -> str:
    """The id for a row without one: equal rows in two inboxes (a broadcast) have equal ids."""
    digest = hashlib.sha256(well_formed(f"{sender}\n{timestamp}\n{text}").encode())
    return f"inbox-{digest.hexdigest()[:16]}"


def parse_row(value: Any) -> InboxRow | None:
    """A row, or None for what Claude Code would skip: no string `from`, `text` or `timestamp`."""
    if not isinstance(value, dict):
        return None
    if not all(isinstance(value.get(key), str) for key in ("from", "text", "timestamp")):
        return None
    return InboxRow.parse(value)


def read_inbox(path: Path, *, within: Path | None = None) -> Inbox | Problem:
    """`teams/<team>/inboxes/<member>.json`; links may lead anywhere in the folder of `teams`."""
    border = within or path.parent.parent.parent.parent
    loaded = read_bytes(path, limit=INBOX_LIMIT, within=border)
    if isinstance(loaded, Problem):
        return loaded
    value = decode(path, loaded.data)
    if isinstance(value, Problem):
        return value
    if not isinstance(value, list):
        return Problem(path, "wrong_shape", "An inbox is a list of messages.")
    rows = tuple(row for row in map(parse_row, value) if row is not None)
    return Inbox(path, rows, value, loaded.stamp, _skipped(path, len(value) - len(rows)))


def _skipped(path: Path, count: int) -> tuple[Problem, ...]:
    if not count:
        return ()
    rows = "1 row is" if count == 1 else f"{count:,} rows are"
    return (Problem(path, "bad_rows", f"{rows} no message and not shown."),)


def native_row(
    *,
    sender: str,
    at: datetime,
    text: str = "",
    kind: str = "message",
    payload: Mapping[str, Any] | None = None,
    summary: str = "",
    color: str = "",
    message_id: str = "",
) -> dict[str, Any]:
    """The row that Claude Code's reader expects for a message of ours, unread.

    Kinds with a native structure become a payload in the text; all others are prose. A
    `message_id` is written the way the newest epoch does.
    """
    structured = kind in SHAPES
    content = encode(kind, payload or {}, sender=sender, at=at, sentence=text)
    row: dict[str, Any] = {"from": sender, "text": content if structured else prose(text)}
    if summary and not structured:
        row["summary"] = summary
    row["timestamp"] = to_iso(at)
    if color:
        row["color"] = color
    row["read"] = False
    if message_id:
        row |= {"msgV": 1, "msg_id": message_id, "type": "message"}
    return row


def prose(text: str) -> str:
    """`text` as a reader will take it for prose: what looks like a protocol message is fenced."""
    # Otherwise anyone who may write a message could answer a permission request with it.
    if parse_payload(text.strip("\ufeff \t\r\n")) is None:
        return text
    return f"```json\n{text}\n```"
