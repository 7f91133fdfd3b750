from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apps.tasks import actions
from apps.teams.actions import transition_team
from apps.teams.models import Member

Login = Callable[[str], Client]
URL = "/teams/checkout/graph/"


def make(alice: Member, *, cards: int = 3) -> None:
    """A chain: each card waits for the one before."""
    for number in range(1, cards + 1):
        before = [number - 1] if number > 1 else []
        actions.create_task(alice, f"Card <{number}>", blocked_by=before)


def page(client: Client, query: str = "", **headers: str) -> str:
    return str(client.get(URL + query, headers=headers).content.decode())


def test_every_card_is_a_link_in_the_picture_and_in_the_list(login: Login, alice: Member) -> None:
    make(alice)
    html = page(login("vera"))
    assert re.findall(r'data-task="(\d+)"', html) == ["1", "2", "3"]
    assert html.count('href="/teams/checkout/tasks/3/"') >= 2
    assert html.count('<path class="edge') == 2 + 3  # with the three of the legend
    assert "Card &lt;3&gt;, To do, waits for #2" in html
    assert 'aria-current="page">Graph' in html


def test_a_stranger_finds_nothing(login: Login) -> None:
    assert login("mallory").get(URL).status_code == 404
    assert Client().get(URL).status_code == 302


def test_the_page_keeps_its_policy(login: Login, alice: Member) -> None:
    make(alice)
    response = login("alice").get(URL)
    html = response.content.decode()
    assert response.headers["Content-Security-Policy"] == "default-src 'self'"
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\bsrc=)", html)


def test_a_team_without_cards_and_filters_that_leave_none(login: Login, alice: Member) -> None:
    assert "No cards yet" in page(login("alice"))
    actions.create_task(alice, "Alone")
    html = page(login("alice"))
    assert "No card waits for another one yet" in html
    assert "Nothing left to draw" in page(login("alice"), "?linked=1")


def test_news_bring_picture_facts_and_list_without_the_frame(login: Login, alice: Member) -> None:
    make(alice)
    html = page(login("alice"), **{"HX-Request": "true"})
    assert "<html" not in html
    assert html.startswith('<div id="picture">')
    assert re.findall(r'id="(graph-\w+)"[^>]*hx-swap-oob="true"', html) == [
        "graph-facts",
        "graph-order",
    ]
    assert 'hx-trigger="news-tasks from:body' in page(login("alice"))


@pytest.mark.parametrize(
    ("form", "kind", "ending", "start"),
    [
        ("mermaid", "text/plain", "mmd", "graph TD\n"),
        ("dot", "text/plain", "dot", "digraph tasks {"),
        ("json", "application/json", "json", "{"),
    ],
)
def test_downloads(
    login: Login, alice: Member, form: str, kind: str, ending: str, start: str
) -> None:
    make(alice)
    response = login("vera").get(f"{URL}?format={form}&linked=1")
    assert response.headers["Content-Type"].startswith(kind)
    assert (
        f'attachment; filename="checkout-graph.{ending}"'
        in (response.headers["Content-Disposition"])
    )
    text = response.content.decode()
    assert text.startswith(start)
    if form == "json":
        assert json.loads(text)["critical_path"] == [1, 2, 3]


def test_an_unknown_format_is_refused(login: Login) -> None:
    response = login("vera").get(f"{URL}?format=pdf")
    assert response.status_code == 422
    assert "mermaid" in response.content.decode()


def test_a_disbanded_team_can_still_be_looked_at(login: Login, alice: Member) -> None:
    make(alice)
    transition_team(alice, "disbanded")
    html = page(login("alice"))
    assert f'href="/teams/checkout~{alice.team_id}/tasks/1/"' in html


def test_it_takes_the_same_queries_for_many_cards(
    login: Login, alice: Member, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    client = login("alice")

    def queries() -> int:
        with django_assert_max_num_queries(20) as counted:
            client.get(URL)
        return len(counted)

    make(alice, cards=2)
    queries()
    few = queries()
    make(alice, cards=8)
    assert queries() == few
