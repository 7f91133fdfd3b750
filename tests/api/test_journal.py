"""The journal, sessions and artifacts over REST."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.api.schemas import Artifact, EventPage, Session
from apps.tasks import actions as tasks
from apps.teams import events
from tests.api.conftest import Caller, refused, said
from tests.conftest import Cast

Queries = Callable[..., CaptureQueriesContext]


@pytest.fixture(autouse=True)
def files(settings: Any, tmp_path: Path) -> Path:
    """Where the bytes go."""
    settings.MEDIA_ROOT = tmp_path / "artifacts"
    return Path(settings.MEDIA_ROOT)


def test_the_journal_is_followed_without_gaps(by_hal: Caller, cast: Cast) -> None:
    start = said(by_hal.get("/events?limit=200"))["last"]
    for number in range(5):
        tasks.create_task(cast.alice, f"Task {number}")
    page = said(by_hal.get(f"/events?after={start}&limit=3"))
    EventPage.model_validate(page)
    rest = said(by_hal.get(f"/events?cursor={page['next']}&limit=3"))
    found = page["items"] + rest["items"]
    assert [event["seq"] for event in found] == list(range(start + 1, start + 6))
    assert {(event["kind"], event["actor"]) for event in found} == {("task.created", "alice")}
    assert [event["task"] for event in found] == [1, 2, 3, 4, 5]
    assert found[0]["at"].endswith("Z")
    assert (rest["next"], rest["last"], rest["reload"]) == (None, start + 5, False)


def test_kinds_are_picked_and_the_rest_is_passed_over(by_hal: Caller, cast: Cast) -> None:
    start = cast.team.events.count()
    tasks.create_task(cast.alice, "A")
    tasks.claim_task(cast.hal, 1)
    page = said(by_hal.get(f"/events?after={start}&kind=task.claimed,task.released"))
    assert [event["kind"] for event in page["items"]] == ["task.claimed"]
    page = said(by_hal.get(f"/events?after={start}&kind=task.created&kind=task.released"))
    assert [event["kind"] for event in page["items"]] == ["task.created"]
    assert page["last"] == start + 2
    page = said(by_hal.get(f"/events?after={start}&kind=task"))
    assert [event["kind"] for event in page["items"]] == ["task.created", "task.claimed"]
    error = refused(by_hal.get("/events?kind=tsk&wait=60"), 422, "invalid")
    assert error["fields"] == {"kind": "There is no kind “tsk”. Did you mean task?"}


def test_waiting_says_when_there_is_nothing(by_hal: Caller, cast: Cast) -> None:
    last = said(by_hal.get("/events?limit=200"))["last"]
    response = by_hal.get(f"/events?after={last}&wait=10")
    assert (said(response)["items"], response["X-Wait"]) == ([], "empty")
    tasks.create_task(cast.alice, "A")
    assert "X-Wait" not in by_hal.get(f"/events?after={last}&wait=10")
    refused(by_hal.get("/events?wait=61"), 422, "invalid")
    refused(by_hal.get("/events?after=-1"), 422, "invalid")


def test_a_place_that_is_gone_says_to_read_anew(
    by_hal: Caller, cast: Cast, stranger: Caller
) -> None:
    events.prune(cast.team, before=timezone.now())
    assert said(by_hal.get("/events?after=1"))["reload"] is True
    ahead = said(by_hal.get("/events?after=100000"))
    assert (ahead["reload"], ahead["items"]) == (True, [])
    refused(stranger.get("/events"), 404, "team_not_found")


def test_the_journal_costs_the_same_however_long(
    by_hal: Caller, cast: Cast, django_assert_max_num_queries: Queries
) -> None:
    said(by_hal.get("/events"))
    with django_assert_max_num_queries(3):
        said(by_hal.get("/events"))


def test_a_run_begins_beats_and_ends(by_hal: Caller, by_bob: Caller, journal: Any) -> None:
    run = said(by_hal.post("/sessions", {"model": "opus", "cwd": "/src", "pid": 7}), 201)
    Session.model_validate(run)
    assert (run["member"], run["model"], run["ended_at"]) == ("hal", "opus", None)
    at = f"/sessions/{run['id']}"
    assert said(by_hal.post(f"{at}/heartbeat"))["last_seen_at"] >= run["last_seen_at"]
    refused(by_bob.post(f"{at}/heartbeat"), 404, "session_not_found")
    refused(by_bob.post(f"{at}/end"), 404, "session_not_found")
    ended = said(by_hal.post(f"{at}/end", {"reason": "Done"}))
    assert (ended["end_reason"], ended["ended_at"] is None) == ("Done", False)
    refused(by_hal.post(f"{at}/heartbeat"), 404, "session_not_found")
    assert journal() == ["session.started", "session.ended"]


def upload(
    caller: Caller, called: str, content: bytes, *, key: str = "", kind: str = "text/plain",
    **form: Any,
) -> Any:  # fmt: skip
    """Send a file as programs do."""
    headers = {"Authorization": f"Bearer {caller.secret}"}
    if key:
        headers["Idempotency-Key"] = key
    file = SimpleUploadedFile(called, content, kind)
    where = f"/api/v1/teams/{caller.slug}/artifacts"
    return Client(raise_request_exception=False).post(
        where, {"file": file, **form}, headers=headers
    )


def test_a_file_is_kept_outside_the_database_in_versions(
    by_hal: Caller, by_vera: Caller, cast: Cast, files: Path, journal: Any
) -> None:
    tasks.create_task(cast.alice, "A")
    first = said(upload(by_hal, "notes.md", b"one", task=1), 201)
    Artifact.model_validate(first)
    second = said(upload(by_hal, "x", b"two", task=1, name="notes.md"), 201)
    team_wide = said(upload(by_hal, "notes.md", b"three"), 201)
    assert [a["version"] for a in (first, second, team_wide)] == [1, 2, 1]
    assert (first["size"], first["content_type"], first["added_by"]) == (3, "text/plain", "hal")
    assert len([path for path in files.rglob("*") if path.is_file()]) == 3
    listed = said(by_vera.get("/artifacts?task=1&name=notes.md"))["items"]
    assert [artifact["id"] for artifact in listed] == [second["id"], first["id"]]
    assert said(by_vera.get(f"/artifacts/{first['id']}")) == first
    assert journal().count("artifact.added") == 3


def test_a_file_is_only_ever_saved_never_shown(by_hal: Caller, login: Any) -> None:
    page = b"<script>alert(1)</script>"
    made = said(upload(by_hal, "evil.html", page, kind="text/html"), 201)
    at, browser = f"/teams/checkout/artifacts/{made['id']}/", login("bob")
    for response in (by_hal.get(made["url"]), browser.get(at)):
        assert b"".join(response.streaming_content) == page
        assert response["Content-Disposition"] == 'attachment; filename="evil.html"'
        assert response["X-Content-Type-Options"] == "nosniff"
        assert response["Content-Security-Policy"] == "default-src 'none'; sandbox"
    shown = browser.get(f"{at}picture/", headers={"Accept": "application/json"})
    refused(shown, 404, "artifact_not_picture")
    assert login("mallory").get(at).status_code == 404


def test_a_picture_shows_inside_a_page(by_hal: Caller, login: Any) -> None:
    made = said(upload(by_hal, "a.png", b"\x89PNG", kind="image/png"), 201)
    response = login("bob").get(f"/teams/checkout/artifacts/{made['id']}/picture/")
    assert b"".join(response.streaming_content) == b"\x89PNG"
    assert response["Content-Type"] == "image/png"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] == "default-src 'none'; sandbox"


def test_uploads_that_are_refused(
    by_hal: Caller, by_vera: Caller, stranger: Caller, settings: Any, files: Path
) -> None:
    settings.MAX_UPLOAD_MB = 1
    refused(upload(by_hal, "a", b"x" * (1024 * 1024 + 1)), 413, "too_large")
    refused(upload(by_vera, "a", b"x"), 403, "not_allowed")
    refused(upload(stranger, "a", b"x"), 404, "team_not_found")
    refused(upload(by_hal, "a", b"x", task=99), 422, "invalid")
    refused(upload(by_hal, "a", b"x", name="a\x01b"), 422, "invalid")
    assert "file" in refused(by_hal.post("/artifacts", {}), 422, "invalid")["fields"]
    refused(by_hal.get("/artifacts/999"), 404, "artifact_not_found")
    assert not [path for path in files.rglob("*") if path.is_file()]


def test_an_upload_sent_twice_is_kept_once(by_hal: Caller, files: Path) -> None:
    first = upload(by_hal, "a", b"x", key="k")
    again = upload(by_hal, "a", b"x", key="k")
    assert said(again, 201) == said(first, 201)
    refused(upload(by_hal, "a", b"y", key="k"), 409, "idempotency_conflict")
    assert len([path for path in files.rglob("*") if path.is_file()]) == 1


@pytest.mark.django_db(transaction=True)
def test_deleted_content_stays_listed(cast: Cast, files: Path, call: Any) -> None:
    by_hal, by_iris = call("hal"), call("iris")
    made = said(upload(by_hal, "a", b"x"), 201)
    refused(by_iris.delete(f"/artifacts/{made['id']}"), 403, "not_allowed")
    gone = said(by_hal.delete(f"/artifacts/{made['id']}"))
    assert (gone["deleted_at"] is None, gone["url"]) == (False, None)
    assert not [path for path in files.rglob("*") if path.is_file()]
    assert said(by_iris.get("/artifacts"))["items"] == [gone]
    refused(by_iris.get(made["url"]), 404, "artifact_deleted")
    assert said(upload(by_hal, "a", b"x"), 201)["version"] == 2


def test_artifacts_cost_the_same_however_many(
    by_hal: Caller, django_assert_max_num_queries: Queries
) -> None:
    for number in range(3):
        said(upload(by_hal, f"f{number}", b"x"), 201)
    with django_assert_max_num_queries(2):
        page = said(by_hal.get("/artifacts?limit=2"))
    assert len(said(by_hal.get(f"/artifacts?cursor={page['next']}"))["items"]) == 1
