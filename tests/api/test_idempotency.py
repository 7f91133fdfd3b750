"""A write that is sent again happens once."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from apps.api.models import IdempotentAnswer
from apps.tasks import actions
from apps.tasks.models import Task
from tests.api.conftest import Caller, refused, said, token_for
from tests.conftest import Cast, make_cast

NEW = {"subject": "Write the parser"}


def test_the_same_request_gets_the_first_answer(by_hal: Caller, journal: Any) -> None:
    first = by_hal.post("/tasks", NEW, key="a")
    again = by_hal.post("/tasks", NEW, key="a")
    assert (again.status_code, again.content) == (first.status_code, first.content) == (
        201, first.content,
    )  # fmt: skip
    assert again["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first
    assert journal() == ["task.created"]


def test_spaces_and_order_do_not_make_another_request(by_hal: Caller) -> None:
    said(by_hal.post("/tasks", {"subject": "x", "priority": "low"}, key="a"), 201)
    again = by_hal.post("/tasks", {"priority": "low", "subject": "x"}, key="a")
    assert said(again, 201)["number"] == 1


def test_another_request_under_the_same_key_is_a_conflict(by_hal: Caller) -> None:
    said(by_hal.post("/tasks", NEW, key="a"), 201)
    refused(by_hal.post("/tasks", {"subject": "Other"}, key="a"), 409, "idempotency_conflict")
    refused(by_hal.post("/tasks/1/claim", key="a"), 409, "idempotency_conflict")
    assert Task.objects.count() == 1


def test_keys_belong_to_their_member(by_hal: Caller, by_alice: Caller) -> None:
    assert said(by_hal.post("/tasks", NEW, key="a"), 201)["number"] == 1
    assert said(by_alice.post("/tasks", NEW, key="a"), 201)["number"] == 2


def test_a_refusal_is_an_answer_too(by_hal: Caller, cast: Cast) -> None:
    actions.create_task(cast.alice, "A", owner="iris")
    error = refused(by_hal.post("/tasks/1/claim", key="a"), 409, "task_taken")
    actions.edit_task(cast.alice, 1, owner=None)
    again = by_hal.post("/tasks/1/claim", key="a")
    assert refused(again, 409, "task_taken") == error
    said(by_hal.post("/tasks/1/claim", key="b"))


def test_values_that_cannot_be_read_use_no_key_up(by_hal: Caller) -> None:
    refused(by_hal.post("/tasks", {}, key="a"), 422, "invalid")
    said(by_hal.post("/tasks", NEW, key="a"), 201)


def test_a_key_lives_for_a_day(by_hal: Caller) -> None:
    said(by_hal.post("/tasks", NEW, key="a"), 201)
    IdempotentAnswer.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert said(by_hal.post("/tasks", NEW, key="a"), 201)["number"] == 2
    assert IdempotentAnswer.objects.count() == 1


def test_a_failure_leaves_nothing_behind(by_hal: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as broken:
        broken.setattr("apps.api.routes.tasks.cards.task_as_dict", fail)
        refused(by_hal.post("/tasks", NEW, key="a"), 500, "internal")
    assert not Task.objects.exists()
    assert not IdempotentAnswer.objects.exists()
    said(by_hal.post("/tasks", NEW, key="a"), 201)


@pytest.mark.parametrize("key", ["x" * 256, "a\tb"])
def test_keys_that_are_none_are_refused(by_hal: Caller, key: str) -> None:
    assert (
        "Idempotency-Key" in refused(by_hal.post("/tasks", NEW, key=key), 422, "invalid")["fields"]
    )


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "/tasks/1", {"subject": "y"}),
        ("DELETE", "/tasks/1", None),
        ("PUT", "/tasks/1/related/2", None),
        ("POST", "/tasks/1/claim", None),
        ("POST", "/tasks/1/comments", {"body": "once"}),
        ("POST", "/messages", {"to": ["alice"], "body": "once"}),
        ("POST", "/plans", {"title": "P", "body": "once"}),
        ("POST", "/sessions", {"model": "opus"}),
        ("POST", "/discussions", {"topic": "T", "participants": ["alice", "hal"]}),
    ],
)
def test_every_kind_of_write_happens_once(
    by_hal: Caller, cast: Cast, journal: Any, method: str, path: str, body: Any
) -> None:
    for subject in ("a", "b"):
        actions.create_task(cast.hal, subject, owner="hal")
    first = by_hal.ask(method, path, body, key="k")
    assert first.status_code in (200, 201), first.content
    lines = journal()
    again = by_hal.ask(method, path, body, key="k")
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert journal() == lines


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_exactly_one_happens() -> None:
    cast = make_cast()
    caller = Caller(token_for(cast.hal), cast.team.slug)
    said(caller.get("/api/v1/me"))
    answers: list[bytes] = []
    start = threading.Barrier(6)

    def send() -> None:
        start.wait()
        response = caller.post("/tasks", NEW, key="race")
        answers.append(response.content if response.status_code == 201 else b"refused")
        connections.close_all()

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(answers) == 6
    assert len(set(answers)) == 1
    assert b"refused" not in answers
    assert Task.objects.filter(team=cast.team).count() == 1
