from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from apps.claude.formats import (
    KINDS,
    SHAPES,
    decision,
    encode,
    get,
    kind_of,
    native_row,
    parse_payload,
    parse_row,
    shutdown_request_id,
)
from apps.claude.formats.payloads import camel, snake
from apps.messaging.kinds import KINDS as OUR_KINDS

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOW = "2026-03-01T12:00:00.000Z"

# Every structured type in its native spelling, and the kind of ours that it is.
NATIVE: list[tuple[dict[str, Any], str]] = [
    (
        {"type": "task_assignment", "taskId": "3", "subject": "s", "assignedBy": "team-lead"},
        "task_assignment",
    ),
    (
        {"type": "idle_notification", "from": "hal", "idleReason": "available"},
        "idle_notification",
    ),
    (
        {"type": "idle_notification", "from": "hal", "idleReason": "failed", "failureReason": "x"},
        "idle_notification",
    ),
    ({"type": "shutdown_request", "requestId": "r", "reason": "done"}, "shutdown_request"),
    ({"type": "shutdown_request"}, "shutdown_request"),
    (
        {"type": "shutdown_approved", "requestId": "r", "paneId": "%1", "backendType": "tmux"},
        "shutdown_approved",
    ),
    ({"type": "shutdown_approved"}, "shutdown_approved"),
    ({"type": "shutdown_rejected", "requestId": "r", "reason": "busy"}, "shutdown_rejected"),
    ({"type": "shutdown_response", "requestId": "r", "approve": True}, "shutdown_approved"),
    ({"type": "shutdown_response", "requestId": "r", "approved": False}, "shutdown_rejected"),
    ({"type": "shutdown_response", "requestId": "r"}, "message"),
    (
        {"type": "plan_approval_request", "requestId": "r", "planContent": "1. a\n2. b"},
        "plan_approval_request",
    ),
    ({"type": "plan_approval_request", "plan": "1. a"}, "plan_approval_request"),
    (
        {"type": "plan_approval_response", "requestId": "r", "approved": True},
        "plan_approval_response",
    ),
    (
        {"type": "permission_request", "request_id": "r", "tool_name": "Bash", "input": {}},
        "permission_request",
    ),
    (
        {"type": "permission_request", "requestId": "r", "toolName": "Bash"},
        "permission_request",
    ),
    (
        {"type": "permission_response", "request_id": "r", "approve": True},
        "permission_response",
    ),
    (
        {"type": "permission_response", "request_id": "r", "subtype": "success", "response": {}},
        "permission_response",
    ),
    (
        {"type": "permission_response", "request_id": "r", "subtype": "error", "error": "no"},
        "permission_response",
    ),
    (
        {"type": "sandbox_permission_request", "requestId": "r", "hostPattern": {"host": "x"}},
        "permission_request",
    ),
    (
        {"type": "sandbox_permission_response", "requestId": "r", "host": "x", "allow": False},
        "permission_response",
    ),
    ({"type": "teammate_terminated", "message": "hal has stopped."}, "system_notification"),
    ({"type": "task_completed", "from": "hal", "taskId": "3"}, "task_completed"),
    ({"type": "join_request", "proposedName": "hal"}, "message"),
    ({"type": "mode_set_request", "mode": "plan"}, "message"),
    ({"type": ""}, "message"),
]


def spelled(payload: dict[str, Any], spelling: Any) -> dict[str, Any]:
    return {spelling(key): value for key, value in payload.items()}


@pytest.mark.parametrize(("payload", "kind"), NATIVE)
@pytest.mark.parametrize("spelling", [camel, snake])
def test_every_type_is_read_in_both_spellings(
    payload: dict[str, Any], kind: str, spelling: Any
) -> None:
    written = spelled(payload, spelling)
    row = parse_row({"from": "hal", "text": json.dumps(written), "timestamp": NOW})
    assert row is not None
    assert (row.kind, row.payload, row.native_type) == (kind, written, payload["type"])
    for key, value in payload.items():
        assert get(row.payload, snake(key)) == get(row.payload, camel(key)) == value


def test_every_kind_is_one_that_messages_have() -> None:
    assert {kind_of(payload) for payload, _ in NATIVE} | set(KINDS.values()) <= set(OUR_KINDS)


