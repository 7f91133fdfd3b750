"""A backup is one moment, whole; a restore is all of it or nothing."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from apps.core import archive
from apps.tasks.actions import add_blocker, comment, create_task, delete_task
from apps.tasks.models import Dependency, Task
from apps.teams.actions import create_token
from apps.teams.models import Event, Member, Team
from tests.conftest import Cast


@pytest.mark.django_db(transaction=True)
def test_what_was_written_comes_back_as_it_was(cast: Cast, tmp_path: Path) -> None:
    first = create_task(cast.alice, "Retry the webhook", labels=["payments"], priority="high")
    second = create_task(cast.alice, "Then tell the shop", owner="hal")
    add_blocker(cast.alice, second.number, first.number)
    comment(cast.bob, first.number, "On it.")
    create_token(cast.alice, "hal")
    before = snapshot()
    file = tmp_path / "backup.tar.gz"
    call_command("backup", file, verbosity=0)
    assert file.stat().st_mode & 0o777 == 0o600

    delete_task(cast.alice, first.number)
    create_task(cast.alice, "Only after the backup")
    call_command("restore", file, yes=True)
    assert snapshot() == before
    assert Dependency.objects.get().blocker.number == first.number
    assert [label.name for label in Task.objects.get(number=1).labels.all()] == ["payments"]
    third = create_task(Member.objects.select_related("team").get(pk=cast.alice.pk), "Goes on")
    assert third.number == 3


def snapshot() -> list[object]:
    """Everything that a team is."""
    return [
        list(model.objects.order_by("pk").values())
        for model in (Team, Member, Task, Event, Dependency)
    ]


@pytest.mark.parametrize(
    ("said", "reply"), [("no", "Nothing was changed"), (None, "Say --yes where nobody can answer")]
)
def test_without_a_yes_nothing_is_replaced(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: str | None, reply: str
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{said}\n" if said else ""))
    with pytest.raises(CommandError, match=reply):
        call_command("restore", tmp_path / "backup.tar.gz")


@pytest.mark.parametrize("content", [b"", b"not a backup", b"\x1f\x8b\x08\x00broken"])
@pytest.mark.django_db(transaction=True)
def test_a_file_that_is_no_backup_changes_nothing(
    cast: Cast, tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "wrong"
    file.write_bytes(content)
    before = snapshot()
    with pytest.raises(CommandError, match="not a whole backup"):
        call_command("restore", file, yes=True)
    assert snapshot() == before


@pytest.mark.django_db(transaction=True)
def test_a_torn_backup_changes_nothing(cast: Cast) -> None:
    whole = io.BytesIO()
    archive.write(whole)
    before = snapshot()
    with pytest.raises(archive.BadArchive):
        archive.read(io.BytesIO(whole.getvalue()[: len(whole.getvalue()) * 2 // 3]))
    assert snapshot() == before


@pytest.mark.django_db(transaction=True)
def test_a_backup_of_another_version_is_refused(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = io.BytesIO()
    archive.write(whole)
    monkeypatch.setattr(archive, "_migrations", lambda: ["teams.0002_later"])
    with pytest.raises(archive.BadArchive, match="another version"):
        archive.read(io.BytesIO(whole.getvalue()))


@pytest.mark.django_db(transaction=True)
def test_a_path_that_cannot_be_written_says_so(cast: Cast, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="Cannot write"):
        call_command("backup", tmp_path / "missing" / "file")
