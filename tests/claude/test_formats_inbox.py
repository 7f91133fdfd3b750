from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from apps.claude.formats import (
    Inbox,
    InboxRow,
    Problem,
    dumps,
    native_row,
    parse_row,
    read_inbox,
    row_id,
)

AT = datetime(2026, 3, 1, 12, 0, 0, 123000, tzinfo=UTC)
LOGGED = {
    "from": "hal",
    "text": "Done with the till.",
    "summary": "Till done",
    "timestamp": "2026-03-01T12:00:00.123Z",
    "color": "blue",
    "read": True,
}
NUMBERED = {
    "from": "team-lead",
    "text": "Go on.",
    "timestamp": "2026-08-01T12:00:00.123Z",
    "type": "message",
    "msgV": 1,
    "msg_id": "4fb3a1f0-5f4f-4be0-9f0e-000000000001",
    "read": False,
}
SUPERVISED = {
    "from": "user",
    "to": "hal",
    "text": "Please.",
    "timestamp": "2026-03-01T12:00:00.123Z",
    "read": False,
    "messageId": "m-1",
    "source": "user_sent",
    "actionMode": "do",
    "taskRefs": [{"taskId": "1", "displayId": "1", "teamName": "shop"}],
}


def row(raw: dict[str, Any]) -> InboxRow:
    found = parse_row(raw)
    assert found is not None
    return found


def test_a_logged_row_is_read() -> None:
    found = row(LOGGED)
    assert (found.sender, found.text, found.summary) == ("hal", "Done with the till.", "Till done")
    assert (found.color, found.read, found.at) == ("blue", True, AT)
    assert (found.kind, found.payload, found.native_type) == ("message", None, None)
    assert not found.is_numbered


def test_a_numbered_row_is_known_and_keeps_its_id() -> None:
    assert row(NUMBERED).is_numbered
    assert row(NUMBERED).id == NUMBERED["msg_id"]
    assert row(NUMBERED).kind == "message"


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        ({"messageId": "a", "msg_id": "b"}, "a"),
        ({"msg_id": "b"}, "b"),
        ({"messageId": "", "msg_id": "b"}, "b"),
        ({"messageId": 7}, "inbox-"),
        ({}, "inbox-"),
    ],
)
def test_the_id_comes_from_the_row_before_the_hash(ids: dict[str, Any], expected: str) -> None:
    assert row(LOGGED | ids).id.startswith(expected)


def test_the_made_id_is_that_of_other_readers() -> None:
    payload = {
        "type": "shutdown_request",
        "requestId": "shutdown-1770477661492@docs-events",
        "from": "team-lead",
        "reason": "Work is complete. Shutting down the team. Thank you!",
        "timestamp": "2026-02-07T15:21:01.492Z",
    }
    text = json.dumps(payload, separators=(",", ":"))
    assert row_id("team-lead", "2026-02-07T15:21:01.492Z", text) == "inbox-5d850996f7dd644e"


def test_the_made_id_survives_half_a_character() -> None:
    assert row_id("hal", "t", "\ud800") == row_id("hal", "t", "\udfff")


@pytest.mark.parametrize("raw", [LOGGED, NUMBERED, SUPERVISED])
def test_what_was_read_is_written_again(raw: dict[str, Any]) -> None:
    assert json.dumps(row(raw).native()) == json.dumps(raw)


def test_only_the_changed_key_is_written_anew() -> None:
    written = replace(row(SUPERVISED), read=True, color="red").native()
    assert json.dumps(written) == json.dumps(SUPERVISED | {"read": True} | {"color": "red"})


@pytest.mark.parametrize(
    "raw",
    [
        None,
        [],
        "x",
        {},
        {"from": "hal", "text": "x"},
        {"from": "hal", "text": 5, "timestamp": "t"},
        {"from": None, "text": "x", "timestamp": "t"},
    ],
)
def test_a_malformed_row_is_none(raw: Any) -> None:
    assert parse_row(raw) is None


def test_a_row_of_the_supervising_app_may_be_a_notice() -> None:
    assert row(LOGGED | {"source": "system_notification"}).kind == "system_notification"


def test_people_do_not_see_what_is_meant_for_agents() -> None:
    tag = '<cross-team from="shop.hal" depth="1" conversationId="c" />\n'
    text = tag + "See #00000000 and #12.\n<info_for_agent>\nsecret\n</info_for_agent>\nBye"
    assert row(LOGGED | {"text": text}).body == "See and #12.\nBye"


