from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone

from apps.tasks import actions, board
from apps.tasks.board import PAGE_SIZE, Filters
from apps.tasks.models import Task
from apps.teams.models import Member, Team


@pytest.fixture(autouse=True)
def _no_cards_yet() -> None:
    cache.clear()


def numbers(page: board.Page | None) -> list[int]:
    assert page is not None
    return [int(card.split('data-task="')[1].split('"')[0]) for card in page.cards]


def column(member: Member, name: str, filters: Filters | None = None) -> board.Slot:
    found = board.board_for(member, filters or Filters())
    return next(slot for slot in found.columns if slot.head.column == name)


def test_columns_in_order_with_counts_and_limits(alice: Member, team: Team, hal: Member) -> None:
    Team.objects.filter(pk=team.pk).update(wip_limits={"in_progress": 1})
    alice.team.refresh_from_db()
    actions.create_task(alice, "Waits")
    actions.start_task(hal, actions.create_task(alice, "Runs", owner="hal").number)

    heads = board.heads(alice.team)

    assert [head.column for head in heads] == ["todo", "in_progress", "review", "done", "approved"]
    assert [head.count for head in heads] == [1, 1, 0, 0, 0]
    assert [head.limit for head in heads] == [None, 1, None, None, None]
    assert [head.is_full for head in heads] == [False, True, False, False, False]


def test_a_column_is_in_order_of_rank_and_done_is_fetched_later(alice: Member) -> None:
    for subject in ("first", "second", "third"):
        actions.create_task(alice, subject)

    assert numbers(column(alice, "todo").page) == [3, 2, 1]
    assert column(alice, "done").page is None
    assert column(alice, "approved").page is None


def test_a_long_column_comes_page_by_page_without_loss(alice: Member, team: Team) -> None:
    Task.objects.bulk_create(
        Task(team=team, number=n, subject=f"Card {n}", position=float(n // 3))
        for n in range(1, 121)
    )
    first = board.column_page(alice, "todo", Filters())
    second = board.column_page(alice, "todo", Filters(), board.parse_after(first.after))
    third = board.column_page(alice, "todo", Filters(), board.parse_after(second.after))

    assert len(first.cards) == len(second.cards) == PAGE_SIZE
    assert third.after == ""
    assert numbers(first) + numbers(second) + numbers(third) == list(range(1, 121))


@pytest.mark.parametrize("text", ["", "x", "1.5", "1.5,", ",3", "1.5,x"])
def test_a_made_up_place_means_the_start(text: str) -> None:
    assert board.parse_after(text) is None


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, [4, 3, 2, 1]),
        ({"owner": "HAL"}, [2, 1]),
        ({"owner": "-"}, [4, 3]),
        ({"label": "api"}, [3, 1]),
        ({"label": " API "}, [3, 1]),
        ({"label": "ap"}, []),
        ({"priority": "critical"}, [4]),
        ({"priority": "no such"}, [4, 3, 2, 1]),
        ({"q": "CARD"}, [4, 2]),
        ({"q": "#3"}, [3]),
        ({"owner": "hal", "label": "api"}, [1]),
        ({"owner": "nobody at all"}, []),
        ({"q": "\0card", "owner": "\0"}, [4, 2]),
        ({"q": "ÄPFEL (2."}, [3]),
    ],
)
def test_filters(alice: Member, query: dict[str, str], found: list[int]) -> None:
    actions.create_task(alice, "One", owner="hal", labels=["api"])
    actions.create_task(alice, "A card", owner="hal")
    actions.create_task(alice, "Drei Äpfel (2.50)", labels=["api", "docs"])
    actions.create_task(alice, "Another card", priority="critical")

    assert numbers(column(alice, "todo", Filters.parse(query)).page) == found


def test_filters_go_back_into_the_address() -> None:
    query = {"owner": "hal", "label": "a b", "priority": "high", "q": "x&y"}
    assert Filters.parse(query).query == "owner=hal&label=a+b&priority=high&q=x%26y"
    assert not Filters.parse({"q": "  "})


