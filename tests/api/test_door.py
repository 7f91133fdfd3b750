"""Who gets in, how often, and what everybody else is told."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from apps.api.rates import Buckets, SharedBuckets, in_redis
from apps.teams.actions import end_seat
from apps.teams.models import Member, Token
from tests.api.conftest import Caller, refused, said
from tests.conftest import Cast

ME = "/api/v1/me"


def token_of(caller: Caller) -> Token:
    token = Token.behind(caller.secret)
    assert token is not None
    return token


def test_me_tells_who_is_behind_the_token(by_hal: Caller) -> None:
    me = said(by_hal.get(ME))
    assert (me["name"], me["role"], me["team"]["slug"]) == ("hal", "member", "checkout")
    assert me["permissions"] == ["review", "send_messages", "work"]
    assert me["counts"]["unread"] == 0


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("", "token_missing"),
        ("Bearer", "token_missing"),
        ("Basic abc", "token_missing"),
        ("Bearer at_wrong", "unauthorized"),
        ("Bearer \u00e9\u00ff", "unauthorized"),
    ],
)
def test_without_a_live_token_nobody_gets_in(cast: Cast, header: str, code: str) -> None:
    response = Client().get(ME, headers={"Authorization": header} if header else {})
    refused(response, 401, code)
    assert response["WWW-Authenticate"].startswith('Bearer realm="agent-teams"')


def test_an_expired_token_is_refused(by_hal: Caller) -> None:
    Token.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    refused(by_hal.get(ME), 401, "token_expired")


def test_a_revoked_token_is_refused_at_once(by_hal: Caller) -> None:
    Token.objects.update(revoked_at=timezone.now())
    refused(by_hal.get(ME), 401, "token_revoked")


def test_the_end_of_a_seat_ends_its_tokens(cast: Cast, by_hal: Caller) -> None:
    end_seat(cast.alice, "hal")
    refused(by_hal.get(ME), 401, "token_revoked")


def test_another_teams_address_is_not_found(stranger: Caller) -> None:
    refused(stranger.get("/board"), 404, "team_not_found")
    refused(stranger.post("/tasks", {"subject": "x"}), 404, "team_not_found")
    refused(stranger.post("/tasks", {"wrong": 1}), 404, "team_not_found")


def test_any_call_is_a_sign_of_life(cast: Cast, by_hal: Caller) -> None:
    Member.objects.filter(pk=cast.hal.pk).update(last_seen_at=None)
    said(by_hal.get(ME))
    seen = Member.objects.get(pk=cast.hal.pk).last_seen_at
    used = token_of(by_hal).last_used_at
    assert seen is not None
    assert used is not None
    said(by_hal.get(ME))
    assert Member.objects.get(pk=cast.hal.pk).last_seen_at == seen
    assert token_of(by_hal).last_used_at == used


def test_use_is_noted_again_after_a_minute(by_hal: Caller) -> None:
    long_ago = timezone.now() - timedelta(seconds=61)
    Token.objects.update(last_used_at=long_ago)
    said(by_hal.get(ME))
    used = token_of(by_hal).last_used_at
    assert used is not None
    assert used > long_ago + timedelta(seconds=60)


def test_too_many_calls_are_told_when_to_come_again(
    by_hal: Caller, by_alice: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = Buckets(1, 3)
    monkeypatch.setattr("apps.api.rates.buckets", lambda: few)
    answers = [by_hal.get(ME).status_code for _ in range(4)]
    assert answers == [200, 200, 200, 429]
    response = by_hal.get(ME)
    error = refused(response, 429, "rate_limited")
    assert 1 <= int(response["Retry-After"]) <= 2
    assert error["retry_after"] == int(response["Retry-After"])
    said(by_alice.get(ME))


def test_a_bucket_fills_up_again_and_holds_no_more_than_a_burst() -> None:
    now = 0.0
    bucket = Buckets(2, 4, clock=lambda: now)
    assert [bucket.take("a") for _ in range(5)] == [0, 0, 0, 0, 0.5]
    now = 0.5
    assert bucket.take("a") == 0
    assert bucket.take("a") == 0.5
    now = 1000
    assert [bucket.take("a") for _ in range(5)] == [0, 0, 0, 0, 0.5]
    assert bucket.take("b") == 0


def test_while_what_is_shared_is_away_each_process_counts_for_itself(
    caplog: pytest.LogCaptureFixture,
) -> None:
    now, asked = 0.0, 0

    def ask(key: str) -> float:
        nonlocal asked
        asked += 1
        if now < 6:
            raise ConnectionRefusedError("nobody there")
        return 7.0

    shared = SharedBuckets(Buckets(1, 2, clock=lambda: now), ask)
    assert [shared.take("a") for _ in range(3)] == [0, 0, 1]
    assert asked == 1
    now = 5
    assert shared.take("a") == 0
    assert asked == 2
    now = 10
    assert shared.take("a") == 7
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]


def test_a_redis_that_is_not_there_stops_nobody() -> None:
    shared = in_redis("redis://127.0.0.1:1/0", Buckets(1, 2))
    assert [shared.take("a") for _ in range(2)] == [0, 0]
    assert 0 < shared.take("a") <= 1


@pytest.mark.skipif(not settings.REDIS_URL, reason="Only Redis is shared.")
def test_processes_share_the_buckets_in_redis() -> None:
    key = uuid.uuid4().hex
    here, there = (in_redis(settings.REDIS_URL, Buckets(0.5, 4)) for _ in range(2))
    assert [one.take(key) for one in (here, there, here, there)] == [0, 0, 0, 0]
    for one in (here, there):
        assert 1.5 < one.take(key) <= 2
    assert here.take(uuid.uuid4().hex) == 0


def test_addresses_that_lead_nowhere_answer_in_the_same_shape(by_hal: Caller) -> None:
    for path in ("/api/v1/nothing", "/api/v1/", "/api/v2/me", "/api/v1/teams/checkout/tasks/abc"):
        refused(by_hal.get(path), 404, "not_found")
        refused(by_hal.post(path, {}), 404, "not_found")


def test_a_wrong_method_names_the_right_ones(by_hal: Caller) -> None:
    response = by_hal.delete("/board")
    refused(response, 405, "method_not_allowed")
    assert response["Allow"] == "GET"


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ('{"subject": }', (1, 13)),
        ('{"subject": "x"\n "y"}', (2, 2)),
        ("", None),
        ('{"subject": NaN}', None),
        ("[" * 100_000, None),
    ],
)
def test_malformed_json_is_told_with_its_place(
    by_hal: Caller, body: str, place: tuple[int, int] | None
) -> None:
    response = Client().post(
        "/api/v1/teams/checkout/tasks", body or "{", "application/json",
        headers={"Authorization": f"Bearer {by_hal.secret}"},
    )  # fmt: skip
    error = refused(response, 400, "malformed")
    if place:
        assert (error["line"], error["column"]) == place


def test_bytes_that_are_no_text_are_malformed(by_hal: Caller) -> None:
    response = Client().post(
        "/api/v1/teams/checkout/tasks", b'{"subject": "\xff"}', "application/json",
        headers={"Authorization": f"Bearer {by_hal.secret}"},
    )  # fmt: skip
    assert refused(response, 400, "malformed")["byte"] == 14


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
def test_text_that_cannot_be_kept_is_refused(by_hal: Caller, text: str) -> None:
    error = refused(
        by_hal.post("/tasks", {"subject": "x", "metadata": {"a": [text]}}), 422, "invalid"
    )
    assert "body" in error["fields"]
    assert by_hal.get("/tasks?q=%00").status_code == 422
    assert by_hal.get("/members/%00").status_code in (404, 405)


@pytest.mark.parametrize("to", [["x"] * 1001, 5, [None]])
def test_a_value_of_several_types_is_told_under_its_own_name(by_hal: Caller, to: object) -> None:
    error = refused(by_hal.post("/messages", {"to": to, "body": "x"}), 422, "invalid")
    assert set(error["fields"]) <= {"to", "to.0"}


def test_wrong_values_are_told_by_field(by_hal: Caller) -> None:
    body = {"subject": 5, "priority": "huge", "blocked_by": ["x"], "status": "done", "tilte": ""}
    fields = refused(by_hal.post("/tasks", body), 422, "invalid")["fields"]
    assert fields["subject"] == "Write text."
    assert fields["priority"] == "Choose one of low, normal, high or critical."
    assert fields["blocked_by.0"] == "Write a whole number."
    assert fields["status"].startswith("Moves have addresses of their own")
    assert fields["tilte"] == "There is no such value."


def test_a_body_that_is_no_object_is_refused(by_hal: Caller) -> None:
    for body in ([], 5, "text", None):
        refused(by_hal.post("/tasks", body), 422, "invalid")


def test_an_unforeseen_failure_answers_in_the_same_shape(
    by_hal: Caller, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("apps.api.routes.teams.counts_for", fail)
    refused(by_hal.get(ME), 500, "internal")
    assert "broken" in caplog.text
    assert by_hal.secret not in caplog.text


def test_secrets_stay_out_of_the_log(
    call: Callable[[str], Caller], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("DEBUG"):
        Client().get(ME, headers={"Authorization": "Bearer at_thesecretofsomebody"})
    assert "thesecretofsomebody" not in caplog.text
