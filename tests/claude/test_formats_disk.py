from __future__ import annotations

import os
from pathlib import Path

import pytest

from apps.claude.formats import (
    Inbox,
    Loaded,
    Problem,
    dumps,
    loads,
    read_bytes,
    read_config,
    read_inbox,
    read_json,
    read_task,
)


def problem(found: object) -> str:
    assert isinstance(found, Problem)
    assert found.sentence.endswith(".")
    return found.code


def test_a_value_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b'\xef\xbb\xbf{"a": [1, "\\u00e9"]}\n')
    assert read_json(tmp_path / "a.json", 100) == {"a": [1, "é"]}


def test_the_limit_is_inclusive(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"12345")
    assert read_json(tmp_path / "a.json", 5) == 12345
    assert problem(read_json(tmp_path / "a.json", 4)) == "too_large"


def test_what_is_no_file_is_said(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "folder.json").mkdir()
    assert problem(read_json(tmp_path / "pipe.json", 10)) == "not_a_file"
    assert problem(read_json(tmp_path / "folder.json", 10)) == "not_a_file"
    assert problem(read_json(tmp_path / "gone.json", 10)) == "missing"
    assert problem(read_json(tmp_path / "gone" / "gone.json", 10)) == "missing"


@pytest.mark.parametrize("name", ["a\0b", "x" * 300])
def test_an_impossible_name_is_said(tmp_path: Path, name: str) -> None:
    assert problem(read_json(tmp_path / name, 10)) == "bad_name"


def test_a_short_path_is_read_in_its_own_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("hal.json").write_bytes(b"[]")
    assert isinstance(read_inbox(Path("hal.json")), Inbox)
    assert problem(read_task(Path("1.json"))) == "missing"
    assert problem(read_config(Path("config.json"))) == "missing"


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is unreadable for root")
def test_an_unreadable_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"1")
    (tmp_path / "a.json").chmod(0)
    assert problem(read_json(tmp_path / "a.json", 10)) == "unreadable"


def test_a_link_may_not_leave_the_tree(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "deep").mkdir(parents=True)
    (tmp_path / "secret.json").write_bytes(b"1")
    (home / "own.json").write_bytes(b"2")
    (home / "deep" / "out.json").symlink_to(tmp_path / "secret.json")
    (home / "deep" / "up.json").symlink_to(home / "own.json")
    assert problem(read_json(home / "deep" / "out.json", 10, within=home)) == "outside"
    assert read_json(home / "deep" / "up.json", 10, within=home) == 2
    assert problem(read_json(home / "deep" / "up.json", 10)) == "outside"


def test_a_linked_home_is_no_way_out(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.json").write_bytes(b"1")
    (tmp_path / "home").symlink_to(tmp_path / "real")
    assert read_json(tmp_path / "home" / "a.json", 10, within=tmp_path / "home") == 1


def test_a_link_to_itself_is_said(tmp_path: Path) -> None:
    (tmp_path / "loop.json").symlink_to(tmp_path / "loop.json")
    assert problem(read_json(tmp_path / "loop.json", 10)) == "unreadable"


def test_the_stamp_is_that_of_the_bytes_read(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"[1]")
    os.utime(path, ns=(5, 1772366400123456789))
    loaded = read_bytes(path, limit=10)
    assert isinstance(loaded, Loaded)
    assert (loaded.stamp.size, loaded.stamp.mtime_ns) == (3, 1772366400123456789)
    assert loaded.stamp.at.isoformat().startswith("2026-03-01T12:00:00.123")


def test_json_is_laid_out_as_javascript_does() -> None:
    assert dumps({"a": [], "b": {}, "é": [1, None]}).decode() == (
        '{\n  "a": [],\n  "b": {},\n  "é": [\n    1,\n    null\n  ]\n}'
    )


def test_half_a_character_is_kept() -> None:
    assert loads(dumps(["é\ud800"]).decode()) == ["é\ud800"]


def test_what_cannot_be_written_is_a_value_error() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(ValueError, match="nested"):
        dumps(deep)
    with pytest.raises(ValueError, match="Out of range"):
        dumps(float("nan"))