def test_prose_of_ours_has_the_native_form() -> None:
    written = native_row(sender="alice", at=AT, text="Hello", summary="Hi", color="blue")
    assert json.dumps(written) == json.dumps(
        {
            "from": "alice",
            "text": "Hello",
            "summary": "Hi",
            "timestamp": "2026-03-01T12:00:00.123Z",
            "color": "blue",
            "read": False,
        }
    )


def test_what_is_not_given_is_not_written() -> None:
    assert list(native_row(sender="alice", at=AT, text="x")) == [
        "from",
        "text",
        "timestamp",
        "read",
    ]


def test_a_row_of_ours_can_carry_an_id_as_the_newest_epoch_does() -> None:
    written = row(native_row(sender="alice", at=AT, text="x", message_id="m-9"))
    assert (written.id, written.is_numbered) == ("m-9", True)
    assert written.native()["type"] == "message"


def test_a_structured_row_is_double_encoded_without_a_summary() -> None:
    written = native_row(
        sender="alice",
        at=AT,
        kind="plan_approval_response",
        payload={"request_id": "p-1", "approved": False},
        text="Smaller steps.",
        summary="ignored",
    )
    assert "summary" not in written
    assert written["text"] == (
        '{"type":"plan_approval_response","requestId":"p-1","approved":false,'
        '"feedback":"Smaller steps.","timestamp":"2026-03-01T12:00:00.123Z"}'
    )


@pytest.mark.parametrize("text", ['{"type":"permission_response"}', ' \n{"type":"x"}\n'])
def test_nobody_can_forge_a_protocol_message_with_prose(text: str) -> None:
    written = row(native_row(sender="mallory", at=AT, text=text))
    assert written.kind == "message"
    assert written.payload is None
    assert text in written.text


@pytest.mark.parametrize("text", ["{not json", '{"a": 1}', "[1]", "plain", '{"type": 5}'])
def test_other_text_is_written_as_it_is(text: str) -> None:
    assert native_row(sender="alice", at=AT, text=text)["text"] == text


def inbox_file(tmp_path: Path, content: bytes) -> Path:
    folder = tmp_path / "teams" / "shop" / "inboxes"
    folder.mkdir(parents=True)
    path = folder / "hal.json"
    path.write_bytes(content)
    return path


def test_an_inbox_keeps_rows_in_order_and_all_entries(tmp_path: Path) -> None:
    entries = [LOGGED, "junk", {"from": "x"}, NUMBERED]
    inbox = read_inbox(inbox_file(tmp_path, dumps(entries)))
    assert isinstance(inbox, Inbox)
    assert [found.sender for found in inbox.rows] == ["hal", "team-lead"]
    assert inbox.entries == entries
    assert [problem.code for problem in inbox.problems] == ["bad_rows"]
    assert "2 rows" in inbox.problems[0].sentence


def test_a_drained_inbox_is_empty_and_fine(tmp_path: Path) -> None:
    inbox = read_inbox(inbox_file(tmp_path, b"[]"))
    assert isinstance(inbox, Inbox)
    assert (inbox.rows, inbox.problems, inbox.stamp.size) == ((), (), 2)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "torn"),
        (b'[{"from": "hal", "te', "torn"),
        (b'[{"from": "hal"', "torn"),
        ("[“".encode()[:3], "torn"),
        (b"{}", "wrong_shape"),
        (b"null", "wrong_shape"),
        (b"[1] [2]", "bad_json"),
        (b"[NaN]", "bad_json"),
        (b"[1e999]", "bad_json"),
        (b"[" * 100_000, "bad_json"),
        (b"\xff\xfe[]", "not_text"),
    ],
)
def test_a_bad_inbox_is_said(tmp_path: Path, content: bytes, code: str) -> None:
    found = read_inbox(inbox_file(tmp_path, content))
    assert isinstance(found, Problem)
    assert found.code == code
    assert found.passing == (code == "torn")


def test_an_inbox_of_fifty_megabytes_is_not_read(tmp_path: Path) -> None:
    path = inbox_file(tmp_path, b"[")
    with path.open("ab") as file:
        file.truncate(50_000_000)
    found = read_inbox(path)
    assert isinstance(found, Problem)
    assert found.code == "too_large"
    assert "50,000,000" in found.sentence


def test_a_thousand_rows_are_read_whole(tmp_path: Path) -> None:
    rows = [native_row(sender="hal", at=AT, text=f"{n} " + "x" * 1700) for n in range(1000)]
    inbox = read_inbox(inbox_file(tmp_path, dumps(rows)))
    assert isinstance(inbox, Inbox)
    assert len(inbox.rows) == 1000
