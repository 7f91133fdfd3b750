from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from apps.claude.formats import (
    Epoch,
    dumps,
    home_problems,
    native_row,
    read_team,
    scan,
    team_names,
    to_iso,
)
from apps.claude.formats import moment as when

SOLO = "3b22f6a2-8179-4ae8-b430-861f97e74884"


def put(home: Path, path: str, value: Any) -> Path:
    """Write a JSON value (or bytes as they are) below `home`."""
    target = home / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(value if isinstance(value, bytes) else dumps(value))
    return target


def task(task_id: str, **values: Any) -> dict[str, Any]:
    return {"id": task_id, "subject": f"Task {task_id}", "status": "pending"} | values


def prose(sender: str, text: str, second: int = 0) -> dict[str, Any]:
    at = when(1772366400 + second)
    assert at is not None
    return native_row(sender=sender, at=at, text=text)


def codes(home: Path, name: str) -> list[str]:
    return sorted(problem.code for problem in read_team(home, name).problems)


def test_a_home_that_is_not_there_has_no_teams(tmp_path: Path) -> None:
    assert scan(tmp_path / "gone") == []
    assert [problem.code for problem in home_problems(tmp_path / "gone")] == ["missing"]
    assert home_problems(tmp_path) == ()


def test_teams_and_tasks_come_and_go_independently(tmp_path: Path) -> None:
    put(tmp_path, "teams/zulu/config.json", {"name": "zulu"})
    put(tmp_path, "teams/mike/inboxes/hal.json", [prose("iris", "x")])
    put(tmp_path, "tasks/alpha/1.json", task("1"))
    put(tmp_path, f"tasks/{SOLO}/1.json", task("1"))
    put(tmp_path, "tasks/.hidden/1.json", task("1"))
    put(tmp_path, "teams/notes.txt", b"x")
    put(tmp_path, "tasks/left/.lock", b"")
    trees = scan(tmp_path)
    assert [tree.name for tree in trees] == ["alpha", "mike", "zulu"]
    assert [tree.config is not None for tree in trees] == [False, False, True]
    assert all(tree.problems == () for tree in trees)


def test_a_team_that_is_named_like_a_session_is_a_team(tmp_path: Path) -> None:
    put(tmp_path, f"teams/{SOLO}/config.json", {"name": SOLO})
    put(tmp_path, f"tasks/{SOLO}/1.json", task("1"))
    (tree,) = scan(tmp_path)
    assert len(tree.tasks) == 1


def test_one_team_is_read_whole(tmp_path: Path) -> None:
    put(tmp_path, "teams/shop/config.json", {"name": "shop", "members": [{"name": "team-lead"}]})
    put(tmp_path, "teams/shop/members.meta.json", {"version": 1, "members": [{"name": "hal"}]})
    put(tmp_path, "teams/shop/launch-state.json", {"expectedMembers": ["iris"]})
    put(tmp_path, "teams/shop/kanban-state.json", {"teamName": "shop", "reviewers": ["hal"]})
    inbox = put(tmp_path, "teams/shop/inboxes/hal.json", [prose("team-lead", "Go")])
    for number in (10, 2, 1):
        put(tmp_path, f"tasks/shop/{number}.json", task(str(number)))
    put(tmp_path, "tasks/shop/3.json", task("3", metadata={"_internal": True}))
    put(tmp_path, "tasks/shop/.highwatermark", b"11\n")
    tree = read_team(tmp_path, "shop")
    assert tree.problems == ()
    assert tree.config is not None
    assert tree.meta is not None
    assert tree.expected == ("iris",)
    assert tree.kanban is not None
    assert tree.kanban.reviewers == ("hal",)
    assert [row.text for row in tree.inboxes["hal"]] == ["Go"]
    assert [found.id for found in tree.tasks] == ["1", "2", "3", "10"]
    assert [found.id for found in tree.work_tasks] == ["1", "2", "10"]
    assert tree.highwatermark == 11
    assert tree.stamps[inbox].size == inbox.stat().st_size
    assert len(tree.stamps) == 9


