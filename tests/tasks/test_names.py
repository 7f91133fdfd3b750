from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from apps.tasks.actions import create_task
from tests.conftest import Cast


@pytest.fixture
def cards(cast: Cast) -> Cast:
    for subject in ("Parser", "Tests of the parser", "Guide to 12 errors"):
        create_task(cast.alice, subject)
    return cast


@pytest.mark.parametrize(
    ("q", "numbers"),
    [("", [3, 2, 1]), ("parser", [2, 1]), ("2", [3, 2]), ("1", [3, 1]), ("nothing", []), ("%", [])],
)
def test_cards_are_found_by_number_and_subject(
    cards: Cast, login: Callable[[str], Client], q: str, numbers: list[int]
) -> None:
    answer = login("bob").get("/teams/checkout/tasks/names/", {"q": q})
    assert [item["number"] for item in answer.json()["items"]] == numbers


def test_strangers_find_nothing(cards: Cast, login: Callable[[str], Client]) -> None:
    assert login("mallory").get("/teams/checkout/tasks/names/").status_code == 404
