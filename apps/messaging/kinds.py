"""The kinds of messages: their spelling, their payloads in and out, and a line for people."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Literal

from pydantic import ValidationError

from apps.core.closest import closest, did_you_mean
from apps.core.errors import Invalid
from apps.core.text import one_line
from apps.messaging import payloads
from apps.messaging.payloads import Payload

MODELS: dict[str, type[Payload]] = {
    "message": Payload,
    "broadcast": Payload,
    "task_assignment": payloads.TaskAssignment,
    "idle_notification": payloads.IdleNotification,
    "shutdown_request": payloads.ShutdownRequest,
    "shutdown_approved": payloads.ShutdownApproved,
    "shutdown_rejected": payloads.ShutdownRejected,
    "plan_approval_request": payloads.PlanApprovalRequest,
    "plan_approval_response": payloads.PlanApprovalResponse,
    "permission_request": payloads.PermissionRequest,
    "permission_response": payloads.PermissionResponse,
    "review_request": payloads.ReviewRequest,
    "review_response": payloads.ReviewResponse,
    "task_completed": payloads.TaskCompleted,
    "system_notification": Payload,
}
KINDS = tuple(MODELS)

# What members write to each other in their own words.
SAID = ("message", "broadcast")

# Kinds that are chatter unless `is_noise` finds that this one says something.
NOISE = frozenset({"idle_notification"})

# Other words for a kind, and what they say about its payload.
OTHER_WORDS: dict[str, tuple[str, dict[str, Any]]] = {
    "idle": ("idle_notification", {}),
    "plan_approved": ("plan_approval_response", {"approved": True}),
    "plan_rejected": ("plan_approval_response", {"approved": False}),
}

IdleClass = Literal["failure", "task_finished", "interrupted", "heartbeat"]


def snake(word: str) -> str:
    """`planApprovalRequest`, `Plan-Approval-Request` and `plan approval request` in snake_case."""
    word = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", word.strip())
    return re.sub(r"[\s_-]+", "_", word).strip("_").lower()


def camel(word: str) -> str:
    """`request_id` as `requestId`."""
    first, *rest = word.split("_")
    return first + "".join(part.capitalize() for part in rest)


def parse_kind(word: str) -> str:
    """The kind that `word` spells, in any case and with hyphens or underscores; else Invalid."""
    kind = snake(word)
    known, implied = OTHER_WORDS.get(kind, (kind, {}))
    # A word that also says what was decided needs its payload: see `from_native`.
    if known in MODELS and not implied:
        return known
    says = f"There is no kind “{one_line(word, 40)}”.{did_you_mean(closest(kind, KINDS))}"
    raise Invalid(fields={"kind": says}, hint=f"Kinds are: {', '.join(KINDS)}.")


def parse_payload(
    kind: str, payload: Mapping[str, Any] | None, *, sender: str = ""
) -> dict[str, Any]:
    """`payload` with the known keys in snake_case and checked, and all unknown keys as they came.

    Both `requestId` and `request_id` are read. Keys that were not given stay absent. Where the
    kind has a `from`, `sender` stands there whatever the payload said. Raises Invalid, with
    `fields` naming each wrong key.
    """
    if payload is not None and not isinstance(payload, Mapping):
        raise Invalid(fields={"payload": "Write an object with keys and values."})
    model = MODELS[kind]
    values = _canonical(model, payload or {})
    _drop_type(kind, values)
    if sender and "from" in model.known():
        values["from"] = sender
    try:
        parsed = model.model_validate(values)
    except ValidationError as error:
        raise Invalid(fields=_sentences(error)) from None
    return parsed.model_dump(by_alias=True, exclude_unset=True)


def native(kind: str, payload: Mapping[str, Any] | None) -> dict[str, Any]:
    """The document that agents' own files use: `type` first, camelCase (permissions snake_case)."""
    model = MODELS[kind]
    known = model.known() if model.CAMEL else frozenset()
    body = {camel(key) if key in known else key: value for key, value in (payload or {}).items()}
    return {"type": kind} | body


