"""Files on pages: added, shown safely, deleted."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.tasks.actions import create_task
from apps.teams.actions import add_artifact, delete_artifact
from apps.teams.artifacts import ORPHANED_AFTER, drop_orphans
from apps.teams.models import Artifact
from tests.conftest import Cast

Login = Callable[[str], Client]
Queries = Callable[..., CaptureQueriesContext]
FILES = "/teams/checkout/artifacts/"


@pytest.fixture(autouse=True)
def kept(settings: Any, tmp_path: Path) -> Path:
    """Where the bytes go."""
    settings.MEDIA_ROOT = tmp_path / "artifacts"
    return Path(settings.MEDIA_ROOT)


@pytest.fixture
def task(cast: Cast) -> int:
    return create_task(cast.alice, "Parser").number


def test_a_person_adds_a_file_to_a_task_and_sees_it_there(
    login: Login, task: int, journal: Any
) -> None:
    page = f"/teams/checkout/tasks/{task}/"
    browser = login("bob")
    file = SimpleUploadedFile("notes.md", b"# <b>Notes</b>", "text/markdown")
    response = browser.post(FILES, {"file": file, "task": task})
    assert (response.status_code, response["Location"]) == (302, page)
    assert journal() == ["artifact.added"]
    html = browser.get(page).content.decode()
    artifact = Artifact.objects.get()
    assert f'href="{FILES}{artifact.pk}/"' in html
    assert f'hx-get="{FILES}{artifact.pk}/preview/"' in html
    shown = browser.get(f"{FILES}{artifact.pk}/preview/", headers={"HX-Request": "true"})
    assert "<b>" not in shown.content.decode()
    assert "Notes" in shown.content.decode()
    assert "<html" not in shown.content.decode()
    assert "<html" in browser.get(f"{FILES}{artifact.pk}/preview/").content.decode()


def test_observers_see_files_and_add_none(login: Login, cast: Cast, task: int) -> None:
    add_artifact(cast.hal, "a.txt", b"text", content_type="text/plain", task=task)
    browser = login("vera")
    html = browser.get(f"/teams/checkout/tasks/{task}/").content.decode()
    assert "a.txt" in html
    assert 'type="file"' not in html
    assert 'type="file"' not in browser.get(FILES).content.decode()
    file = SimpleUploadedFile("b.txt", b"text")
    assert browser.post(FILES, {"file": file}).status_code == 403
    assert browser.post(f"{FILES}{Artifact.objects.get().pk}/delete/").status_code == 403
    assert Artifact.objects.count() == 1


def test_strangers_find_nothing(login: Login, cast: Cast) -> None:
    made = add_artifact(cast.hal, "a.txt", b"text")
    browser = login("mallory")
    for path in ("", f"{made.pk}/", f"{made.pk}/preview/", f"{made.pk}/picture/"):
        assert browser.get(f"{FILES}{path}").status_code == 404
    assert browser.post(f"{FILES}{made.pk}/delete/").status_code == 404


def test_versions_stand_behind_the_latest(login: Login, cast: Cast, task: int) -> None:
    for content in (b"1", b"2", b"3"):
        add_artifact(cast.hal, "a.txt", content, task=task)
    delete_artifact(cast.hal, Artifact.objects.get(version=2).pk)
    html = login("bob").get(f"/teams/checkout/tasks/{task}/").content.decode()
    assert html.index("a.txt v3") < html.index("Earlier versions") < html.index("v2 · deleted")


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        ("text/plain", '<pre class="plain file-text">&lt;script&gt;'),
        ("text/html", '<pre class="plain file-text">&lt;script&gt;'),
        ("application/json; charset=utf-8", '<pre class="plain file-text">&lt;script&gt;'),
        ("image/png", '<img class="picture"'),
        ("image/svg+xml", "This kind of file is not shown here"),
        ("application/pdf", "This kind of file is not shown here"),
        ("nonsense", "This kind of file is not shown here"),
    ],
)
def test_what_is_shown_of_a_file(login: Login, cast: Cast, kind: str, shown: str) -> None:
    made = add_artifact(cast.hal, "a", b"<script>alert(1)</script>", content_type=kind)
    response = login("bob").get(f"{FILES}{made.pk}/preview/")
    assert shown in response.content.decode()
    assert "<script>alert" not in response.content.decode()
    assert response["Content-Security-Policy"] == "default-src 'self'"


def test_bytes_that_are_no_text_are_shown_as_far_as_they_are(login: Login, cast: Cast) -> None:
    made = add_artifact(cast.hal, "a.txt", b"a\xff\x00b" * 50_000, content_type="text/plain")
    response = login("bob").get(f"{FILES}{made.pk}/preview/")
    assert response.status_code == 200
    assert len(response.content) < 100_000


def test_deleted_content_is_said_to_be_gone(login: Login, cast: Cast) -> None:
    made = add_artifact(cast.hal, "a.txt", b"text", content_type="text/plain")
    browser = login("alice")
    response = browser.post(f"{FILES}{made.pk}/delete/")
    assert (response.status_code, response["Location"]) == (302, FILES)
    assert "Its content was deleted" in browser.get(f"{FILES}{made.pk}/preview/").content.decode()
    assert browser.get(f"{FILES}{made.pk}/").status_code == 404


def test_the_list_of_files_costs_the_same_however_long(
    login: Login, cast: Cast, django_assert_max_num_queries: Queries
) -> None:
    browser = login("bob")
    for number in range(20):
        add_artifact(cast.hal, f"{number}.txt", b"x")
    browser.get(FILES)
    with django_assert_max_num_queries(16):
        html = browser.get(FILES).content.decode()
    assert html.count("data-file=") == 20


def test_files_that_no_row_names_are_swept_away(cast: Cast, kept: Path) -> None:

    made = add_artifact(cast.hal, "a.txt", b"text")
    old = time.time() - ORPHANED_AFTER.total_seconds() - 60
    lost, fresh = kept / "1" / "lost", kept / "1" / "fresh"
    lost.parent.mkdir(exist_ok=True)
    lost.write_bytes(b"x")
    fresh.write_bytes(b"x")
    for path in (lost, Path(made.content.path)):
        os.utime(path, (old, old))
    assert drop_orphans() == 1
    assert not lost.exists()
    assert fresh.exists()
    assert Path(made.content.path).exists()
