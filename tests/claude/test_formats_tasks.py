from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from apps.claude.formats import (
    STATUSES,
    Problem,
    TaskFile,
    dumps,
    for_display,
    natural_key,
    next_task_id,
    parse_task,
    read_highwatermark,
    read_task,
)

NATIVE = {
    "id": "3",
    "subject": "Mend the till",
    "description": "It sticks.",
    "activeForm": "Mending the till",
    "owner": "hal",
    "status": "in_progress",
    "blocks": ["5"],
    "blockedBy": ["1", "#2"],
    "metadata": {"area": "till"},
}
SUPERVISED = {
    "id": "3",
    "displayId": "3",
    "title": "Mend the till",
    "status": "completed",
    "dependencies": [1, "2", None, True],
    "createdBy": "user",
    "related": ["9"],
    "reviewState": "needsFix",
    "needsClarification": "lead",
    "createdAt": "2026-03-01T12:00:00.000Z",
    "updatedAt": "2026-03-02T12:00:00.000Z",
    "workIntervals": [
        {"startedAt": "2026-03-01T12:00:00Z", "completedAt": "2026-03-01T13:00:00Z"},
        {"startedAt": "2026-03-02T12:00:00Z"},
        {"completedAt": "2026-03-02T12:00:00Z"},
    ],
    "comments": [
        {
            "id": "c1",
            "author": "user",
            "text": "Again",
            "createdAt": "2026-03-01T14:00:00Z",
            "type": "review_request",
            "taskRefs": [],
        },
        "junk",
    ],
    "historyEvents": [{"id": "e", "type": "task_created", "status": "pending"}],
    "prompt": "Do it",
}
TRACKER = {
    "id": "6",
    "subject": "hal",
    "description": "cut",
    "status": "in_progress",
    "blocks": [],
    "blockedBy": [],
    "metadata": {"_internal": True},
}


def task(raw: dict[str, Any], task_id: str = "3") -> TaskFile:
    found = parse_task(raw, task_id, Path(f"{task_id}.json"))
    assert isinstance(found, TaskFile)
    return found


def test_a_native_task_is_read() -> None:
    found = task(NATIVE)
    assert (found.id, found.subject, found.description) == ("3", "Mend the till", "It sticks.")
    assert (found.active_form, found.owner, found.status) == (
        "Mending the till",
        "hal",
        "in_progress",
    )
    assert (found.blocks, found.blocked_by) == (("5",), ("1", "2"))
    assert found.metadata == {"area": "till"}
    assert (found.is_internal, found.problems) == (False, ())


def test_a_task_may_say_little() -> None:
    found = task({"id": "1", "subject": "x", "status": "pending"}, "1")
    assert (found.description, found.owner, found.blocks, found.blocked_by) == ("", None, (), ())


def test_a_supervised_task_is_read() -> None:
    found = task(SUPERVISED)
    assert (found.subject, found.blocked_by, found.related) == ("Mend the till", ("1", "2"), ("9",))
    assert (found.review_state, found.needs_clarification) == ("needsFix", "lead")
    assert found.seen_at == datetime(2026, 3, 2, 12, tzinfo=UTC)
    assert [(start.hour, end.hour if end else None) for start, end in found.work_intervals] == [
        (12, 13),
        (12, None),
    ]
    assert [(c.id, c.author, c.text, c.type) for c in found.comments] == [
        ("c1", "user", "Again", "review_request")
    ]
    assert found.extra == {"prompt": "Do it"}


def test_a_tracker_is_internal() -> None:
    assert task(TRACKER, "6").is_internal
    assert not task(TRACKER | {"metadata": {"_internal": "yes"}}, "6").is_internal


@pytest.mark.parametrize("raw", [NATIVE, SUPERVISED, TRACKER, NATIVE | {"id": 3, "owner": 5}])
def test_what_was_read_is_written_again(raw: dict[str, Any]) -> None:
    task_id = str(raw["id"])
    assert json.dumps(task(raw, task_id).native()) == json.dumps(raw)
    assert task(task(raw, task_id).native(), task_id) == task(raw, task_id)


def test_a_change_touches_one_key() -> None:
    raw = NATIVE | {"mood": "calm"}
    written = replace(task(raw), status="completed", owner=None).native()
    expected = {key: value for key, value in raw.items() if key != "owner"}
    assert json.dumps(written) == json.dumps(expected | {"status": "completed"})


def test_an_alias_keeps_its_spelling() -> None:
    written = replace(task(SUPERVISED), subject="New", blocked_by=("7",)).native()
    assert (written["title"], written["dependencies"]) == ("New", ["7"])
    assert "subject" not in written
    assert "blockedBy" not in written