def from_native(document: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The kind and payload of a document found in agents' files; never raises.

    What happened happened: keys are brought to their canonical spelling and values stay as they
    are. A document of unknown type is a `message` whose payload is the whole document.
    """
    kind, implied = _read_type(document)
    if kind not in MODELS:
        return "message", dict(document)
    values = {key: value for key, value in document.items() if key != "type"}
    return kind, implied | _canonical(MODELS[kind], values)


def granted(payload: Mapping[str, Any] | None) -> bool | None:
    """What an answer of any kind decides: yes, no, or None when it does not say."""
    for key in ("approved", "approve"):
        value = (payload or {}).get(key)
        if isinstance(value, bool):
            return value
    return {"success": True, "error": False}.get(_text(payload, "subtype"))


def idle_class(payload: Mapping[str, Any] | None) -> IdleClass:
    """Why a member went idle; only `heartbeat` carries no news."""
    reason = _text(payload, "idle_reason")
    if _text(payload, "failure_reason") or reason == "failed":
        return "failure"
    if _text(payload, "completed_status") in ("failed", "blocked") or reason == "blocked":
        return "failure"
    if (
        _text(payload, "completed_task_id")
        or _text(payload, "completed_status")
        or (payload or {}).get("result")
    ):
        return "task_finished"
    return "interrupted" if reason == "interrupted" else "heartbeat"


def is_noise(kind: str, payload: Mapping[str, Any] | None) -> bool:
    """Whether a list of messages may fold this one away without hiding news."""
    return kind in NOISE and idle_class(payload) == "heartbeat"


def summary(kind: str, payload: Mapping[str, Any] | None) -> str:
    """One line for people about a structured message; "" for plain ones. Never fails."""
    write = SUMMARIES.get(kind)
    if write is None:
        return one_line(_text(payload, "summary"))
    return one_line(write(payload or {}))


def _canonical(model: type[Payload], payload: Mapping[str, Any]) -> dict[str, Any]:
    known = model.known()
    values: dict[str, Any] = {}
    # The exact spelling wins over another one of the same key.
    for key, value in sorted(payload.items(), key=lambda item: item[0] not in known):
        name = snake(str(key))
        name = model.SYNONYMS.get(name, name)
        values.setdefault(name if name in known else str(key), value)
    return values


def _drop_type(kind: str, values: dict[str, Any]) -> None:
    """A native document repeats its kind as `type`; another kind there is a mistake."""
    if "type" not in values:
        return
    word = values.pop("type")
    if not isinstance(word, str) or _read_type({**values, "type": word})[0] != kind:
        raise Invalid(fields={"type": f"The message is a {kind}; its payload says otherwise."})


def _read_type(document: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    word = document.get("type")
    kind = snake(word) if isinstance(word, str) else ""
    if kind == "shutdown_response":
        answer = granted(document)
        return (
            "" if answer is None else "shutdown_approved" if answer else "shutdown_rejected"
        ), {}
    return OTHER_WORDS.get(kind, (kind, {}))


def _sentences(error: ValidationError) -> dict[str, str]:
    fields: dict[str, str] = {}
    for item in error.errors(include_url=False):
        kind = item["type"]
        name = str(item["loc"][0]) if item["loc"] else "payload"
        if kind.startswith("field:"):
            name, says = kind.removeprefix("field:"), item["msg"]
        else:
            says = WRONG.get(kind, f": {item['msg']}.")
        fields.setdefault(name, f"{name}{says}")
    return fields


WRONG = {
    "missing": " is missing.",
    "string_type": ": write a text.",
    "string_too_short": " is empty.",
    "bool_type": ": write true or false.",
    "bool_parsing": ": write true or false.",
    "int_type": ": write a whole number.",
    "int_parsing": ": write a whole number.",
    "int_from_float": ": write a whole number.",
    "dict_type": ": write an object.",
    "list_type": ": write a list.",
}


def _text(payload: Mapping[str, Any] | None, key: str) -> str:
    value = (payload or {}).get(key)
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _with(head: str, *parts: str) -> str:
    return ": ".join([head, *(part for part in parts if part)])


def _task(payload: Mapping[str, Any], number: str = "task_id", subject: str = "subject") -> str:
    found = _text(payload, number).removeprefix("#")
    return " ".join(part for part in (found and f"#{found}", _text(payload, subject)) if part)


def _idle(payload: Mapping[str, Any]) -> str:
    name = _text(payload, "from") or "A member"
    task = _task(payload, "completed_task_id")
    match idle_class(payload):
        case "failure":
            done = task and f"{task} {_text(payload, 'completed_status') or 'failed'}"
            verb = "is blocked" if _text(payload, "idle_reason") == "blocked" else "failed"
            return _with(f"{name} {verb}", done, _text(payload, "failure_reason"))
        case "task_finished":
            done = task and f"{task} {_text(payload, 'completed_status') or 'resolved'}"
            return _with(f"{name} is idle", done, _text(payload, "result"))
        case "interrupted":
            return f"{name} was interrupted"
        case "heartbeat":
            return _with(f"{name} is idle", _text(payload, "summary"))


def _plan_title(payload: Mapping[str, Any]) -> str:
    lines = _text(payload, "plan_content")[:2000].splitlines()
    return next((line.strip("# \t") for line in lines if line.strip("# \t")), "")


def _decision(payload: Mapping[str, Any], yes: str, no: str, unclear: str) -> str:
    return {True: yes, False: no, None: unclear}[granted(payload)]


SUMMARIES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "task_assignment": lambda p: _with("Task assigned", _task(p)),
    "idle_notification": _idle,
    "shutdown_request": lambda p: _with("Shutdown requested", _text(p, "reason")),
    "shutdown_approved": lambda p: "Shutdown approved",
    "shutdown_rejected": lambda p: _with("Shutdown rejected", _text(p, "reason")),
    "plan_approval_request": lambda p: _with("Plan approval requested", _plan_title(p)),
    "plan_approval_response": lambda p: _with(
        _decision(p, "Plan approved", "Plan rejected", "Plan answered"), _text(p, "feedback")
    ),
    "permission_request": lambda p: _with(
        "Permission requested", _text(p, "tool_name"), _text(p, "description")
    ),
    "permission_response": lambda p: _with(
        _decision(p, "Permission granted", "Permission denied", "Permission answered"),
        _text(p, "error"),
    ),
    "review_request": lambda p: _with("Review requested", _task(p)),
    "review_response": lambda p: _with(
        _decision(p, "Review approved", "Changes requested", "Review answered"),
        _task(p),
        _text(p, "note"),
    ),
    "task_completed": lambda p: _with("Task completed", _task(p, subject="task_subject")),
}
