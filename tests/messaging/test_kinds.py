from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.errors import Invalid
from apps.messaging.kinds import (
    KINDS,
    MODELS,
    camel,
    from_native,
    granted,
    idle_class,
    is_noise,
    native,
    parse_kind,
    parse_payload,
    snake,
    summary,
)

TEAMS = Path(__file__).parents[3] / "shared" / "fixtures" / "claude-home" / "teams"
AT = "2026-02-09T15:09:23.571Z"

# The least that each kind needs.
LEAST: dict[str, dict[str, Any]] = {
    "message": {},
    "broadcast": {},
    "task_assignment": {"task_id": "1", "subject": "Fix it"},
    "idle_notification": {"from": "Hal"},
    "shutdown_request": {},
    "shutdown_approved": {},
    "shutdown_rejected": {},
    "plan_approval_request": {"plan_content": "# Plan\nDo it."},
    "plan_approval_response": {"approved": False},
    "permission_request": {"request_id": "r1", "tool_name": "Bash"},
    "permission_response": {"request_id": "r1", "approve": True},
    "review_request": {"task_id": "1"},
    "review_response": {"task_id": "1", "approved": True},
    "task_completed": {"task_id": "1"},
    "system_notification": {},
}

# Documents as agents write them, and what they mean here.
NATIVE: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (
        {
            "type": "task_assignment",
            "taskId": "1",
            "subject": "Fix it",
            "description": "All of it",
            "assignedBy": "Alice",
            "timestamp": AT,
        },
        {
            "task_id": "1",
            "subject": "Fix it",
            "description": "All of it",
            "assigned_by": "Alice",
            "timestamp": AT,
        },
    ),
    (
        {"type": "idle_notification", "from": "Hal", "timestamp": AT, "idleReason": "available"},
        {"from": "Hal", "timestamp": AT, "idle_reason": "available"},
    ),
    (
        {
            "type": "idle_notification",
            "from": "Hal",
            "timestamp": AT,
            "idleReason": "failed",
            "completedTaskId": "3",
            "completedStatus": "failed",
            "failureReason": "No disk",
            "result": {"partOf": [1]},
        },
        {
            "from": "Hal",
            "timestamp": AT,
            "idle_reason": "failed",
            "completed_task_id": "3",
            "completed_status": "failed",
            "failure_reason": "No disk",
            "result": {"partOf": [1]},
        },
    ),
    (
        {
            "type": "shutdown_request",
            "requestId": "shutdown-1@Hal",
            "from": "Alice",
            "reason": "Done",
        },
        {"request_id": "shutdown-1@Hal", "from": "Alice", "reason": "Done"},
    ),
    (
        {
            "type": "shutdown_approved",
            "requestId": "shutdown-1@Hal",
            "from": "Hal",
            "timestamp": AT,
            "paneId": "in-process",
            "backendType": "in-process",
        },
        {
            "request_id": "shutdown-1@Hal",
            "from": "Hal",
            "timestamp": AT,
            "pane_id": "in-process",
            "backend_type": "in-process",
        },
    ),
    (
        {"type": "shutdown_rejected", "requestId": "r", "reason": "Busy"},
        {"request_id": "r", "reason": "Busy"},
    ),
    (
        {
            "type": "plan_approval_request",
            "from": "Hal",
            "timestamp": AT,
            "planFilePath": "/home/dev/plan.md",
            "planContent": "# Plan\n\n1. Do it",
            "requestId": "plan-1",
        },
        {
            "from": "Hal",
            "timestamp": AT,
            "plan_file_path": "/home/dev/plan.md",
            "plan_content": "# Plan\n\n1. Do it",
            "request_id": "plan-1",
        },
    ),
    (
        {
            "type": "plan_approval_response",
            "requestId": "plan-1",
            "approved": True,
            "permissionMode": "default",
        },
        {"request_id": "plan-1", "approved": True, "permission_mode": "default"},
    ),
    (
        {
            "type": "permission_request",
            "request_id": "p1",
            "agent_id": "Hal",
            "tool_name": "Bash",
            "tool_use_id": "toolu_1",
            "description": "Run the tests",
            "input": {"command": "pytest", "runInBackground": True},
            "permission_suggestions": [{"type": "setMode", "mode": "acceptEdits"}],
        },
        {
            "request_id": "p1",
            "agent_id": "Hal",
            "tool_name": "Bash",
            "tool_use_id": "toolu_1",
            "description": "Run the tests",
            "input": {"command": "pytest", "runInBackground": True},
            "permission_suggestions": [{"type": "setMode", "mode": "acceptEdits"}],
        },
    ),
    (
        {"type": "permission_response", "request_id": "p1", "approve": True},
        {"request_id": "p1", "approve": True},
    ),
    (
        {
            "type": "permission_response",
            "request_id": "p1",
            "subtype": "success",
            "response": {"updated_input": {}, "permission_updates": []},
        },
        {
            "request_id": "p1",
            "subtype": "success",
            "response": {"updated_input": {}, "permission_updates": []},
        },
    ),
    (
        {"type": "permission_response", "request_id": "p1", "subtype": "error", "error": "No"},
        {"request_id": "p1", "subtype": "error", "error": "No"},
    ),
    (
        {
            "type": "task_completed",
            "from": "Hal",
            "taskId": "3",
            "taskSubject": "Fix",
            "timestamp": AT,
        },
        {"from": "Hal", "task_id": "3", "task_subject": "Fix", "timestamp": AT},
    ),
]


