"""Structured messages: the JSON document that Claude Code puts into a message's text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from .jsontext import compact, loads
from .times import to_iso, to_ms

# The keys of each type in the order in which Claude Code writes them. The permission types are
# spelled in snake_case, all others in camelCase.
SHAPES: dict[str, tuple[str, ...]] = {
    "task_assignment": ("taskId", "subject", "description", "assignedBy", "timestamp"),
    "idle_notification": (
        *("from", "timestamp", "idleReason", "summary"),
        *("completedTaskId", "completedStatus", "failureReason", "result"),
    ),
    "shutdown_request": ("requestId", "from", "reason", "timestamp"),
    "shutdown_approved": ("requestId", "from", "timestamp", "paneId", "backendType"),
    "shutdown_rejected": ("requestId", "from", "reason", "timestamp"),
    "plan_approval_request": ("from", "timestamp", "planFilePath", "planContent", "requestId"),
    "plan_approval_response": (
        *("requestId", "approved", "feedback", "timestamp", "permissionMode"),
    ),
    "permission_request": (
        *("request_id", "agent_id", "tool_name", "tool_use_id"),
        *("description", "input", "permission_suggestions"),
    ),
    "permission_response": ("request_id", "approve", "subtype", "response", "error"),
    "task_completed": ("from", "taskId", "taskSubject", "timestamp"),
    "teammate_terminated": ("message",),
}
# Where a plain sentence goes when a structured message is made from one.
SENTENCE_KEY = {
    "task_assignment": "description",
    "shutdown_request": "reason",
    "shutdown_rejected": "reason",
    "plan_approval_request": "planContent",
    "plan_approval_response": "feedback",
    "teammate_terminated": "message",
}
ALIASES = {
    "plan_approval_response": {"approve": "approved"},
    "permission_response": {"approved": "approve"},
    "plan_approval_request": {"plan": "planContent"},
    "idle_notification": {"agent": "from", "lastTaskId": "completedTaskId"},
}
KINDS = {
    **{name: name for name in SHAPES},
    **{name: name for name in ("message", "broadcast", "review_request", "review_response")},
    "system_notification": "system_notification",
    "teammate_terminated": "system_notification",
    "sandbox_permission_request": "permission_request",
    "sandbox_permission_response": "permission_response",
}
SHUTDOWN = {True: "shutdown_approved", False: "shutdown_rejected", None: "message"}
YES_KEYS = ("approved", "approve", "allow")
SPOKEN = {"true": True, "yes": True, "false": False, "no": False}


def parse_payload(text: str) -> dict[str, Any] | None:
    """The structured message in a text: an object with a string `type`. Anything else is prose."""
    if not text.startswith("{"):
        return None
    try:
        value = loads(text)
    except ValueError:
        return None
    if isinstance(value, dict) and isinstance(value.get("type"), str):
        return value
    return None


def camel(name: str) -> str:
    """`request_id` as `requestId`; a leading underscore stays."""
    return re.sub(r"(?<=[A-Za-z0-9])_+([A-Za-z0-9])", lambda match: match.group(1).upper(), name)


def snake(name: str) -> str:
    """`requestId` as `request_id`."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", lambda match: "_" + match.group(1).lower(), name)


def get(payload: Mapping[str, Any] | None, *names: str, default: Any = None) -> Any:
    """The first of the names that holds a value, each tried in snake_case and in camelCase."""
    for name in names:
        for spelling in (name, snake(name), camel(name)):
            value = (payload or {}).get(spelling)
            if value is not None:
                return value
    return default


def decision(payload: Mapping[str, Any] | None) -> bool | None:
    """What an answer decided, in any of the shapes seen; None if it does not say."""
    answer = get(payload, *YES_KEYS)
    if isinstance(answer, str):
        answer = SPOKEN.get(answer.strip().lower())
    if isinstance(answer, bool):
        return answer
    subtype = get(payload, "subtype")
    return {"success": True, "error": False}.get(subtype) if isinstance(subtype, str) else None


def kind_of(payload: Mapping[str, Any] | None) -> str:
    """Our kind of message for a payload; prose and unknown types are a plain `message`."""
    if payload is None:
        return "message"
    native = str(payload.get("type", ""))
    if native == "shutdown_response":
        return SHUTDOWN[decision(payload)]
    return KINDS.get(native, "message")


def shutdown_request_id(name: str, at: datetime) -> str:
    """The id that Claude Code gives a request to stop `name`."""
    return f"shutdown-{to_ms(at)}@{name}"


def encode(
    kind: str, values: Mapping[str, Any], *, sender: str, at: datetime, sentence: str = ""
) -> str:
    """The text of a structured message in its native spelling and key order.

    `values` may be spelled either way; None values are left out, unknown keys are kept at the end.
    Sender, time and the sentence fill the keys that the type has for them.
    """
    shape = SHAPES.get(kind, ())
    given = {key: value for key, value in _spelled(kind, values).items() if value is not None}
    filled = {"from": sender, "assignedBy": sender, "timestamp": to_iso(at)}
    if kind in SENTENCE_KEY and sentence:
        filled[SENTENCE_KEY[kind]] = sentence
    if kind == "task_assignment":
        filled.setdefault("description", "")
    known = {key: given.get(key, filled.get(key)) for key in shape}
    body = {key: value for key, value in known.items() if value is not None}
    return compact({"type": kind, **body, **{k: v for k, v in given.items() if k not in body}})


def _spelled(kind: str, values: Mapping[str, Any]) -> dict[str, Any]:
    spell = snake if kind.startswith("permission_") else camel
    aliases = ALIASES.get(kind, {})
    pairs = ((spell(key), value) for key, value in values.items() if key != "type")
    return {aliases.get(key, key): value for key, value in pairs}