def test_a_board_costs_the_same_queries_with_many_cards(
    alice: Member, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    def fill(count: int) -> None:
        for index in range(count):
            card = actions.create_task(alice, f"Card {index}", owner="hal", labels=[f"l{index}"])
            if index:
                actions.add_blocker(alice, card.number, card.number - 1)

    def queries() -> int:
        with django_assert_max_num_queries(12) as counted:
            board.board_for(alice, Filters())
        return len(counted)

    fill(2)
    few = queries()
    fill(10)
    cache.clear()
    assert queries() == few
    assert queries() == few - 3, "drawn cards need neither themselves nor labels nor blockers"


def test_a_card_is_drawn_once_for_all_with_the_same_rights(
    alice: Member, bob: Member, vera: Member, django_assert_num_queries: Callable[[int], Any]
) -> None:
    number = actions.create_task(alice, "Shared").number
    drawn = board.render_cards(alice.team, [number], bob.permissions)

    with django_assert_num_queries(1):
        again = board.render_cards(alice.team, [number], bob.permissions)
    assert again == drawn
    with django_assert_num_queries(4):
        board.render_cards(alice.team, [number], vera.permissions)


def test_a_changed_card_is_drawn_anew(alice: Member) -> None:
    number = actions.create_task(alice, "Before").number
    assert "Before" in board.render_cards(alice.team, [number], alice.permissions)
    actions.edit_task(alice, number, subject="After")
    assert "After" in board.render_cards(alice.team, [number], alice.permissions)


def test_a_finished_blocker_leaves_the_card(alice: Member, hal: Member) -> None:
    first = actions.create_task(alice, "First", owner="hal").number
    second = actions.create_task(alice, "Second", blocked_by=[first]).number
    html = board.render_cards(alice.team, [second], alice.permissions)
    assert f"Blocked by #{first}" in " ".join(html.split())

    actions.start_task(hal, first)
    actions.complete_task(hal, first)

    assert "Blocked by" not in board.render_cards(alice.team, [second], alice.permissions)


def test_a_fragment_is_the_same_bytes_with_an_address(alice: Member) -> None:
    number = actions.create_task(alice, "Same").number
    page = board.render_cards(alice.team, [number], alice.permissions)
    live = board.render_cards(alice.team, [number], alice.permissions, oob=True)
    assert live.replace(' hx-swap-oob="true"', "") == page
    assert live.count("hx-swap-oob") == 1


def test_a_card_in_the_trash_only_says_so(alice: Member) -> None:
    number = actions.create_task(alice, "Secret").number
    actions.delete_task(alice, number)
    html = board.render_cards(alice.team, [number], alice.permissions)
    assert 'data-in="trash"' in html
    assert "Secret" not in html


def test_a_tracker_of_agents_never_shows(alice: Member) -> None:
    number = actions.create_task(alice, "Mine alone").number
    Task.objects.filter(number=number).update(internal=True)
    assert "Mine alone" not in board.render_cards(alice.team, [number], alice.permissions)
    assert column(alice, "todo").head.count == 0


def test_another_teams_card_is_not_drawn(alice: Member, team: Team) -> None:
    other = Team.objects.create(slug="other", name="Other")
    Task.objects.create(team=other, number=7, subject="Elsewhere")
    assert board.render_cards(team, [7], alice.permissions) == ""


def test_markup_in_a_subject_stays_text(alice: Member) -> None:
    number = actions.create_task(alice, "<script>alert(1)</script>", labels=['"><b>']).number
    html = board.render_cards(alice.team, [number], alice.permissions)
    assert "<script>" not in html
    assert "<b>" not in html


def test_buttons_follow_the_rights_of_the_audience(
    alice: Member, vera: Member, hal: Member
) -> None:
    number = actions.create_task(alice, "Asks", owner="hal").number
    actions.start_task(hal, number)
    actions.ask(hal, number, "Which one?")
    assert 'data-act="answer"' in board.render_cards(alice.team, [number], alice.permissions)
    assert "data-act" not in board.render_cards(alice.team, [number], vera.permissions)


def test_a_review_past_its_time_is_late(alice: Member, team: Team) -> None:
    Team.objects.filter(pk=team.pk).update(review_sla_minutes=60)
    alice.team.refresh_from_db()
    number = actions.create_task(alice, "Reviewed", owner="hal").number
    since = timezone.now() - timedelta(minutes=130)
    Task.objects.filter(number=number).update(
        status="completed", review_state="review", review_requested_at=since
    )
    html = board.render_cards(alice.team, [number], alice.permissions)
    assert "late 1 h 10" in html


def test_trash_has_the_latest_first(alice: Member) -> None:
    for subject in ("a", "b", "c"):
        actions.create_task(alice, subject)
    for number in (2, 1):
        actions.delete_task(alice, number)
    assert [task.number for task in board.trash_for(alice)] == [1, 2]


def test_scripts_get_the_same_table_as_the_actions() -> None:
    team = Team(state="active")
    table = board.drops(team)
    assert table["todo"] == {"in_progress": "start"}
    assert table["review"] == {
        "approved": "approve", "todo": "request-changes", "done": "withdraw-review",
    }  # fmt: skip
    assert all(board.why_not(team)[to] for to in table)


@pytest.mark.parametrize("state", Team.State.values)
def test_a_board_offers_the_drops_that_the_teams_state_allows(state: str) -> None:
    team = Team(state=state)
    offered = {verb for row in board.drops(team).values() for verb in row.values()}
    judging = {"approve", "request-changes", "withdraw-review", "reopen"}
    working = {"start", "complete", "request-review"}
    assert offered == {
        "forming": {"release"}, "active": {"release", *judging, *working},
        "paused": {"release", *judging}, "completed": set(), "archived": set(),
        "disbanded": set(),
    }[state]  # fmt: skip
    if state != "active":
        assert set(board.why_not(team).values()) == {f"The team is {state}."}