def test_a_new_task_has_the_native_keys() -> None:
    written = TaskFile(id="7", subject="x", active_form="Doing x").native()
    assert written == {
        "id": "7",
        "subject": "x",
        "description": "",
        "activeForm": "Doing x",
        "status": "pending",
        "blocks": [],
        "blockedBy": [],
    }
    assert task(written, "7") == TaskFile(id="7", subject="x", active_form="Doing x")


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_is_read_and_written(status: str) -> None:
    found = task(NATIVE | {"status": status})
    assert found.status == found.native()["status"] == status


def test_the_file_name_is_the_id_whatever_the_file_says() -> None:
    found = task(NATIVE, "4")
    assert found.id == "4"
    assert [problem.code for problem in found.problems] == ["task_id_mismatch"]
    assert found.native()["id"] == "3"


def test_an_id_may_be_a_number_or_absent() -> None:
    assert task(NATIVE | {"id": 3}).problems == ()
    bare = {key: value for key, value in NATIVE.items() if key != "id"}
    assert task(bare).problems == ()
    assert task(bare).native() == bare


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (NATIVE | {"status": "paused"}, "task_status_unknown"),
        (NATIVE | {"status": None}, "task_status_unknown"),
        (NATIVE | {"status": ["pending"]}, "task_status_unknown"),
        ({"id": "3", "subject": "x"}, "task_status_unknown"),
        ({"id": "3", "status": "pending"}, "wrong_shape"),
        ([NATIVE], "wrong_shape"),
        (None, "wrong_shape"),
        ("x", "wrong_shape"),
    ],
)
def test_what_is_no_task_is_said(raw: Any, code: str) -> None:
    found = parse_task(raw, "3", Path("3.json"))
    assert isinstance(found, Problem)
    assert found.code == code


def test_metadata_is_merged_and_null_deletes() -> None:
    found = task(NATIVE | {"metadata": {"a": 1, "b": 2}})
    merged = found.with_metadata({"a": 9, "b": None, "c": 3})
    assert merged.native()["metadata"] == {"a": 9, "c": 3}
    assert found.with_metadata({"a": True}).native()["metadata"] == {"a": True, "b": 2}
    assert json.dumps(found.with_metadata({"a": True}).native()["metadata"]["a"]) == "true"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\\nb", "a\nb"),
        ("a\\tb", "a\tb"),
        ("a\nb", "a\nb"),
        ("a\\x", "a\\x"),
        ("a\0\ud800", "a\ufffd"),
    ],
)
def test_escapes_written_as_two_characters_are_made_real(text: str, shown: str) -> None:
    assert for_display(text) == shown
    found = task(NATIVE | {"description": text})
    assert (found.display_description, found.description) == (shown, text)


def test_a_subject_for_people_is_one_line_and_never_empty() -> None:
    assert task(NATIVE | {"subject": "a\\nb "}).display_subject == "a b"
    assert task(NATIVE | {"subject": " "}).display_subject == "Task 3"


def test_ids_sort_as_people_count() -> None:
    ids = ["10", "b", "2", "A", "1", "", "b2", "b10"]
    assert sorted(ids, key=natural_key) == ["", "1", "2", "10", "A", "b", "b2", "b10"]


@pytest.mark.parametrize(
    ("mark", "ids", "expected"),
    [
        (None, [], 1),
        (None, ["1", "3", "5", "config", ""], 6),
        (9, ["1", "3"], 10),
        (2, ["7"], 8),
        (None, ["٣", "9" * 30], 1),
    ],
)
def test_a_new_id_is_above_mark_and_files(mark: int | None, ids: list[str], expected: int) -> None:
    assert next_task_id(mark, ids) == expected


def task_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "tasks" / "shop"
    folder.mkdir(parents=True)
    return folder


def test_a_task_file_tells_when_it_was_changed(tmp_path: Path) -> None:
    path = task_folder(tmp_path) / "3.json"
    path.write_bytes(dumps(NATIVE))
    os.utime(path, (1772366400, 1772366400))
    found = read_task(path)
    assert isinstance(found, TaskFile)
    assert found.seen_at == datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_task_that_is_gone_is_said(tmp_path: Path) -> None:
    found = read_task(task_folder(tmp_path) / "3.json")
    assert isinstance(found, Problem)
    assert (found.code, found.passing) == ("missing", True)


@pytest.mark.parametrize(
    ("content", "mark"),
    [(b"17", 17), (b"17\n", 17), (b"0", 0), (b"", None), (b"-1", None), (b"x", None)],
)
def test_the_mark_is_a_whole_number(tmp_path: Path, content: bytes, mark: int | None) -> None:
    path = task_folder(tmp_path) / ".highwatermark"
    path.write_bytes(content)
    found = read_highwatermark(path)
    if mark is None:
        assert isinstance(found, Problem)
        assert found.code == "wrong_shape"
    else:
        assert found == mark


def test_a_long_mark_is_refused(tmp_path: Path) -> None:
    path = task_folder(tmp_path) / ".highwatermark"
    path.write_bytes(b"9" * 60)
    assert isinstance(read_highwatermark(path), Problem)
