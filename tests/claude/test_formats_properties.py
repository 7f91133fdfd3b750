"""Whatever the files hold: nothing raises, and nothing that was read is lost when written."""

from __future__ import annotations

import json
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from apps.claude.formats import (
    Kanban,
    MembersMeta,
    Problem,
    TaskFile,
    TeamConfig,
    decision,
    decode,
    dumps,
    encode,
    get,
    kind_of,
    loads,
    moment,
    native_row,
    parse_config,
    parse_kanban,
    parse_meta,
    parse_payload,
    parse_row,
    parse_task,
    review_state,
    roster,
    scan,
)
from apps.claude.formats.payloads import SHAPES
from apps.claude.formats.records import Record

KNOWN = """name teamName members createdAt leadAgentId agentId prompt joinedAt removedAt provider
    providerId id subject title status blocks blockedBy dependencies owner metadata comments
    historyEvents workIntervals type to at column tasks columnOrder todo review movedAt
    reviewers from text timestamp read messageId msg_id summary version startedAt _internal"""
KEYS = st.sampled_from(re.findall(r"\w+", KNOWN)) | st.text(max_size=5)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(["pending", "review", "hal", "2026-03-01T12:00:00Z", '{"type":"x"}'])
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=20,
)
OBJECTS = st.dictionaries(KEYS, VALUES, max_size=8)
WHERE = Path("/nowhere/file.json")
AT = moment(1772366400)


def writes_what_it_read(kind: type[Record], found: Record, raw: dict[str, Any]) -> None:
    written = found.native()
    assert json.dumps(written) == json.dumps(raw)
    assert kind.parse(written).native() == raw


@given(OBJECTS)
def test_any_object_survives_every_record(raw: dict[str, Any]) -> None:
    for kind in (TeamConfig, MembersMeta, TaskFile, Kanban):
        found = kind.parse(raw)
        writes_what_it_read(kind, found, raw)
        assert kind.parse(found.native()) == found


@given(VALUES)
def test_no_value_makes_a_parser_raise(value: Any) -> None:
    for parse in (parse_config, parse_meta, parse_kanban):
        found = parse(value, WHERE)
        assert isinstance(found, Problem) or found.native() == value
    task = parse_task(value, "1", WHERE)
    if isinstance(task, TaskFile):
        assert task.native() == value
        assert task.display_subject
        assert review_state(task, None) in {"none", "review", "needs_fix", "approved"}
    row = parse_row(value)
    if row is not None:
        assert row.native() == value
        assert row.id
        assert row.kind
        assert isinstance(row.body, str)


@given(OBJECTS, KEYS, VALUES)
def test_an_unknown_key_survives_a_change(raw: dict[str, Any], key: str, value: Any) -> None:
    before = {**raw, key: value}
    task = TaskFile.parse(before)
    changed = task.with_metadata({"seen": True}).native()
    assert {name: changed[name] for name in before if name != "metadata"} == {
        name: before[name] for name in before if name != "metadata"
    }
    assert changed["metadata"]["seen"] is True
    assert [name for name in changed if name in before] == list(before)


@given(st.binary(max_size=200) | VALUES.map(dumps))
def test_no_bytes_make_the_reader_raise(data: bytes) -> None:
    value = decode(WHERE, data)
    if not isinstance(value, Problem):
        assert loads(dumps(value).decode()) == value


@given(VALUES.map(dumps), st.integers(min_value=0, max_value=200))
def test_half_a_file_is_torn_or_whole(data: bytes, size: int) -> None:
    found = decode(WHERE, data[:size])
    if isinstance(found, Problem) and data[:1] in (b"[", b"{", b'"'):
        assert found.passing


@given(st.text() | VALUES.map(lambda value: dumps(value).decode()))
def test_no_text_makes_a_payload_raise(text: str) -> None:
    payload = parse_payload(text)
    assert kind_of(payload)
    assert decision(payload) in (True, False, None)
    assert get(payload, "request_id", default="x") is not None


@given(st.sampled_from(sorted(SHAPES)), OBJECTS, st.text())
def test_what_is_encoded_can_be_parsed(kind: str, values: dict[str, Any], sender: str) -> None:
    assert AT is not None
    payload = parse_payload(encode(kind, values, sender=sender, at=AT))
    assert payload is not None
    assert payload["type"] == kind


@given(st.text(), st.text())
def test_prose_is_never_taken_for_protocol(sender: str, text: str) -> None:
    assert AT is not None
    row = parse_row(native_row(sender=sender, at=AT, text=text))
    assert row is not None
    assert (row.sender, row.kind, row.at) == (sender, "message", AT)


@settings(max_examples=60, deadline=None)
@given(*[st.binary(max_size=60) | VALUES.map(dumps)] * 5)
def test_no_files_make_a_scan_raise(
    config: bytes, meta: bytes, inbox: bytes, task: bytes, kanban: bytes
) -> None:
    with TemporaryDirectory() as folder:
        home = Path(folder)
        team, work = home / "teams" / "shop", home / "tasks" / "shop"
        (team / "inboxes").mkdir(parents=True)
        work.mkdir(parents=True)
        (team / "config.json").write_bytes(config)
        (team / "members.meta.json").write_bytes(meta)
        (team / "inboxes" / "hal.json").write_bytes(inbox)
        (team / "kanban-state.json").write_bytes(kanban)
        (work / "1.json").write_bytes(task)
        for tree in scan(home):
            assert len({entry.name.casefold() for entry in roster(tree)}) == len(roster(tree))
