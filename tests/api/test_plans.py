"""Plans over REST."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test.utils import CaptureQueriesContext

from apps.api.schemas import Plan
from apps.tasks import actions as tasks
from apps.teams.actions import change_member
from tests.api.conftest import Caller, refused, said
from tests.conftest import Cast

Queries = Callable[..., CaptureQueriesContext]
STEPS = ["Read", {"title": "Write", "detail": "With tests"}]


@pytest.fixture
def plan(by_hal: Caller, cast: Cast) -> dict[str, Any]:
    """Hal's plan for #1, which waits."""
    tasks.create_task(cast.alice, "Parser")
    body = {"task": 1, "title": "Parser", "body": "How", "steps": STEPS}
    made: dict[str, Any] = said(by_hal.post("/plans", body), 201)
    return made


def test_a_plan_opens_the_gate(
    by_hal: Caller, by_alice: Caller, cast: Cast, plan: dict[str, Any], journal: Any
) -> None:
    change_member(cast.alice, "hal", plan_mode_required=True)
    Plan.model_validate(plan)
    assert (plan["state"], plan["stage"], plan["version"]) == ("pending_review", "leader", 1)
    assert [(s["title"], s["detail"], s["state"]) for s in plan["steps"]] == [
        ("Read", "", "todo"), ("Write", "With tests", "todo"),
    ]  # fmt: skip
    refused(by_hal.post("/tasks/1/claim"), 409, "plan_required")
    at = f"/plans/{plan['id']}"
    decided = said(
        by_alice.post(f"{at}/decide", {"decision": "Approve", "version": 1, "note": "Go"})
    )
    assert (decided["state"], decided["stage"]) == ("approved", None)
    (decision,) = decided["decisions"]
    assert (decision["member"], decision["decision"], decision["note"]) == (
        "alice",
        "approved",
        "Go",
    )
    said(by_hal.post("/tasks/1/claim"))
    done = said(by_hal.post(f"{at}/steps/0", {"state": "DONE"}))
    assert [step["state"] for step in done["steps"]] == ["done", "todo"]
    assert said(by_hal.get("/tasks/1"))["plan"] == {"by": "hal", "steps": 2, "done": 1, "doing": ""}
    refused(by_hal.post(f"{at}/steps/7", {"state": "done"}), 404, "step_not_found")
    refused(by_alice.post(f"{at}/steps/1", {"state": "done"}), 403, "not_author")
    assert [k for k in journal() if k.startswith("plan.")] == ["plan.approved", "plan.step"]


def test_a_rejected_plan_comes_back_as_a_new_version(
    by_hal: Caller, by_alice: Caller, plan: dict[str, Any]
) -> None:
    at = f"/plans/{plan['id']}"
    said(by_alice.post(f"{at}/decide", {"decision": "reject", "version": 1, "note": "Too big"}))
    revised = said(by_hal.post(f"{at}/revise", {"steps": ["Less"]}))
    assert (revised["version"], revised["state"], revised["body"]) == (2, "pending_review", "How")
    late = {"decision": "approve", "version": 1}
    refused(by_alice.post(f"{at}/decide", late), 409, "superseded")
    assert said(by_hal.post(f"{at}/withdraw"))["state"] == "draft"
    assert [d["decision"] for d in said(by_alice.get(at))["decisions"]] == ["rejected"]


def test_a_draft_is_its_authors_until_it_is_handed_in(by_hal: Caller, by_alice: Caller) -> None:
    draft = said(by_hal.post("/plans", {"title": "P", "body": "b", "draft": True}), 201)
    at = f"/plans/{draft['id']}"
    refused(by_alice.get(at), 404, "plan_not_found")
    assert said(by_alice.get("/plans"))["items"] == []
    assert said(by_hal.post(f"{at}/submit"))["state"] == "pending_review"
    assert said(by_alice.get(at))["title"] == "P"


def test_who_may_not(
    by_hal: Caller, by_bob: Caller, by_vera: Caller, stranger: Caller, plan: dict[str, Any]
) -> None:
    at = f"/plans/{plan['id']}"
    yes = {"decision": "approved", "version": 1}
    refused(by_hal.post(f"{at}/decide", yes), 403, "own_plan")
    refused(by_bob.post(f"{at}/decide", yes), 403, "not_allowed")
    refused(by_bob.post(f"{at}/withdraw"), 403, "not_author")
    refused(by_bob.post(f"{at}/revise", {"title": "Mine"}), 403, "not_author")
    refused(by_bob.post(f"{at}/submit"), 403, "not_author")
    refused(by_vera.post("/plans", {"title": "P", "body": "b"}), 403, "not_allowed")
    refused(by_hal.post("/plans", {"title": "P", "body": "b", "task": 99}), 422, "invalid")
    refused(by_hal.post(f"{at}/decide", {"decision": "maybe", "version": 1}), 422, "invalid")
    refused(by_hal.post(f"{at}/decide", {"decision": "approve"}), 422, "invalid")
    refused(by_hal.get("/plans/999"), 404, "plan_not_found")
    refused(stranger.get(at), 404, "team_not_found")


def test_plans_are_listed_newest_first(
    by_hal: Caller, by_alice: Caller, call: Any, plan: dict[str, Any]
) -> None:
    other = said(call("iris").post("/plans", {"title": "Q", "body": "b"}), 201)
    ids = lambda query: [p["id"] for p in said(by_alice.get(f"/plans{query}"))["items"]]  # noqa: E731
    assert ids("") == [other["id"], plan["id"]]
    assert ids("?author=HAL") == [plan["id"]]
    assert ids("?task=1&state=pending") == [plan["id"]]
    assert ids("?state=approved") == []
    assert [p["id"] for p in said(by_hal.get("/plans?author=me"))["items"]] == [plan["id"]]
    first = said(by_alice.get("/plans?limit=1"))
    assert (
        said(by_alice.get(f"/plans?limit=1&cursor={first['next']}"))["items"][0]["id"] == plan["id"]
    )
    refused(by_alice.get("/plans?state=odd"), 422, "invalid")


def test_plans_cost_the_same_however_many(
    by_hal: Caller, by_alice: Caller, django_assert_max_num_queries: Queries
) -> None:
    for number in range(5):
        said(by_hal.post("/plans", {"title": f"P{number}", "steps": STEPS}), 201)
    said(by_alice.get("/plans"))
    with django_assert_max_num_queries(7):
        assert len(said(by_alice.get("/plans"))["items"]) == 5
