from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.claude.formats import (
    contained,
    file_form,
    is_session_id,
    is_session_team,
    safe_name,
    slug_for,
)

SLUG = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
ESCAPES = ["../escape", "..", ".", "", "foo/bar", "a\\b", "a\0b", "/etc", "\ud800", "x" * 256]


@pytest.mark.parametrize("name", ESCAPES)
def test_an_escaping_name_is_refused(tmp_path: Path, name: str) -> None:
    assert not safe_name(name)
    assert contained(tmp_path, name) is None
    assert contained(tmp_path, name, suffix=".json") is None


@pytest.mark.parametrize(
    "name", ["alpha", "Ärger im Büro", "...", "-x", "a b", "x" * 255, "é" * 127]
)
def test_a_loose_name_is_accepted(tmp_path: Path, name: str) -> None:
    assert safe_name(name)
    assert contained(tmp_path, name) == tmp_path / name


def test_bytes_are_counted_not_characters(tmp_path: Path) -> None:
    assert not safe_name("é" * 128)
    assert contained(tmp_path, "x" * 250, suffix=".json") == tmp_path / ("x" * 250 + ".json")
    assert contained(tmp_path, "x" * 251, suffix=".json") is None


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (tmp_path / "outside").mkdir()
    (home / "out").symlink_to(tmp_path / "outside")
    (home / "in").mkdir()
    (home / "also-in").symlink_to(home / "in")
    assert contained(home, "out") is None
    assert contained(home, "also-in") == home / "also-in"


def test_a_neighbour_with_a_longer_name_is_outside(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home-2").mkdir()
    (tmp_path / "home" / "x").symlink_to(tmp_path / "home-2")
    assert contained(tmp_path / "home", "x") is None


@given(st.text())
def test_no_name_leaves_its_folder(name: str) -> None:
    base = Path("/nowhere/base")
    path = contained(base, name)
    assert path is None or (path.parent == base and path.name == name)


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("alice", "alice"),
        ("bob_2", "bob_2"),
        ("v1.2", "v1.2"),
        ("Analysis Team", "analysis-team"),
        ("Ärger im Büro", "arger-im-buro"),
        ("--x--", "x"),
        (".hidden", "hidden"),
        ("codex-1 (wB:p2)", "codex-1-wb-p2"),
        ("日本", "team"),
        ("", "team"),
        ("../../etc", "etc"),
        ("x" * 300, "x" * 64),
    ],
)
def test_a_slug_is_made_from_any_name(name: str, slug: str) -> None:
    assert slug_for(name) == slug


def test_a_taken_slug_is_numbered() -> None:
    assert slug_for("shop", {"shop"}) == "shop-2"
    assert slug_for("shop", {"shop", "shop-2"}) == "shop-3"
    assert slug_for("x" * 64, {"x" * 64}) == "x" * 62 + "-2"


@given(st.text(), st.sets(st.sampled_from(["team", "a", "a-2", "b"])))
def test_every_slug_is_one_of_ours(name: str, taken: set[str]) -> None:
    slug = slug_for(name, taken)
    assert SLUG.fullmatch(slug)
    assert slug not in taken
    assert slug == slug_for(name, taken)


def test_solo_sessions_are_told_from_teams() -> None:
    assert is_session_id("3b22f6a2-8179-4ae8-b430-861f97e74884")
    assert not is_session_id("session-3b22f6a2")
    assert is_session_team("session-3b22f6a2")
    assert not is_session_team("session-planning")


def test_a_member_may_be_spelled_differently_as_a_file() -> None:
    assert file_form("Dr. No") == "dr--no"
