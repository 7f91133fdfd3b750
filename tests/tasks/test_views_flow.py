from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from django.test import Client

from apps.reviews import actions as reviews
from apps.tasks import actions
from apps.teams.models import Member

Login = Callable[[str], Client]
URL = "/teams/checkout/flow/"


def work(alice: Member, hal: Member, *, cards: int = 2) -> None:
    """Cards that were claimed and completed; the last of them waits in review."""
    for number in range(cards):
        task = actions.create_task(alice, f"Card <{number}>")
        actions.claim_task(hal, task.number)
        actions.complete_task(hal, task.number)
    reviews.request_review(hal, task.number, "alice")


def page(client: Client, query: str = "", **headers: str) -> str:
    return str(client.get(URL + query, headers=headers).content.decode())


def test_the_charts_of_a_team(login: Login, alice: Member, hal: Member) -> None:
    work(alice, hal)
    actions.claim_task(hal, actions.create_task(alice, "Runs").number)
    html = page(login("vera"))
    assert html.count('<polygon class="area"') == 5
    assert "2 completed, 0 approved" in html
    assert '<a href="/teams/checkout/tasks/3/"' in html
    assert "Card &lt;1&gt;" in html
    assert 'aria-current="page">Flow' in html
    assert re.search(r"<dt>Completed</dt><dd>2</dd>", html)


def test_a_stranger_finds_nothing(login: Login) -> None:
    assert login("mallory").get(URL).status_code == 404
    assert Client().get(URL).status_code == 302


def test_the_page_keeps_its_policy(login: Login, alice: Member, hal: Member) -> None:
    work(alice, hal)
    response = login("alice").get(URL)
    assert response.headers["Content-Security-Policy"] == "default-src 'self'"
    html = response.content.decode()
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\bsrc=)", html)


def test_a_team_without_cards_is_told_what_this_is_for(login: Login) -> None:
    html = page(login("alice"))
    assert "Nothing has moved yet" in html
    assert "<polygon" not in html


def test_the_number_of_days_is_one_of_three(login: Login, alice: Member) -> None:
    client = login("alice")
    actions.create_task(alice, "A card")
    for query, days in (("", 14), ("?days=7", 7), ("?days=30", 30), ("?days=9999", 14)):
        assert f'<a href="?days={days}" aria-current="page">' in page(client, query)


def test_news_bring_every_chart_without_the_frame(login: Login, alice: Member, hal: Member) -> None:
    work(alice, hal)
    html = page(login("alice"), **{"HX-Request": "true"})
    assert "<html" not in html
    assert html.startswith('<div id="flow-pictures"')
    assert re.findall(r'id="(flow-\w+)"[^>]*hx-swap-oob="true"', html) == [
        "flow-numbers",
        "flow-days",
        "flow-rest",
    ]


def test_it_takes_the_same_queries_for_many_cards(
    login: Login, alice: Member, hal: Member, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    client = login("alice")

    def queries() -> int:
        with django_assert_max_num_queries(24) as counted:
            client.get(URL)
        return len(counted)

    work(alice, hal)
    queries()
    few = queries()
    work(alice, hal, cards=6)
    assert queries() == few
