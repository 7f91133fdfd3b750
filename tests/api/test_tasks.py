"""Tasks, board and graph over REST."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test.utils import CaptureQueriesContext

from apps.api import boards, cards
from apps.api.schemas import Board, Task
from apps.tasks import actions
from apps.teams.actions import add_artifact, change_team
from tests.api.conftest import Caller, refused, said
from tests.conftest import Cast

Queries = Callable[..., CaptureQueriesContext]


@pytest.fixture
def one(cast: Cast) -> int:
    """A card that is ready."""
    return actions.create_task(cast.alice, "Write the parser").number


def test_a_task_is_made_with_all_that_was_said(by_hal: Caller, journal: Any) -> None:
    said(by_hal.post("/tasks", {"subject": "First"}), 201)
    body = {
        "subject": "  Second  task ", "description": "Long", "owner": "Hal", "priority": "HIGH",
        "labels": ["b", "a"], "blocked_by": [1], "due": "2030-01-31", "metadata": {"k": [1]},
        "active_form": "Writing",
    }  # fmt: skip
    task = said(by_hal.post("/tasks", body), 201)
    assert Task.model_validate(task).number == 2
    shown = {
        key: task[key] for key in ("subject", "owner", "priority", "labels", "due", "metadata")
    }
    assert shown == {
        "subject": "Second task", "owner": "hal", "priority": "high", "labels": ["a", "b"],
        "due": "2030-01-31", "metadata": {"k": [1]},
    }  # fmt: skip
    assert (task["blocked_by"], task["blocked"], task["ready"]) == ([1], True, False)
    assert task["created_at"].endswith("Z")
    assert said(by_hal.get("/tasks/1"))["blocks"] == [2]
    assert journal().count("task.created") == 2


def test_observers_make_no_tasks(by_vera: Caller) -> None:
    refused(by_vera.post("/tasks", {"subject": "x"}), 403, "not_allowed")


def test_a_blank_subject_is_refused_by_field(by_hal: Caller) -> None:
    error = refused(by_hal.post("/tasks", {"subject": " "}), 422, "invalid")
    assert set(error["fields"]) == {"subject"}


def test_a_task_that_is_not_there_is_not_found(by_hal: Caller, stranger: Caller, one: int) -> None:
    refused(by_hal.get("/tasks/99"), 404, "task_not_found")
    refused(by_hal.post("/tasks/99/claim"), 404, "task_not_found")
    refused(by_hal.get("/tasks/0"), 404, "not_found")
    refused(by_hal.get("/tasks/99999999999999999999"), 404, "not_found")
    refused(stranger.get(f"/tasks/{one}"), 404, "team_not_found")


def test_reading_a_task_costs_two_queries_once_it_is_known(
    by_hal: Caller, one: int, django_assert_max_num_queries: Queries
) -> None:
    said(by_hal.get(f"/tasks/{one}"))
    with django_assert_max_num_queries(2):
        said(by_hal.get(f"/tasks/{one}"))


def test_a_task_is_not_sent_twice(by_hal: Caller, by_alice: Caller, one: int) -> None:
    first = by_hal.get(f"/tasks/{one}")
    tag = first["ETag"]
    again = by_hal.get(f"/tasks/{one}", **{"If-None-Match": f'"other", {tag}'})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", tag)
    said(by_alice.patch(f"/tasks/{one}", {"priority": "low"}))
    changed = by_hal.get(f"/tasks/{one}", **{"If-None-Match": tag})
    assert said(changed)["priority"] == "low"
    assert changed["ETag"] != tag


def test_ready_is_told_to_each_reader(by_hal: Caller, call: Any, cast: Cast, one: int) -> None:
    by_iris = call("iris")
    assert said(by_iris.get(f"/tasks/{one}"))["ready"] is True
    tag = by_iris.get(f"/tasks/{one}")["ETag"]
    actions.edit_task(cast.alice, one, owner="hal")
    assert said(by_hal.get(f"/tasks/{one}"))["ready"] is True
    theirs = by_iris.get(f"/tasks/{one}", **{"If-None-Match": tag})
    assert said(theirs)["ready"] is False


def test_a_waiting_card_is_renewed_when_its_blocker_finishes(
    by_hal: Caller, cast: Cast, one: int
) -> None:
    two = actions.create_task(cast.alice, "Later", blocked_by=[one]).number
    assert said(by_hal.get(f"/tasks/{two}"))["open_blockers"] == [one]
    actions.claim_task(cast.hal, one)
    actions.complete_task(cast.hal, one)
    task = said(by_hal.get(f"/tasks/{two}"))
    assert (task["open_blockers"], task["blocked"], task["ready"]) == ([], False, True)
    assert task["blocked_by"] == [one]


def test_edges_show_on_both_ends_at_once(by_hal: Caller, one: int, cast: Cast) -> None:
    two = actions.create_task(cast.alice, "Later").number
    assert said(by_hal.get(f"/tasks/{one}"))["blocks"] == []
    assert said(by_hal.put(f"/tasks/{two}/blocked-by/{one}"))["blocked_by"] == [one]
    assert said(by_hal.get(f"/tasks/{one}"))["blocks"] == [two]
    error = refused(by_hal.put(f"/tasks/{one}/blocked-by/{two}"), 409, "cycle")
    assert set(error["path"]) == {one, two}
    assert said(by_hal.delete(f"/tasks/{two}/blocked-by/{one}"))["blocked_by"] == []
    assert said(by_hal.get(f"/tasks/{one}"))["blocks"] == []
    assert said(by_hal.put(f"/tasks/{two}/related/{one}"))["related"] == [one]
    assert said(by_hal.get(f"/tasks/{one}"))["related"] == [two]
    assert said(by_hal.delete(f"/tasks/{one}/related/{two}"))["related"] == []
    assert said(by_hal.get(f"/tasks/{two}"))["related"] == []


def test_edges_are_not_for_observers(by_vera: Caller, one: int, cast: Cast) -> None:
    two = actions.create_task(cast.alice, "Later").number
    for kind in ("blocked-by", "related"):
        refused(by_vera.put(f"/tasks/{two}/{kind}/{one}"), 403, "not_allowed")
        refused(by_vera.delete(f"/tasks/{two}/{kind}/{one}"), 403, "not_allowed")


def test_a_change_keeps_what_it_does_not_name(by_hal: Caller, cast: Cast) -> None:
    number = actions.create_task(
        cast.hal, "A", description="d", owner="hal", labels=["x"], metadata={"a": 1, "b": 2}
    ).number
    task = said(by_hal.patch(f"/tasks/{number}", {"metadata": {"a": None}, "due": None}))
    assert (task["description"], task["owner"], task["labels"]) == ("d", "hal", ["x"])
    assert task["metadata"] == {"b": 2}
    assert said(by_hal.patch(f"/tasks/{number}", {"owner": None}))["owner"] is None


def test_a_stale_version_is_refused(by_hal: Caller, one: int) -> None:
    version = said(by_hal.get(f"/tasks/{one}"))["version"]
    said(by_hal.patch(f"/tasks/{one}", {"subject": "New", "version": version}))
    error = refused(
        by_hal.patch(f"/tasks/{one}", {"subject": "Old", "version": version}), 409, "stale"
    )
    assert error["version"] == version + 1


def test_the_life_of_a_task(by_hal: Caller, one: int, journal: Any) -> None:
    assert said(by_hal.post(f"/tasks/{one}/claim"))["column"] == "in_progress"
    assert said(by_hal.post(f"/tasks/{one}/release", {"note": "Lunch"}))["owner"] is None
    assert said(by_hal.post(f"/tasks/{one}/start"))["owner"] == "hal"
    assert said(by_hal.post(f"/tasks/{one}/complete"))["column"] == "done"
    assert said(by_hal.delete(f"/tasks/{one}"))["status"] == "deleted"
    assert said(by_hal.get("/tasks"))["items"] == []
    assert [t["number"] for t in said(by_hal.get("/tasks?status=deleted"))["items"]] == [one]
    assert said(by_hal.post(f"/tasks/{one}/restore"))["column"] == "todo"
    assert journal() == [
        "task.claimed", "task.released", "task.started", "task.completed", "task.deleted",
        "task.restored",
    ]  # fmt: skip


def test_the_second_claimant_is_told_whose_it_is(by_hal: Caller, call: Any, one: int) -> None:
    said(by_hal.post(f"/tasks/{one}/claim"))
    error = refused(call("iris").post(f"/tasks/{one}/claim"), 409, "task_taken")
    assert error["owner"] == "hal"


def test_moves_that_the_state_does_not_admit(by_hal: Caller, one: int, cast: Cast) -> None:
    refused(by_hal.post(f"/tasks/{one}/complete"), 403, "not_allowed")
    said(by_hal.post(f"/tasks/{one}/claim"))
    two = actions.create_task(cast.alice, "Later", blocked_by=[one]).number
    error = refused(by_hal.post(f"/tasks/{two}/claim"), 409, "task_blocked")
    assert error["blocked_by"] == [one]
    change_team(cast.alice, wip_per_member=1)
    three = actions.create_task(cast.alice, "More").number
    refused(by_hal.post(f"/tasks/{three}/start"), 409, "wip_limit")


@pytest.mark.parametrize(
    "verb", ["claim", "start", "complete", "release", "restore", "ask", "answer", "position"]
)
def test_observers_move_nothing(by_vera: Caller, one: int, verb: str) -> None:
    bodies = {"ask": {"question": "?"}, "answer": {"text": "!"}, "position": {"before": 1}}
    refused(by_vera.post(f"/tasks/{one}/{verb}", bodies.get(verb)), 403, "not_allowed")
    refused(by_vera.delete(f"/tasks/{one}"), 403, "not_allowed")
    refused(by_vera.patch(f"/tasks/{one}", {"subject": "x"}), 403, "not_allowed")
    refused(by_vera.post("/tasks/claim-next"), 403, "not_allowed")


def test_claim_next_takes_the_most_urgent(by_hal: Caller, one: int, cast: Cast) -> None:
    two = actions.create_task(cast.alice, "Urgent", priority="critical").number
    assert said(by_hal.post("/tasks/claim-next"))["number"] == two
    assert said(by_hal.post("/tasks/claim-next"))["number"] == one
    refused(by_hal.post("/tasks/claim-next"), 409, "nothing_ready")


def test_a_question_goes_to_the_lead_and_back(by_hal: Caller, by_alice: Caller, one: int) -> None:
    said(by_hal.post(f"/tasks/{one}/claim"))
    task = said(by_hal.post(f"/tasks/{one}/ask", {"of": "LEAD", "question": "Which grammar?"}))
    assert (task["needs_input"], task["question"]) == ("lead", "Which grammar?")
    assert [t["number"] for t in said(by_hal.get("/tasks?needs_input=true"))["items"]] == [one]
    refused(by_hal.post(f"/tasks/{one}/answer", {"text": "Mine"}), 403, "not_allowed")
    assert said(by_alice.post(f"/tasks/{one}/answer", {"text": "EBNF"}))["needs_input"] is None
    remarks = said(by_hal.get(f"/tasks/{one}/comments"))["items"]
    assert [(r["author"], r["kind"], r["body"]) for r in remarks] == [("alice", "answer", "EBNF")]


def test_comments_come_in_pages(
    by_hal: Caller, by_vera: Caller, stranger: Caller, one: int
) -> None:
    for text in ("a", "b", "c"):
        assert said(by_hal.post(f"/tasks/{one}/comments", {"body": text}), 201)["body"] == text
    first = said(by_vera.get(f"/tasks/{one}/comments?limit=2"))
    rest = said(by_vera.get(f"/tasks/{one}/comments?limit=2&cursor={first['next']}"))
    assert [r["body"] for r in first["items"] + rest["items"]] == ["a", "b", "c"]
    assert rest["next"] is None
    assert said(by_hal.get(f"/tasks/{one}"))["comments"] == 3
    refused(by_vera.post(f"/tasks/{one}/comments", {"body": "d"}), 403, "not_allowed")
    refused(stranger.get(f"/tasks/{one}/comments"), 404, "team_not_found")


def test_artifacts_go_with_a_comment(
    by_hal: Caller, one: int, cast: Cast, settings: Any, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = tmp_path
    file = add_artifact(cast.hal, "a.txt", b"a", task=one).pk
    where = f"/tasks/{one}/comments"
    assert said(by_hal.post(where, {"artifacts": [file]}), 201)["artifacts"] == [file]
    assert [r["artifacts"] for r in said(by_hal.get(where))["items"]] == [[file]]
    error = refused(by_hal.post(where, {"body": "a", "artifacts": [file + 1]}), 422, "invalid")
    assert set(error["fields"]) == {"artifacts"}
    assert set(refused(by_hal.post(where, {}), 422, "invalid")["fields"]) == {"body"}


def test_the_order_of_a_column(by_alice: Caller, by_hal: Caller, cast: Cast) -> None:
    for subject in "abc":
        actions.create_task(cast.alice, subject)
    said(by_alice.post("/tasks/3/position", {"after": 1}))
    todo = said(by_hal.get("/board"))["columns"][0]
    assert [card["number"] for card in todo["cards"]] == [2, 1, 3]
    refused(by_hal.post("/tasks/3/position", {"before": 2}), 403, "not_allowed")
    refused(by_alice.post("/tasks/3/position", {}), 422, "invalid")


@pytest.fixture
def many(cast: Cast) -> None:
    """Ten cards in several states."""
    for number in range(1, 11):
        actions.create_task(
            cast.alice, f"Task {number}", labels=["even" if number % 2 == 0 else "odd"],
            owner="hal" if number in (3, 4) else None,
            blocked_by=[1] if number in (9, 10) else [],
        )  # fmt: skip
    for number in (3, 5):
        actions.claim_task(cast.hal, number)
    actions.complete_task(cast.hal, 5)


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("", range(1, 11)),
        ("column=in-progress", [3]),
        ("column=InProgress,DONE", [3, 5]),
        ("column=in_progress&column=done", [3, 5]),
        ("status=inprogress", [3]),
        ("status=pending&owner=hal", [4]),
        ("owner=HAL", [3, 4, 5]),
        ("owner=me", [3, 4, 5]),
        ("owner=none&label=even", [2, 6, 8, 10]),
        ("owner=none&label=EVEN,Even", [2, 6, 8, 10]),
        ("ready=true", [1, 2, 4, 6, 7, 8]),
        ("ready=false&label=odd", [3, 5, 9]),
        ("blocked=true", [9, 10]),
        ("q=task%2010", [10]),
        ("q=%237", [7]),
        ("owner=nobody-here", []),
    ],
)  # fmt: skip
def test_lists_are_narrowed(by_hal: Caller, many: None, query: str, numbers: Any) -> None:
    items = said(by_hal.get(f"/tasks?{query}"))["items"]
    assert [item["number"] for item in items] == list(numbers)


def test_labels_are_one_whatever_their_case(by_hal: Caller, by_alice: Caller) -> None:
    said(by_hal.post("/tasks", {"subject": "One", "labels": ["Api", "API"]}), 201)
    two = said(by_alice.post("/tasks", {"subject": "Two", "labels": ["api", "docs"]}), 201)
    assert two["labels"] == ["Api", "docs"]
    assert said(by_hal.patch("/tasks/2", {"labels": ["DOCS"]}))["labels"] == ["docs"]


def test_lists_come_in_pages(by_hal: Caller, many: None) -> None:
    found: list[int] = []
    cursor = ""
    for _ in range(4):
        page = said(by_hal.get(f"/tasks?limit=3{cursor}"))
        found += [item["number"] for item in page["items"]]
        cursor = f"&cursor={page['next']}"
    assert found == list(range(1, 11))
    assert page["next"] is None
    assert said(by_hal.get("/tasks?limit=200"))["next"] is None


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "cursor=abc", "cursor=-1",
                                   "column=nowhere", "ready=perhaps"])  # fmt: skip
def test_wrong_queries_are_refused_by_field(by_hal: Caller, query: str) -> None:
    fields = refused(by_hal.get(f"/tasks?{query}"), 422, "invalid")["fields"]
    assert query.split("=")[0] in next(iter(fields))


def test_a_list_is_not_sent_twice(by_hal: Caller, many: None, cast: Cast) -> None:
    tag = by_hal.get("/tasks?column=todo")["ETag"]
    assert by_hal.get("/tasks?column=todo", **{"If-None-Match": tag}).status_code == 304
    assert by_hal.get("/tasks?column=done", **{"If-None-Match": tag}).status_code == 200
    actions.claim_task(cast.hal, 1)
    assert by_hal.get("/tasks?column=todo", **{"If-None-Match": tag}).status_code == 200


def test_a_list_costs_the_same_however_long(
    by_hal: Caller, many: None, django_assert_max_num_queries: Queries
) -> None:
    cards.shelf.__init__()  # type: ignore[misc]
    by_hal.get("/api/v1/me")
    with django_assert_max_num_queries(8):
        assert len(said(by_hal.get("/tasks"))["items"]) == 10


def test_the_board(by_hal: Caller, many: None, cast: Cast) -> None:
    change_team(cast.alice, wip_limits={"in_progress": 2})
    response = by_hal.get("/board")
    board = Board.model_validate(said(response))
    assert [column.name for column in board.columns] == [
        "todo", "in_progress", "review", "done", "approved",
    ]  # fmt: skip
    todo, running, *_ = board.columns
    assert (todo.count, running.count, running.wip_limit) == (8, 1, 2)
    assert [card.number for card in running.cards] == [3]
    assert board.seq == cast.team.events.count()
    again = by_hal.get("/board", **{"If-None-Match": response["ETag"]})
    assert again.status_code == 304


def test_the_board_shows_so_many_cards_a_column(by_hal: Caller, many: None) -> None:
    todo = said(by_hal.get("/board?limit=3"))["columns"][0]
    assert (todo["count"], len(todo["cards"])) == (8, 3)
    refused(by_hal.get("/board?limit=0"), 422, "invalid")


def test_the_board_follows_every_change(by_hal: Caller, many: None, cast: Cast) -> None:
    before = by_hal.get("/board")
    actions.complete_task(cast.hal, 3)
    after = by_hal.get("/board", **{"If-None-Match": before["ETag"]})
    board = said(after)
    assert [card["number"] for card in board["columns"][3]["cards"]] == [3, 5]
    assert board["seq"] > said(before)["seq"]


def test_an_unchanged_board_costs_one_query(
    by_hal: Caller, many: None, django_assert_max_num_queries: Queries
) -> None:
    said(by_hal.get("/board"))
    with django_assert_max_num_queries(1):
        said(by_hal.get("/board"))


def test_a_fresh_board_costs_the_same_however_many_cards(
    by_hal: Caller, many: None, django_assert_max_num_queries: Queries
) -> None:
    cards.shelf.__init__()  # type: ignore[misc]
    boards._boards.clear()
    by_hal.get("/api/v1/me")
    with django_assert_max_num_queries(13):
        said(by_hal.get("/board"))


def test_the_graph(by_hal: Caller, many: None, stranger: Caller) -> None:
    found = said(by_hal.get("/graph"))
    assert found["edges"] == [{"blocker": 1, "blocked": 9}, {"blocker": 1, "blocked": 10}]
    assert found["ready"] == [1, 2, 4, 6, 7, 8]
    assert found["critical_path"] == [1, 9]
    assert found["order"].index(1) < found["order"].index(9)
    mermaid = by_hal.get("/graph?format=mermaid")
    assert mermaid["Content-Type"] == "text/plain; charset=utf-8"
    assert "t1 --> t9" in mermaid.content.decode()
    assert "t1 -> t9" in by_hal.get("/graph?format=DOT").content.decode()
    refused(by_hal.get("/graph?format=svg"), 422, "invalid")
    refused(stranger.get("/graph"), 404, "team_not_found")


def test_the_graph_costs_the_same_however_large(
    by_hal: Caller, many: None, django_assert_max_num_queries: Queries
) -> None:
    by_hal.get("/api/v1/me")
    with django_assert_max_num_queries(3):
        said(by_hal.get("/graph"))


def test_reviews(by_hal: Caller, call: Any, by_vera: Caller, one: int) -> None:
    by_iris = call("iris")
    said(by_hal.post(f"/tasks/{one}/claim"))
    refused(by_hal.post(f"/tasks/{one}/request-review"), 409, "wrong_state")
    said(by_hal.post(f"/tasks/{one}/complete"))
    task = said(by_hal.post(f"/tasks/{one}/request-review", {"reviewer": "iris", "note": "Look"}))
    assert (task["column"], task["reviewer"], task["review_round"]) == ("review", "iris", 1)
    remarks = said(by_hal.get(f"/tasks/{one}/comments"))["items"]
    assert [(r["kind"], r["body"]) for r in remarks] == [("review_request", "Look")]
    refused(by_vera.post(f"/tasks/{one}/approve"), 403, "not_allowed")
    task = said(by_iris.post(f"/tasks/{one}/request-changes", {"note": "Tests are missing"}))
    assert (task["column"], task["review_state"], task["owner"]) == ("todo", "needs_fix", "hal")
    for verb in ("start", "complete", "request-review"):
        said(by_hal.post(f"/tasks/{one}/{verb}"))
    said(by_iris.post(f"/tasks/{one}/withdraw-review"))
    said(by_hal.post(f"/tasks/{one}/request-review", {"reviewer": "iris"}))
    assert said(by_iris.post(f"/tasks/{one}/approve", {"note": "Good"}))["column"] == "approved"
    assert said(by_iris.post(f"/tasks/{one}/reopen"))["column"] == "done"


@pytest.mark.parametrize(
    "verb", ["request-review", "request-changes", "withdraw-review", "reopen", "replace-reviewer"]
)
def test_observers_judge_nothing(by_vera: Caller, one: int, verb: str) -> None:
    refused(by_vera.post(f"/tasks/{one}/{verb}"), 403, "not_allowed")