# Kinds


def test_every_kind_has_its_least_payload_here() -> None:
    assert tuple(LEAST) == KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_may_be_spelled_in_any_way(kind: str) -> None:
    words = kind.split("_")
    spellings = [
        kind,
        kind.upper(),
        "-".join(words),
        " ".join(words).title(),
        camel(kind),
        "".join(word.title() for word in words),
        f" {kind}\n",
    ]
    assert {parse_kind(word) for word in spellings} == {kind}


def test_idle_is_short_for_an_idle_notification() -> None:
    assert parse_kind("idle") == "idle_notification"


@pytest.mark.parametrize("word", ["", "plan", "plan_approved", "shutdown_response", "x" * 5000])
def test_another_kind_is_refused_by_name(word: str) -> None:
    with pytest.raises(Invalid) as refusal:
        parse_kind(word)
    assert list(refusal.value.fields) == ["kind"]
    assert len(refusal.value.message) < 250


def test_a_mistyped_kind_gets_the_closest() -> None:
    with pytest.raises(Invalid, match="Did you mean task_assignment"):
        parse_kind("task_asignment")


# Payloads


@pytest.mark.parametrize("kind", KINDS)
def test_the_least_payload_parses_and_travels(kind: str) -> None:
    parsed = parse_payload(kind, LEAST[kind])
    assert parsed == LEAST[kind]
    document = native(kind, parsed)
    assert document["type"] == kind
    assert from_native(json.loads(json.dumps(document))) == (kind, parsed)
    assert isinstance(summary(kind, parsed), str)


@pytest.mark.parametrize(("kind", "key"), [(kind, key) for kind in KINDS for key in LEAST[kind]])
def test_each_required_key_is_named_when_it_is_missing(kind: str, key: str) -> None:
    payload = {name: value for name, value in LEAST[kind].items() if name != key}
    with pytest.raises(Invalid) as refusal:
        parse_payload(kind, payload)
    assert list(refusal.value.fields) == [key]
    assert key in refusal.value.message


@pytest.mark.parametrize("kind", [kind for kind in KINDS if not LEAST[kind]])
def test_none_is_an_empty_payload(kind: str) -> None:
    assert parse_payload(kind, None) == {}


@pytest.mark.parametrize(("document", "payload"), NATIVE)
def test_native_documents_are_read_and_written_without_loss(
    document: dict[str, Any], payload: dict[str, Any]
) -> None:
    kind = document["type"]
    assert parse_payload(kind, document) == payload
    assert parse_payload(kind, payload) == payload
    assert from_native(document) == (kind, payload)
    assert native(kind, payload) == document
    assert next(iter(native(kind, payload))) == "type"


def test_permissions_are_read_in_camel_case_too() -> None:
    payload = {"requestId": "p1", "toolName": "Bash", "agentId": "Hal"}
    parsed = parse_payload("permission_request", payload)
    assert parsed == {"request_id": "p1", "tool_name": "Bash", "agent_id": "Hal"}


