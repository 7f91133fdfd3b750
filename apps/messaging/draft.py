"""What a member asks to send, checked before anything is locked, and its digest."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from apps.core.errors import Invalid
from apps.core.text import fold
from apps.messaging import kinds
from apps.messaging.models.message import MESSAGE_ID_LENGTH, SUBJECT_LENGTH
from apps.teams.artifacts import MOST_ATTACHED

BODY_LENGTH = 100_000
PAYLOAD_LENGTH = 200_000
MOST_RECIPIENTS = 1_000

# In JSON, where a doubled backslash is a backslash and not an escape.
ESCAPED_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")

# Kinds that are nothing without words.
SPOKEN = frozenset({"message", "broadcast", "system_notification"})
# Words that say the kind only together with the payload.
DECIDING_WORDS = frozenset({"plan_approved", "plan_rejected", "shutdown_response"})


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A message as asked for; `Draft.checked` makes one or raises Invalid by field."""

    kind: str
    to: tuple[str, ...]
    cc: tuple[str, ...]
    subject: str
    body: str
    payload: dict[str, Any] | None
    reply_to: int | None
    broadcast: bool
    message_id: str
    artifacts: tuple[int, ...]
    tasks: tuple[int, ...]

    @classmethod
    def checked(cls, *, sender: str, kind: str, payload: Mapping[str, Any] | None,
                **values: Any) -> Draft:  # fmt: skip
        """The draft of these values; kind and payload in any known spelling."""
        kind, payload = read_kind(kind, payload, sender=sender)
        draft = cls(
            kind="broadcast" if values["broadcast"] and kind == "message" else kind,
            payload=payload,
            to=_names(values["to"]),
            cc=_names(values["cc"]),
            subject=values["subject"].strip(),
            body=values["body"],
            reply_to=values["reply_to"],
            broadcast=bool(values["broadcast"]) or kind == "broadcast",
            message_id=values["message_id"].strip(),
            artifacts=tuple(dict.fromkeys(values["artifacts"])),
            tasks=tuple(dict.fromkeys(values["tasks"])),
        )
        if wrong := draft.mistakes():
            raise Invalid(fields=wrong)
        return draft

    def mistakes(self) -> dict[str, str]:
        """Field by field, what cannot be sent."""
        wrong: dict[str, str] = {}
        if self.kind in SPOKEN and not self.body.strip():
            wrong["body"] = "Write a text; it is empty."
        if len(self.body) > BODY_LENGTH:
            says = f"A message has at most {BODY_LENGTH:,} characters; this has {len(self.body):,}."
            wrong["body"] = says
        if len(self.subject) > SUBJECT_LENGTH:
            wrong["subject"] = f"A subject has at most {SUBJECT_LENGTH} characters."
        if len(self.message_id) > MESSAGE_ID_LENGTH:
            wrong["message_id"] = f"At most {MESSAGE_ID_LENGTH} characters."
        if len(self.to) + len(self.cc) > MOST_RECIPIENTS:
            wrong["to"] = f"At most {MOST_RECIPIENTS:,} recipients; use broadcast for everyone."
        for name in ("artifacts", "tasks"):
            if len(getattr(self, name)) > MOST_ATTACHED:
                wrong[name] = f"At most {MOST_ATTACHED}."
        for name in ("subject", "body", "message_id"):
            if not storable(getattr(self, name)):
                wrong[name] = NOT_STORABLE
        return wrong

    @property
    def digest(self) -> str:
        """The same for the same content as asked for, whoever sits in the team by then."""
        content = [
            self.kind, sorted(map(fold, self.to)), sorted(map(fold, self.cc)), self.subject,
            self.body, self.payload, self.reply_to, self.broadcast, sorted(self.artifacts),
            sorted(self.tasks),
        ]  # fmt: skip
        text = json.dumps(content, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def read_kind(
    kind: str, payload: Mapping[str, Any] | None, *, sender: str
) -> tuple[str, dict[str, Any] | None]:
    """The kind and its payload in their canonical spelling; Invalid says what does not fit."""
    if (word := kinds.snake(kind)) in DECIDING_WORDS:
        known, payload = kinds.from_native({**(payload or {}), "type": word})
        kind = known if known != "message" else kind
    kind = kinds.parse_kind(kind)
    if payload is None and kind in SPOKEN:
        return kind, None
    parsed = kinds.parse_payload(kind, payload, sender=sender)
    try:
        text = json.dumps(parsed, ensure_ascii=False, allow_nan=False)
    except (ValueError, RecursionError, TypeError):
        raise Invalid(fields={"payload": "Write plain JSON, not nested too deeply."}) from None
    if len(text) > PAYLOAD_LENGTH:
        raise Invalid(fields={"payload": f"A payload has at most {PAYLOAD_LENGTH:,} characters."})
    if ESCAPED_NUL.search(text) or not storable(text):
        raise Invalid(fields={"payload": NOT_STORABLE})
    return kind, parsed


NOT_STORABLE = "It has characters that are not text (NUL, or half of a surrogate pair)."


def storable(text: str) -> bool:
    """Whether every database takes `text`."""
    if "\0" in text:
        return False
    return text.isascii() or not any("\ud800" <= sign <= "\udfff" for sign in text)


def _names(names: str | Iterable[str]) -> tuple[str, ...]:
    listed = [names] if isinstance(names, str) else names
    return tuple(dict.fromkeys(name.strip() for name in listed if name.strip()))
