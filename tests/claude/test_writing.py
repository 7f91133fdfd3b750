"""Two writers of one file: nobody's words are lost, nobody's are doubled."""

from __future__ import annotations

import json
import os
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from apps.claude import writing
from apps.claude.rows import _Appending, row_id, write_rows
from apps.claude.writing import NotWritten, locked, rewrite
from tests.claude.trees import row


def rows(path: Path) -> list[str]:
    return [found["text"] for found in json.loads(path.read_text())]


def read_whole(path: Path) -> list[Any]:
    """As Claude Code reads: what is no JSON is looked at again."""
    while True:
        try:
            found: list[Any] = json.loads(path.read_text())
        except (ValueError, FileNotFoundError):
            time.sleep(0.001)
            continue
        return found


class Careless(threading.Thread):
    """Appends to an inbox by reading and writing it, without a lock, in place or by renaming."""

    def __init__(self, path: Path, count: int, *, renames: bool) -> None:
        super().__init__()
        self.path, self.count, self.renames = path, count, renames
        self.ours_lost: list[str] = []

    def run(self) -> None:
        for number in range(self.count):
            found = [*read_whole(self.path), row("lead", f"theirs {number}", number)]
            if self.renames:
                fresh = self.path.with_suffix(".new")
                fresh.write_text(json.dumps(found))
                fresh.replace(self.path)
            else:
                self.path.write_text(json.dumps(found))
            time.sleep(0.0005)


@pytest.mark.parametrize("renames", [False, True])
def test_theirs_are_never_lost_by_our_writing(tmp_path: Path, renames: bool) -> None:
    path = tmp_path / "hal.json"
    path.write_text("[]")
    other = Careless(path, 300, renames=renames)
    other.start()
    mine, number = [], 0
    while other.is_alive():
        mine.append(row("alice", f"ours {number}", number))
        number += 1
        with suppress(NotWritten):
            write_rows(path, tmp_path, mine)
    other.join()
    write_rows(path, tmp_path, mine)
    found = rows(path)
    assert sorted(text for text in found if text.startswith("theirs")) == sorted(
        f"theirs {number}" for number in range(300)
    )
    assert sorted(text for text in found if text.startswith("ours")) == sorted(
        one["text"] for one in mine
    )
    assert [found.name for found in tmp_path.iterdir()] == ["hal.json"]


def test_the_lock_is_waited_for_and_a_stale_one_is_broken(tmp_path: Path) -> None:
    path = tmp_path / "hal.json"
    path.write_text("[]")
    lock = tmp_path / "hal.json.lock"
    lock.mkdir()
    threading.Timer(0.2, lock.rmdir).start()
    start = time.monotonic()
    with locked(path):
        assert time.monotonic() - start > 0.15
    lock.mkdir()
    long_ago = time.time() - 60
    os.utime(lock, (long_ago, long_ago))
    with locked(path):
        pass
    assert not lock.exists()


def test_a_file_that_is_torn_for_good_is_not_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.claude.writing.PATIENCE_SECONDS", 0.1)
    path = tmp_path / "hal.json"
    path.write_text('[{"from"')
    with pytest.raises(NotWritten) as refused:
        write_rows(path, tmp_path, [row("alice", "ours", 1)])
    assert refused.value.passing
    assert path.read_text() == '[{"from"'


def test_a_path_that_leads_out_is_refused(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "out.json").symlink_to(tmp_path / "secret.json")
    with pytest.raises(NotWritten):
        rewrite(home / "out.json", lambda *_: b"[]", home=home, limit=100)
    assert not (tmp_path / "secret.json").exists()


def test_the_mode_of_a_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "hal.json"
    path.write_text("[]")
    path.chmod(0o600)
    write_rows(path, tmp_path, [row("alice", "ours", 1)])
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_another_put_there_meanwhile_stays_even_if_it_is_no_inbox(tmp_path: Path) -> None:
    path = tmp_path / "hal.json"
    path.write_text("[]")
    calls: list[bytes | None] = []

    def change(now: bytes | None, hidden: list[tuple[bytes, bytes]]) -> bytes:
        calls.append(now)
        if hidden:
            raise NotWritten("This is no inbox.", passing=False)
        return b"[1]"

    differs = writing._differs

    def late(at: Path, there: bytes) -> bool:
        found = differs(at, there)
        if len(calls) == 1:  # between the last look and the swap
            path.write_text('{"theirs": 1}')
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writing, "_differs", late)
        with pytest.raises(NotWritten):
            rewrite(path, change, home=tmp_path, limit=100)
    assert path.read_text() == '{"theirs": 1}'


def test_a_row_that_was_seen_in_the_file_and_then_taken_out_was_written(tmp_path: Path) -> None:
    path = tmp_path / "hal.json"
    ours = row("alice", "ours", 1)
    change = _Appending(path, {row_id(ours): ours})
    first = change(b"[]", [])
    assert first is not None
    assert not change.proven
    assert change(first, []) == first
    assert change.proven == {row_id(ours)}
    assert change(b"[]", []) is None


def test_what_displaced_content_holds_is_no_proof(tmp_path: Path) -> None:
    path = tmp_path / "hal.json"
    ours = row("alice", "ours", 1)
    change = _Appending(path, {row_id(ours): ours})
    change(b"[]", [])
    displaced = json.dumps([ours]).encode()
    change(displaced, [(b"[]", displaced)])
    assert not change.proven