@pytest.mark.parametrize(
    ("kind", "given_", "means"),
    [
        ("idle_notification", {"agent": "Hal"}, {"from": "Hal"}),
        (
            "idle_notification",
            {"agent": "Hal", "lastTaskId": 3},
            {"from": "Hal", "last_task_id": "3"},
        ),
        ("plan_approval_request", {"plan": "Do\nit"}, {"plan_content": "Do\nit"}),
        ("plan_approval_request", {"planId": 7}, {"plan_id": 7}),
        ("plan_approval_response", {"approve": True}, {"approved": True}),
        ("plan_approval_response", {"approved": "false"}, {"approved": False}),
        ("permission_response", {"id": 1, "requestID": "p", "approved": True}, None),
        ("shutdown_rejected", {"content": "Busy"}, {"reason": "Busy"}),
        ("review_response", {"taskId": 1, "approve": True, "feedback": "ok"}, None),
        (
            "task_completed",
            {"taskId": 3, "subject": "Fix"},
            {"task_id": "3", "task_subject": "Fix"},
        ),
    ],
)
def test_other_spellings(kind: str, given_: dict[str, Any], means: dict[str, Any] | None) -> None:
    expected = {
        "permission_response": {"id": 1, "request_id": "p", "approve": True},
        "review_response": {"task_id": "1", "approved": True, "note": "ok"},
    }
    assert parse_payload(kind, given_) == (means or expected[kind])


def test_the_canonical_spelling_wins_over_another() -> None:
    payload = {"requestId": "second", "request_id": "first"}
    assert parse_payload("shutdown_request", payload) == {"request_id": "first"}


def test_what_was_not_given_stays_absent_and_null_stays_null() -> None:
    payload = {"approved": True, "feedback": None}
    assert parse_payload("plan_approval_response", payload) == payload


def test_the_sender_stands_as_from_whatever_the_payload_says() -> None:
    assert parse_payload("idle_notification", {}, sender="Hal") == {"from": "Hal"}
    forged = {"from": "Alice", "reason": "x"}
    assert parse_payload("shutdown_request", forged, sender="Mallory")["from"] == "Mallory"
    assert "from" not in parse_payload("message", {}, sender="Hal")