@pytest.mark.parametrize(
    "text",
    ["", "x", " {}", "[]", "{", "{}", '{"type": 5}', '{"type": null}', '"type"', '{"type":"x"'],
)
def test_prose_is_not_structured(text: str) -> None:
    assert parse_payload(text) is None
    assert kind_of(parse_payload(text)) == "message"


@pytest.mark.parametrize(
    ("payload", "answer"),
    [
        ({"approved": True}, True),
        ({"approve": False}, False),
        ({"allow": True}, True),
        ({"approve": "true"}, True),
        ({"approved": "No"}, False),
        ({"subtype": "success"}, True),
        ({"subtype": "error"}, False),
        ({"subtype": ["x"]}, None),
        ({"approve": "perhaps"}, None),
        ({"approve": 1}, None),
        ({}, None),
        (None, None),
    ],
)
def test_a_decision_is_read_in_every_shape(
    payload: dict[str, Any] | None, answer: bool | None
) -> None:
    assert decision(payload) is answer


def test_the_first_name_with_a_value_is_taken() -> None:
    payload = {"planContent": None, "plan": "x", "request_id": "r"}
    assert get(payload, "plan_content", "plan") == "x"
    assert get(payload, "requestId") == "r"
    assert get(payload, "reason", default="none") == "none"
    assert get(None, "reason") is None


# What our messages keep in snake_case, and the native text that it becomes.
WRITTEN: list[tuple[str, dict[str, Any], str, dict[str, Any]]] = [
    (
        "task_assignment",
        {"task_id": "3", "subject": "Till"},
        "",
        {
            "type": "task_assignment",
            "taskId": "3",
            "subject": "Till",
            "description": "",
            "assignedBy": "alice",
            "timestamp": NOW,
        },
    ),
    (
        "shutdown_request",
        {"request_id": "shutdown-1@hal"},
        "Enough.",
        {
            "type": "shutdown_request",
            "requestId": "shutdown-1@hal",
            "from": "alice",
            "reason": "Enough.",
            "timestamp": NOW,
        },
    ),
    (
        "plan_approval_response",
        {"approve": True, "request_id": "p", "permission_mode": "acceptEdits", "feedback": None},
        "",
        {
            "type": "plan_approval_response",
            "requestId": "p",
            "approved": True,
            "timestamp": NOW,
            "permissionMode": "acceptEdits",
        },
    ),
    (
        "permission_response",
        {"requestId": "q", "approved": False, "toolUseId": "t"},
        "",
        {"type": "permission_response", "request_id": "q", "approve": False, "tool_use_id": "t"},
    ),
    (
        "permission_request",
        {"request_id": "q", "toolName": "Bash", "input": {"fileName": "a", "dry_run": True}},
        "",
        {
            "type": "permission_request",
            "request_id": "q",
            "tool_name": "Bash",
            "input": {"fileName": "a", "dry_run": True},
        },
    ),
    (
        "idle_notification",
        {"agent": "hal", "idle_reason": "available", "last_task_id": "4"},
        "",
        {
            "type": "idle_notification",
            "from": "hal",
            "timestamp": NOW,
            "idleReason": "available",
            "completedTaskId": "4",
        },
    ),
]


@pytest.mark.parametrize(("kind", "values", "sentence", "expected"), WRITTEN)
def test_a_structured_message_is_written_natively(
    kind: str, values: dict[str, Any], sentence: str, expected: dict[str, Any]
) -> None:
    text = encode(kind, values, sender="alice", at=AT, sentence=sentence)
    assert text == json.dumps(expected, separators=(",", ":"))


@pytest.mark.parametrize("kind", sorted(SHAPES))
def test_every_structured_kind_is_read_back(kind: str) -> None:
    values = {"request_id": "r", "approved": True, "extra_key": {"a_b": 1}}
    row = parse_row(native_row(sender="alice", at=AT, kind=kind, payload=values, text="Words"))
    assert row is not None
    assert row.kind == KINDS[kind]
    assert get(row.payload, "request_id") == "r"
    assert get(row.payload, "extra_key") == {"a_b": 1}


def test_a_shutdown_request_is_numbered_as_claude_code_does() -> None:
    assert shutdown_request_id("hal", AT) == "shutdown-1772366400000@hal"