def test_what_is_no_team_data_is_passed_over(tmp_path: Path) -> None:
    inboxes = "teams/shop/inboxes"
    for name in (".hal.json", "*.json", "hal.json.lock", "hal.lock", "hal.json.tmp", "notes.md"):
        put(tmp_path, f"{inboxes}/{name}", b"junk")
    put(tmp_path, "teams/shop/config.json.lock", b"")
    for name in (".lock", ".1.json", "1.json.tmp", "README"):
        put(tmp_path, f"tasks/shop/{name}", b"junk")
    tree = read_team(tmp_path, "shop")
    assert (tree.inboxes, tree.tasks, tree.problems) == ({}, (), ())
    assert tree.is_empty


def test_one_bad_file_never_hides_the_rest(tmp_path: Path) -> None:
    put(tmp_path, "teams/shop/config.json", b'{"name": "sh')
    put(tmp_path, "teams/shop/members.meta.json", b"x" * 300_000)
    put(tmp_path, "teams/shop/kanban-state.json", b"[]")
    put(tmp_path, "teams/shop/inboxes/hal.json", [prose("iris", "x"), 5])
    put(tmp_path, "teams/shop/inboxes/iris.json", {"messages": []})
    put(tmp_path, "tasks/shop/1.json", task("1"))
    put(tmp_path, "tasks/shop/2.json", b"\xff")
    put(tmp_path, "tasks/shop/3.json", task("3", status="odd"))
    put(tmp_path, "tasks/shop/.highwatermark", b"many")
    tree = read_team(tmp_path, "shop")
    assert [found.id for found in tree.tasks] == ["1"]
    assert list(tree.inboxes) == ["hal"]
    assert codes(tmp_path, "shop") == [
        "bad_rows",
        "not_text",
        "task_status_unknown",
        "too_large",
        "torn",
        "wrong_shape",
        "wrong_shape",
        "wrong_shape",
    ]


def test_the_team_of_another_product_is_told(tmp_path: Path) -> None:
    other = {"team": "shop", "lead": "boss", "members": [{"agent": "hal"}]}
    put(tmp_path, "teams/shop/config.json", other)
    tree = read_team(tmp_path, "shop")
    assert tree.is_foreign
    assert not tree.is_empty


def test_ids_that_contradict_the_file_names_are_told(tmp_path: Path) -> None:
    put(tmp_path, "tasks/shop/1.json", task("1"))
    put(tmp_path, "tasks/shop/2.json", task("1"))
    put(tmp_path, "tasks/shop/3.json", task("9"))
    tree = read_team(tmp_path, "shop")
    assert [found.id for found in tree.tasks] == ["1", "2", "3"]
    assert [problem.code for problem in tree.problems] == ["task_id_collision", "task_id_mismatch"]


def test_stale_review_state_is_told_only_when_all_tasks_were_read(tmp_path: Path) -> None:
    entry = {"column": "review", "movedAt": "2026-03-01T12:00:00Z"}
    put(tmp_path, "teams/shop/kanban-state.json", {"tasks": {"1": entry, "2": entry}})
    put(tmp_path, "tasks/shop/1.json", task("1"))
    assert codes(tmp_path, "shop") == ["stale_kanban_task"]
    put(tmp_path, "tasks/shop/2.json", b"{")
    assert codes(tmp_path, "shop") == ["torn"]
    put(tmp_path, "tasks/shop/2.json", task("2", status="deleted"))
    assert codes(tmp_path, "shop") == ["stale_kanban_task"]


@pytest.mark.parametrize("name", ["..", "../x", "a/b", "a\0b", "", "x" * 300, "\ud800"])
def test_a_name_that_escapes_is_told_and_nothing_is_read(tmp_path: Path, name: str) -> None:
    assert codes(tmp_path, name) == ["bad_name"]