@pytest.mark.parametrize(
    ("kind", "changes", "field"),
    [
        ("task_assignment", {"task_id": ""}, "task_id"),
        ("task_assignment", {"task_id": True}, "task_id"),
        ("task_assignment", {"subject": 3}, "subject"),
        ("task_assignment", {"description": ["x"]}, "description"),
        ("idle_notification", {"from": ""}, "from"),
        ("idle_notification", {"idleReason": {}}, "idle_reason"),
        ("plan_approval_request", {"plan_content": 4}, "plan_content"),
        ("plan_approval_response", {"approved": "maybe"}, "approved"),
        ("plan_approval_response", {"approved": None}, "approved"),
        ("permission_request", {"input": "rm"}, "input"),
        ("permission_request", {"permissionSuggestions": {}}, "permission_suggestions"),
        ("permission_response", {"response": []}, "response"),
        ("review_request", {"round": "two"}, "round"),
        ("message", {"timestamp": []}, "timestamp"),
        ("message", {"type": "broadcast"}, "type"),
        ("message", {"type": 1}, "type"),
    ],
)
def test_a_wrong_value_is_refused_by_field(kind: str, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        parse_payload(kind, LEAST[kind] | changes)
    assert list(refusal.value.fields) == [field]
    assert refusal.value.status == 422


@pytest.mark.parametrize("payload", [[], "text", 3, True])
def test_a_payload_is_an_object(payload: Any) -> None:
    with pytest.raises(Invalid) as refusal:
        parse_payload("message", payload)
    assert list(refusal.value.fields) == ["payload"]


def test_all_wrong_fields_are_named_at_once() -> None:
    with pytest.raises(Invalid) as refusal:
        parse_payload("permission_request", {"input": 1})
    assert set(refusal.value.fields) == {"request_id", "tool_name", "input"}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
documents = st.dictionaries(st.text(max_size=12), json_values, max_size=6)


@given(st.sampled_from(KINDS), documents)
def test_unknown_keys_are_kept_as_they_came(kind: str, extra: dict[str, Any]) -> None:
    model = MODELS[kind]
    means_something = model.known() | model.SYNONYMS.keys() | {"type"}
    extra = {key: value for key, value in extra.items() if snake(key) not in means_something}
    parsed = parse_payload(kind, extra | LEAST[kind])
    assert parsed == extra | LEAST[kind]
    assert {key: native(kind, parsed)[key] for key in extra} == extra


@pytest.mark.parametrize(
    "key", ["sender", "from__x", "model_config", "known", "fooBar", "SYNONYMS", "__class__"]
)
def test_keys_that_look_like_our_own_are_only_data(key: str) -> None:
    assert parse_payload("shutdown_request", {key: 1}) == {key: 1}


words = st.sampled_from([*KINDS, "idle", "shutdown_response", "plan_approved", "", "unknown"])
keys = st.sampled_from(
    sorted({camel(key) for model in MODELS.values() for key in model.known() | {*model.SYNONYMS}})
)


@given(words, st.dictionaries(keys, json_values))
def test_reading_and_summing_up_never_fail(word: str, values: dict[str, Any]) -> None:
    kind, payload = from_native({"type": word} | values)
    assert kind in KINDS
    line = summary(kind, payload)
    assert "\n" not in line
    assert len(line) <= 160
    assert is_noise(kind, payload) in (True, False)
    assert native(kind, payload)


# Documents found in files


def test_an_unknown_type_is_kept_whole() -> None:
    document = {"type": "join_request", "proposedName": "Hal"}
    assert from_native(document) == ("message", document)
    assert from_native({"no": "type"}) == ("message", {"no": "type"})
    assert from_native({"type": 3}) == ("message", {"type": 3})


@pytest.mark.parametrize(
    ("document", "kind"),
    [
        ({"type": "shutdown_response", "approve": True}, "shutdown_approved"),
        ({"type": "shutdown_response", "approved": False}, "shutdown_rejected"),
        ({"type": "shutdown_response"}, "message"),
        ({"type": "idle", "from": "Hal"}, "idle_notification"),
        ({"type": "plan_approved"}, "plan_approval_response"),
        ({"type": "plan-rejected"}, "plan_approval_response"),
    ],
)
def test_other_types_that_mean_a_kind(document: dict[str, Any], kind: str) -> None:
    assert from_native(document)[0] == kind


def test_a_type_that_is_a_decision_decides() -> None:
    assert granted(from_native({"type": "plan_approved"})[1]) is True
    assert granted(from_native({"type": "plan_rejected", "feedback": "no"})[1]) is False


def test_what_lacks_a_required_key_is_still_read() -> None:
    assert from_native({"type": "task_assignment", "taskId": 4}) == (
        "task_assignment",
        {"task_id": 4},
    )


@pytest.mark.parametrize(
    ("payload", "answer"),
    [
        ({"approved": True}, True),
        ({"approve": False}, False),
        ({"subtype": "success"}, True),
        ({"subtype": "error"}, False),
        ({"approve": "yes"}, None),
        ({}, None),
        (None, None),
    ],
)
def test_granted(payload: dict[str, Any] | None, answer: bool | None) -> None:
    assert granted(payload) is answer


# Noise


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (None, "heartbeat"),
        ({}, "heartbeat"),
        ({"idle_reason": "available"}, "heartbeat"),
        ({"idle_reason": "working"}, "heartbeat"),
        ({"idle_reason": "available", "summary": "[to Iris] hello"}, "heartbeat"),
        ({"last_task_id": "3"}, "heartbeat"),
        ({"idle_reason": "interrupted"}, "interrupted"),
        ({"idle_reason": "available", "result": "42"}, "task_finished"),
        ({"completed_task_id": "3", "completed_status": "resolved"}, "task_finished"),
        ({"completed_status": "resolved"}, "task_finished"),
        ({"completed_task_id": "3", "completed_status": "blocked"}, "failure"),
        ({"completed_task_id": "3", "completed_status": "failed"}, "failure"),
        ({"idle_reason": "failed"}, "failure"),
        ({"idle_reason": "blocked"}, "failure"),
        ({"idle_reason": "available", "failure_reason": "No disk"}, "failure"),
    ],
)
def test_only_a_heartbeat_is_noise(payload: dict[str, Any] | None, expected: str) -> None:
    assert idle_class(payload) == expected
    assert is_noise("idle_notification", payload) is (expected == "heartbeat")


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "idle_notification"])
def test_no_other_kind_is_noise(kind: str) -> None:
    assert not is_noise(kind, LEAST[kind])


