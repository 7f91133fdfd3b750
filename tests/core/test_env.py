"""The environment: everything optional, what is wrong is named."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from apps.core import env

Patch = pytest.MonkeyPatch


@pytest.mark.parametrize("raw", ["1", "true", "YES", " on "])
def test_a_flag_that_is_set(raw: str, monkeypatch: Patch) -> None:
    monkeypatch.setenv("FLAG", raw)
    assert env.flag("FLAG") is True


@pytest.mark.parametrize("raw", ["0", "false", "No", "off", ""])
def test_a_flag_that_is_not(raw: str, monkeypatch: Patch) -> None:
    monkeypatch.setenv("FLAG", raw)
    assert env.flag("FLAG", default=True) is False


def test_a_flag_has_a_default(monkeypatch: Patch) -> None:
    monkeypatch.delenv("FLAG", raising=False)
    assert env.flag("FLAG") is False
    assert env.flag("FLAG", default=True) is True


def test_a_flag_that_is_neither_is_named(monkeypatch: Patch) -> None:
    monkeypatch.setenv("FLAG", "maybe")
    with pytest.raises(ImproperlyConfigured, match="FLAG='maybe'"):
        env.flag("FLAG")


@pytest.mark.parametrize(("raw", "value"), [("7", 7), (" 12 ", 12), ("", 10), ("  ", 10)])
def test_a_whole_number(raw: str, value: int, monkeypatch: Patch) -> None:
    monkeypatch.setenv("NUMBER", raw)
    assert env.integer("NUMBER", default=10) == value


@pytest.mark.parametrize("raw", ["ten", "-3", "1.5", "0"])
def test_no_whole_number_is_named(raw: str, monkeypatch: Patch) -> None:
    monkeypatch.setenv("NUMBER", raw)
    with pytest.raises(ImproperlyConfigured, match="from 1 on"):
        env.integer("NUMBER", default=10, least=1)


def test_a_list_of_words(monkeypatch: Patch) -> None:
    monkeypatch.setenv("WORDS", " a, b ,,c ")
    assert env.words("WORDS") == ["a", "b", "c"]
    monkeypatch.delenv("WORDS")
    assert env.words("WORDS") == []


@pytest.mark.parametrize("raw", ["", "  ", None])
def test_without_an_address_the_database_is_the_default(
    raw: str | None, monkeypatch: Patch
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    if raw is not None:
        monkeypatch.setenv("DATABASE_URL", raw)
    found = env.database("sqlite:////srv/teams.sqlite3")
    assert (found["ENGINE"], found["NAME"]) == ("django.db.backends.sqlite3", "/srv/teams.sqlite3")


@pytest.mark.parametrize("raw", ["nonsense", "foo://secret@host/name", "postgres://u:p@h:x/n"])
def test_an_address_of_no_database_is_named_without_its_password(
    raw: str, monkeypatch: Patch
) -> None:
    monkeypatch.setenv("DATABASE_URL", raw)
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL is no address") as refused:
        env.database("sqlite://")
    assert raw not in str(refused.value)


def test_the_data_directory_is_its_owners_alone(tmp_path: Path) -> None:
    made = env.private(tmp_path / "deep" / "data")
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    assert env.private(made) == made
    (tmp_path / "file").touch()
    with pytest.raises(ImproperlyConfigured, match=r"Cannot make .*file"):
        env.private(tmp_path / "file")


def test_a_given_secret_key_makes_no_file(tmp_path: Path, monkeypatch: Patch) -> None:
    monkeypatch.setenv("SECRET_KEY", " given ")
    assert env.secret_key(tmp_path / "data") == "given"
    assert not (tmp_path / "data").exists()


def test_the_secret_key_is_made_once_and_kept_private(tmp_path: Path, monkeypatch: Patch) -> None:
    monkeypatch.delenv("SECRET_KEY", raising=False)
    first = env.secret_key(tmp_path / "data")
    assert env.secret_key(tmp_path / "data") == first
    assert len(first) >= 50
    assert env.secret_key(tmp_path / "other") != first
    path = tmp_path / "data" / "secret_key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["secret_key"]


def test_a_process_that_comes_second_takes_the_first_ones_key(
    tmp_path: Path, monkeypatch: Patch
) -> None:
    monkeypatch.delenv("SECRET_KEY", raising=False)
    path, real_link = tmp_path / "secret_key", os.link

    def link(fresh: str, target: str) -> None:
        path.write_text("theirs")
        real_link(fresh, target)

    monkeypatch.setattr(os, "link", link)
    assert env.secret_key(tmp_path) == "theirs"
    assert [file.name for file in tmp_path.iterdir()] == ["secret_key"]


@pytest.mark.parametrize(
    ("url", "number"),
    [
        ("redis://127.0.0.1:6379/9", 9),
        ("redis://:secret@127.0.0.1", 0),
        ("rediss://redis:6379/0", 0),
        ("unix:///run/redis.sock?db=3", 3),
    ],
)
def test_the_address_of_a_redis_names_its_database(url: str, number: int) -> None:
    assert env.redis_database(url) == number


@pytest.mark.parametrize("url", ["nonsense", "redis://h?db=secret"])
def test_an_address_of_no_redis_is_named_without_its_password(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="REDIS_URL is no address") as refused:
        env.redis_database(url)
    assert "secret" not in str(refused.value)