def test_links_out_of_the_tree_are_told_and_not_followed(tmp_path: Path) -> None:
    home, out = tmp_path / "home", tmp_path / "out"
    put(out, "config.json", {"name": "secret"})
    put(out, "inboxes/hal.json", [prose("iris", "secret")])
    put(out, "1.json", task("1"))
    (home / "teams").mkdir(parents=True)
    (home / "tasks").mkdir()
    (home / "teams" / "one").symlink_to(out)
    (home / "tasks" / "one").symlink_to(out)
    put(home, "teams/two/config.json", {"name": "two"})
    (home / "teams" / "two" / "inboxes").symlink_to(out / "inboxes")
    put(home, "teams/three/inboxes/iris.json", [])
    (home / "teams" / "three" / "inboxes" / "hal.json").symlink_to(out / "inboxes" / "hal.json")
    one, three, two = scan(home)
    assert [problem.code for problem in one.problems] == ["outside", "outside"]
    assert (one.config, one.inboxes, one.tasks) == (None, {}, ())
    assert ([problem.code for problem in two.problems], two.inboxes) == (["outside"], {})
    assert [problem.code for problem in three.problems] == ["outside"]
    assert three.inboxes == {"iris": ()}


def test_a_folder_of_teams_that_is_elsewhere_is_told(tmp_path: Path) -> None:
    home, out = tmp_path / "home", tmp_path / "out"
    put(out, "shop/config.json", {"name": "shop"})
    home.mkdir()
    (home / "teams").symlink_to(out)
    assert [problem.code for problem in home_problems(home)] == ["outside"]
    assert codes(home, "shop") == ["outside"]


def test_a_file_name_that_is_no_text_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "teams" / "shop" / "inboxes"
    folder.mkdir(parents=True)
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff.json")).write_bytes(b"[]")
    put(tmp_path, "teams/shop/inboxes/hal.json", [])
    assert codes(tmp_path, "shop") == ["bad_name"]
    assert read_team(tmp_path, "shop").inboxes == {"hal": ()}


def test_rows_with_ids_tell_the_newest_epoch(tmp_path: Path) -> None:
    config = {"name": "session-3b22f6a2", "members": []}
    put(tmp_path, "teams/session-3b22f6a2/config.json", config)
    put(tmp_path, "teams/session-3b22f6a2/inboxes/hal.json", [])
    assert read_team(tmp_path, "session-3b22f6a2").epoch is Epoch.SESSION
    row = prose("team-lead", "x") | {"msgV": 1, "msg_id": "m", "type": "message"}
    put(tmp_path, "teams/session-3b22f6a2/inboxes/hal.json", [row])
    assert read_team(tmp_path, "session-3b22f6a2").epoch is Epoch.NUMBERED


def test_equal_prose_in_two_inboxes_is_a_broadcast(tmp_path: Path) -> None:
    common, other = prose("team-lead", "All hands"), prose("team-lead", "Hal only", 1)
    idle = native_row(sender="hal", at=when(1772366400), kind="idle_notification")  # type: ignore[arg-type]
    put(tmp_path, "teams/shop/inboxes/hal.json", [common, other, other, idle])
    put(tmp_path, "teams/shop/inboxes/iris.json", [common, idle])
    tree = read_team(tmp_path, "shop")
    assert tree.broadcast_ids == {tree.inboxes["iris"][0].id}


def test_teams_are_named_in_order(tmp_path: Path) -> None:
    for name in ("zulu", "alpha", "mike"):
        put(tmp_path, f"teams/{name}/config.json", {"name": name})
    assert team_names(tmp_path) == ["alpha", "mike", "zulu"]


def test_reading_twice_gives_the_same(tmp_path: Path) -> None:
    put(tmp_path, "teams/shop/config.json", {"name": "shop"})
    put(tmp_path, "teams/shop/inboxes/hal.json", [prose("iris", "x")])
    put(tmp_path, "tasks/shop/1.json", task("1"))
    assert scan(tmp_path) == scan(tmp_path)


def test_rows_of_ours_are_read_from_the_file(tmp_path: Path) -> None:
    path = put(tmp_path, "teams/shop/inboxes/hal.json", [prose("alice", "x")])
    assert json.loads(path.read_bytes())[0]["timestamp"] == to_iso(when(1772366400))  # type: ignore[arg-type]
