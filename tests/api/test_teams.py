"""The team, its seats and keys over REST."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.api.models import IdempotentAnswer
from apps.api.schemas import Me, Member, Team
from apps.tasks import actions as tasks
from apps.teams.models import Token
from tests.api.conftest import Caller, refused, said
from tests.conftest import Cast

Queries = Callable[..., CaptureQueriesContext]


def test_the_team_with_members_and_counts(by_vera: Caller, cast: Cast, stranger: Caller) -> None:
    tasks.create_task(cast.alice, "A")
    team = Team.model_validate(said(by_vera.get("")))
    assert (team.slug, team.state, team.counts.members) == ("checkout", "active", 5)
    assert team.counts.tasks["todo"] == 1
    assert {member.name for member in team.members} == {"alice", "bob", "vera", "hal", "iris"}
    assert "paused" in team.next_states
    refused(stranger.get(""), 404, "team_not_found")


def test_settings_change_one_by_one(by_alice: Caller, by_bob: Caller, journal: Any) -> None:
    team = said(by_alice.patch("", {"wip_limits": {"in_progress": 3}, "protocol": "Be kind."}))
    assert (team["wip_limits"], team["protocol"]) == ({"in_progress": 3}, "Be kind.")
    assert team["max_members"] == 10
    assert journal() == ["team.changed"]
    refused(by_bob.patch("", {"name": "Mine"}), 403, "not_allowed")
    error = refused(by_alice.patch("", {"max_members": 0, "wip_limits": {"x": 1}}), 422, "invalid")
    assert set(error["fields"]) == {"max_members", "wip_limits"}


def test_leaders_move_the_team(by_alice: Caller, by_bob: Caller) -> None:
    assert said(by_alice.post("/transition", {"to": "Paused"}))["state"] == "paused"
    refused(by_alice.post("/transition", {"to": "forming"}), 409, "wrong_state")
    refused(by_bob.post("/transition", {"to": "active"}), 403, "not_allowed")
    refused(by_alice.post("/transition", {"to": "sleeping"}), 422, "invalid")


def test_nothing_is_claimed_while_the_team_is_paused(by_alice: Caller, by_hal: Caller) -> None:
    said(by_hal.post("/tasks", {"subject": "A"}), 201)
    said(by_alice.post("/transition", {"to": "paused"}))
    refused(by_hal.post("/tasks/1/claim"), 409, "team_not_active")


def test_an_agent_is_seated_and_changed(by_alice: Caller, by_bob: Caller, journal: Any) -> None:
    body = {"name": "ivy", "kind": "agent", "role": "member", "model": "opus", "color": "red",
            "plan_mode_required": True, "agent_type": "builder", "prompt": "Build."}  # fmt: skip
    member = Member.model_validate(said(by_alice.post("/members", body), 201))
    assert (member.name, member.plan_mode_required, member.model) == ("ivy", True, "opus")
    changed = said(by_alice.patch("/members/IVY", {"permissions": ["work", "decide-plans"]}))
    assert changed["permissions"] == ["decide_plans", "work"]
    assert said(by_alice.patch("/members/ivy", {"granted": [], "denied": []}))["permissions"] == [
        "review", "send_messages", "work",
    ]  # fmt: skip
    assert said(by_alice.delete("/members/ivy"))["left_at"]
    assert journal() == ["member.joined", "member.changed", "member.changed", "member.left"]
    refused(by_bob.post("/members", {"name": "eve"}), 403, "not_allowed")
    refused(by_bob.patch("/members/hal", {"role": "leader"}), 403, "not_allowed")
    refused(by_bob.delete("/members/hal"), 403, "not_allowed")


def test_seats_that_cannot_be_taken(by_alice: Caller) -> None:
    refused(by_alice.post("/members", {"name": "HAL"}), 409, "name_taken")
    refused(by_alice.post("/members", {"name": "all"}), 422, "invalid")
    refused(by_alice.post("/members", {"name": "x", "kind": "human"}), 422, "invalid")
    refused(by_alice.patch("/members/alice", {"role": "member"}), 409, "last_leader")
    refused(by_alice.delete("/members/nobody"), 404, "member_not_found")


def test_members_are_listed_in_pages(by_vera: Caller, by_alice: Caller) -> None:
    said(by_alice.delete("/members/iris"))
    first = said(by_vera.get("/members?limit=3"))
    rest = said(by_vera.get(f"/members?limit=3&cursor={first['next']}"))
    names = [member["name"] for member in first["items"] + rest["items"]]
    assert names == ["alice", "bob", "vera", "hal"]
    everyone = said(by_vera.get("/members?all=true"))["items"]
    assert [member["name"] for member in everyone] == [*names, "iris"]


def test_reads_of_the_team_cost_the_same_however_large(
    by_hal: Caller, cast: Cast, django_assert_max_num_queries: Queries
) -> None:
    for number in range(10):
        tasks.create_task(cast.alice, f"Task {number}")
    said(by_hal.get("/api/v1/me"))
    with django_assert_max_num_queries(3):
        said(by_hal.get(""))
    with django_assert_max_num_queries(2):
        said(by_hal.get("/members"))
    with django_assert_max_num_queries(7):
        Me.model_validate(said(by_hal.get("/api/v1/me")))


def test_me_counts_what_waits(by_alice: Caller, by_hal: Caller, cast: Cast) -> None:
    for subject in ("a", "b", "c"):
        tasks.create_task(cast.alice, subject)
    said(by_hal.post("/tasks/1/claim"))
    said(by_hal.post("/tasks/1/ask", {"question": "?", "of": "lead"}))
    said(by_hal.post("/plans", {"title": "P", "body": "b", "task": 2}), 201)
    counts = said(by_hal.get("/api/v1/me"))["counts"]
    assert (counts["running"], counts["ready"], counts["plans"]) == (1, 2, 0)
    counts = said(by_alice.get("/api/v1/me"))["counts"]
    assert (counts["plans"], counts["questions"], counts["unread"]) == (1, 1, 2)


def test_a_token_is_shown_once(by_alice: Caller, by_hal: Caller, cast: Cast) -> None:
    first = said(by_alice.post("/members/iris/tokens", {"label": "laptop"}, key="a"), 201)
    secret = first["secret"]
    assert said(Caller(secret, "checkout").get("/api/v1/me"))["name"] == "iris"
    again = said(by_alice.post("/members/iris/tokens", {"label": "laptop"}, key="a"), 201)
    assert again == {**first, "secret": None}
    assert not IdempotentAnswer.objects.filter(body__contains=secret).exists()
    listed = said(by_alice.get("/tokens"))["items"]
    assert [token["member"] for token in listed] == ["iris", "hal", "alice"]
    assert secret not in str(listed)
    assert [t["member"] for t in said(by_hal.get("/tokens"))["items"]] == ["hal"]


def test_tokens_are_made_by_who_may(by_alice: Caller, by_hal: Caller, by_bob: Caller) -> None:
    said(by_bob.post("/members/bob/tokens"), 201)
    refused(by_hal.post("/members/iris/tokens"), 403, "not_allowed")
    refused(by_alice.post("/members/bob/tokens"), 403, "not_allowed")
    past = (timezone.now() - timedelta(days=1)).isoformat()
    refused(by_alice.post("/members/hal/tokens", {"expires_at": past}), 422, "invalid")
    refused(
        by_alice.post("/members/hal/tokens", {"expires_at": "2030-01-01T00:00"}), 422, "invalid"
    )


def test_a_token_ends_at_once(by_alice: Caller, by_hal: Caller, by_bob: Caller) -> None:
    token = Token.behind(by_hal.secret)
    assert token is not None
    refused(by_bob.delete(f"/tokens/{token.pk}"), 403, "not_allowed")
    assert said(by_alice.delete(f"/tokens/{token.pk}"))["revoked_at"]
    refused(by_hal.get("/api/v1/me"), 401, "token_revoked")
    refused(by_alice.delete("/tokens/999999"), 404, "token_not_found")