# Lines for people


@pytest.mark.parametrize(
    ("kind", "payload", "line"),
    [
        ("message", {}, ""),
        ("system_notification", {"summary": "Bob joined"}, "Bob joined"),
        ("task_assignment", {"task_id": "1", "subject": "Fix\nit"}, "Task assigned: #1 Fix it"),
        ("idle_notification", {"from": "Hal"}, "Hal is idle"),
        ("idle_notification", {}, "A member is idle"),
        ("idle_notification", {"from": "Hal", "summary": "to Iris"}, "Hal is idle: to Iris"),
        ("idle_notification", {"from": "Hal", "idle_reason": "interrupted"}, "Hal was interrupted"),
        ("idle_notification", {"from": "Hal", "idle_reason": "blocked"}, "Hal is blocked"),
        (
            "idle_notification",
            {"from": "Hal", "idle_reason": "failed", "failure_reason": "No disk"},
            "Hal failed: No disk",
        ),
        (
            "idle_notification",
            {"from": "Hal", "completed_task_id": "3", "completed_status": "failed"},
            "Hal failed: #3 failed",
        ),
        (
            "idle_notification",
            {"from": "Hal", "completed_task_id": "3", "result": "All green"},
            "Hal is idle: #3 resolved: All green",
        ),
        ("shutdown_request", {}, "Shutdown requested"),
        ("shutdown_request", {"reason": "All done"}, "Shutdown requested: All done"),
        ("shutdown_approved", {}, "Shutdown approved"),
        ("shutdown_rejected", {"reason": "Busy"}, "Shutdown rejected: Busy"),
        (
            "plan_approval_request",
            {"plan_content": "\n## Cache\n"},
            "Plan approval requested: Cache",
        ),
        ("plan_approval_request", {"plan_id": 3}, "Plan approval requested"),
        ("plan_approval_response", {"approved": True}, "Plan approved"),
        ("plan_approval_response", {"approved": False, "feedback": "Why?"}, "Plan rejected: Why?"),
        ("plan_approval_response", {}, "Plan answered"),
        (
            "permission_request",
            {"tool_name": "Bash", "description": "Run tests"},
            "Permission requested: Bash: Run tests",
        ),
        ("permission_response", {"approve": True}, "Permission granted"),
        ("permission_response", {"subtype": "error", "error": "No"}, "Permission denied: No"),
        ("review_request", {"task_id": "#2", "subject": "Fix"}, "Review requested: #2 Fix"),
        ("review_response", {"task_id": "2", "approved": True}, "Review approved: #2"),
        (
            "review_response",
            {"task_id": "2", "approved": False, "note": "Add a test"},
            "Changes requested: #2: Add a test",
        ),
        ("task_completed", {"task_id": "3", "task_subject": "Fix"}, "Task completed: #3 Fix"),
        ("gossip", {"summary": "x"}, "x"),
    ],
)
def test_summary(kind: str, payload: dict[str, Any], line: str) -> None:
    assert summary(kind, payload) == line


def test_a_long_summary_is_cut() -> None:
    assert len(summary("shutdown_request", {"reason": "word " * 10_000})) <= 160


# Captured files


@pytest.mark.skipif(not TEAMS.is_dir(), reason="the captured teams are not beside the checkout")
def test_every_captured_document_travels_without_loss() -> None:
    seen: Counter[str] = Counter()
    for path in sorted(TEAMS.glob("*/inboxes/*.json")):
        for row in json.loads(path.read_text()):
            if not row["text"].startswith("{"):
                continue
            document = json.loads(row["text"])
            kind, payload = from_native(document)
            assert parse_payload(kind, document) == payload
            assert native(kind, payload) == document
            assert summary(kind, payload)
            seen[kind] += 1
    assert set(seen) == {
        "idle_notification",
        "task_assignment",
        "shutdown_request",
        "shutdown_approved",
    }
