from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from apps.tasks import actions
from apps.tasks.models import Task
from apps.teams.actions import create_team, transition_team
from apps.teams.models import Member, Team
from tests.conftest import person

Login = Callable[[str], Client]
HTMX = {"HX-Request": "true"}


def test_the_board_shows_its_columns_and_cards(login: Login, alice: Member) -> None:
    actions.create_task(alice, "Write the first line", priority="high", labels=["docs"])
    page = login("bob").get("/teams/checkout/").content.decode()

    for column in ("todo", "in_progress", "review", "done", "approved"):
        assert page.count(f'data-column="{column}"') == 1
    assert 'data-task="1"' in page
    assert "Write the first line" in page
    assert 'data-live="catching-up"' in page
    assert f'data-seq="{Team.objects.get(slug="checkout").seq}"' in page


def test_a_label_of_the_address_is_found_and_chosen_whatever_its_case(
    login: Login, alice: Member
) -> None:
    actions.create_task(alice, "Write the first line", labels=["Docs"])
    actions.create_task(alice, "Read it", labels=["other"])
    page = login("bob").get("/teams/checkout/?label=dOCS").content.decode()
    assert "<option selected>Docs</option>" in page
    assert 'data-task="1"' in page
    assert 'data-task="2"' not in page


def test_a_stranger_sees_no_board_and_nobody_without_an_account(login: Login) -> None:
    assert login("mallory").get("/teams/checkout/").status_code == 404
    assert login("alice").get("/teams/no-such-team/").status_code == 404
    response = Client().get("/teams/checkout/")
    assert (response.status_code, response.url) == (302, "/login/?next=/teams/checkout/")


@pytest.mark.parametrize("path", ["", "tasks/1/", "tasks/new/", "trash/", "column/done/"])
def test_pages_keep_the_policy(login: Login, alice: Member, path: str) -> None:
    actions.create_task(alice, "A card", description="**bold** | `code`", due=None)
    headers = HTMX if "column/" in path else {}
    response = login("alice").get(f"/teams/checkout/{path}", headers=headers)
    html = response.content.decode()

    assert response.status_code == 200
    assert response.headers["Content-Security-Policy"] == "default-src 'self'"
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:|\bdata:[a-z]+/|hx-on", html)
    assert not re.search(r"<script(?![^>]*\ssrc=\")", html)


def test_an_observer_gets_no_way_to_write(login: Login, alice: Member) -> None:
    actions.create_task(alice, "A card")
    page = login("vera").get("/teams/checkout/").content.decode()
    assert "Add a task" not in page
    assert 'id="new-task"' not in page


@pytest.mark.parametrize("state", ["completed", "archived", "disbanded"])
def test_a_team_that_takes_no_tasks_offers_no_way_to_write_one(
    login: Login, alice: Member, state: str
) -> None:
    Team.objects.filter(pk=alice.team_id).update(state=state)
    page = login("alice").get("/teams/checkout/").content.decode()
    assert "Add a task" not in page
    assert "New task" not in page.partition("<dialog")[0]
    assert "data-orders" not in page


@pytest.mark.parametrize("path", ["", "tasks/1/", "trash/", "column/todo/"])
def test_the_pages_of_a_disbanded_team_lead_to_no_other_one(
    login: Login, alice: Member, path: str
) -> None:
    task = actions.create_task(alice, "A card")
    other = actions.create_task(alice, "See #1", description="After #1", blocked_by=[1])
    actions.relate(alice, task.number, other.number)
    actions.delete_task(alice, actions.create_task(alice, "Gone").number)
    transition_team(alice, "disbanded")
    create_team(person("alice"), "checkout", name="The next one")
    headers = HTMX if "column/" in path else {}
    page = login("alice").get(f"/teams/checkout~{alice.team_id}/{path}", headers=headers).text
    main = page.partition("</nav>")[2] if path != "column/todo/" else page
    assert f"/teams/checkout~{alice.team_id}/" in main
    assert "/teams/checkout/" not in main


def test_the_address_filters(login: Login, alice: Member) -> None:
    actions.create_task(alice, "Red apple", owner="hal")
    actions.create_task(alice, "Green pear")
    page = login("alice").get("/teams/checkout/?owner=hal&q=APPLE").content.decode()
    assert "Red apple" in page
    assert "Green pear" not in page
    assert 'data-filtered="owner=hal&amp;q=APPLE"' in page


def test_htmx_gets_the_columns_alone(login: Login, alice: Member) -> None:
    actions.create_task(alice, "A card")
    headers = {**HTMX, "HX-Target": "board"}
    part = login("alice").get("/teams/checkout/", headers=headers).content.decode()
    assert part.lstrip().startswith('<div class="board"')
    assert "<html" not in part


def test_the_people_of_the_head_come_alone(login: Login) -> None:
    headers = {**HTMX, "HX-Trigger": "people"}
    part = login("alice").get("/teams/checkout/", headers=headers).content.decode()
    assert 'data-presence-source="hal"' in part
    assert "<html" not in part


def test_a_lazy_column_and_its_next_page(login: Login, team: Team) -> None:
    Task.objects.bulk_create(
        Task(team=team, number=n, subject=f"Card {n}", status="completed", position=float(n))
        for n in range(1, 61)
    )
    client = login("alice")
    address = "/teams/checkout/column/done/"
    first = client.get(address, headers=HTMX).content.decode()
    assert first.count("<article") == 50
    after = re.search(r'data-after="([^"]+)"', first)
    assert after is not None
    second = client.get(address, {"after": after[1]}, headers=HTMX).content.decode()
    assert second.count("<article") == 10
    assert "show-more" not in second


def test_a_column_that_is_none_is_not_found(login: Login) -> None:
    assert login("alice").get("/teams/checkout/column/trash/").status_code == 404
    assert login("mallory").get("/teams/checkout/column/done/").status_code == 404


def test_the_trash_lists_and_restores(login: Login, alice: Member) -> None:
    number = actions.create_task(alice, "Thrown away").number
    actions.delete_task(alice, number)
    client = login("alice")
    assert "Thrown away" in client.get("/teams/checkout/trash/").content.decode()
    seen = login("vera").get("/teams/checkout/trash/").content.decode()
    assert "Thrown away" in seen
    assert "Restore" not in seen
    response = client.post(
        f"/teams/checkout/tasks/{number}/restore/", {"next": "/teams/checkout/trash/"}
    )
    assert response.headers["Location"] == "/teams/checkout/trash/"
    assert Task.objects.get(number=number).column == "todo"
    assert login("mallory").get("/teams/checkout/trash/").status_code == 404


def test_a_board_page_costs_the_same_queries_with_many_cards(
    login: Login, alice: Member, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    client = login("alice")

    def queries() -> int:
        cache.clear()
        with django_assert_max_num_queries(30) as counted:
            assert client.get("/teams/checkout/").status_code == 200
        return len(counted)

    actions.create_task(alice, "One", owner="hal", labels=["a"])
    client.get("/teams/checkout/")
    few = queries()
    for index in range(8):
        actions.create_task(alice, f"Card {index}", owner="iris", labels=[f"l{index}"])
    assert queries() == few


def test_a_blank_board_says_what_to_do(login: Login) -> None:
    page = login("alice").get("/teams/checkout/").content.decode()
    assert "Write the first task" in page


def test_a_paused_team_says_so(login: Login, alice: Member) -> None:
    from apps.teams.actions import transition_team

    actions.create_task(alice, "A card")
    transition_team(alice, "paused")
    assert "The team is paused" in login("bob").get("/teams/checkout/").content.decode()
