from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from apps.tasks import actions
from apps.tasks.models import Task
from apps.tasks.moves import MOVES
from apps.teams.models import Member

Login = Callable[[str], Client]
HTMX = {"HX-Request": "true"}
URL = "/teams/checkout/tasks/"


def column(number: int) -> str:
    return Task.objects.get(number=number).column


@pytest.mark.parametrize(
    ("verb", "before", "after"),
    [
        ("claim", [], "in_progress"),
        ("start", [], "in_progress"),
        ("complete", ["claim"], "done"),
        ("release", ["claim"], "todo"),
        ("delete", [], "trash"),
        ("restore", ["delete"], "todo"),
    ],
)
def test_each_move_by_its_own_address(
    login: Login, alice: Member, journal: Callable[[], list[str]], verb: str,
    before: list[str], after: str,
) -> None:  # fmt: skip
    client = login("bob")
    number = actions.create_task(alice, "A card").number
    for earlier in before:
        client.post(f"{URL}{number}/{earlier}/")

    response = client.post(f"{URL}{number}/{verb}/", headers=HTMX)

    assert response.status_code == 200
    html = response.content.decode()
    assert f'<article hx-swap-oob="true" id="card-{number}"' in html
    assert f'data-in="{after}"' in html
    assert 'id="count-todo"' in html
    assert column(number) == after
    assert journal()[-1].startswith("task.")


def test_every_verb_of_the_table_has_an_address() -> None:
    for verb in MOVES:
        name = "task_" + verb.replace("-", "_")
        assert reverse(name, args=["checkout", 3]) == f"{URL}3/{verb}/"


def test_a_plain_form_goes_back_to_the_task(login: Login, alice: Member) -> None:
    number = actions.create_task(alice, "A card").number
    response = login("bob").post(f"{URL}{number}/claim/")
    assert (response.status_code, response.headers["Location"]) == (302, f"{URL}{number}/")


def test_an_illegal_move_is_a_toast_and_changes_nothing(
    login: Login, alice: Member, journal: Callable[[], list[str]]
) -> None:
    number = actions.create_task(alice, "A card").number
    before = journal()
    response = login("bob").post(f"{URL}{number}/complete/", headers=HTMX)
    assert response.status_code == 409
    assert response.headers["HX-Retarget"] == "#toasts"
    assert b"toast" in response.content
    assert journal() == before


def test_who_may_not_move_is_refused_and_a_stranger_finds_nothing(
    login: Login, alice: Member
) -> None:
    number = actions.create_task(alice, "A card").number
    assert login("vera").post(f"{URL}{number}/claim/", headers=HTMX).status_code == 403
    assert login("mallory").post(f"{URL}{number}/claim/", headers=HTMX).status_code == 404
    assert login("bob").post(f"{URL}99/claim/", headers=HTMX).status_code == 404
    assert login("bob").get(f"{URL}{number}/claim/").status_code == 405
    assert column(number) == "todo"


def test_a_write_without_its_token_is_refused(login: Login, alice: Member, cast: object) -> None:
    number = actions.create_task(alice, "A card").number
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice.user)  # type: ignore[arg-type]
    response = client.post(f"{URL}{number}/claim/")
    assert response.status_code == 403
    assert "This form is out of date" in response.content.decode()
    assert column(number) == "todo"


def test_a_drop_lands_between_its_neighbours(login: Login, alice: Member, hal: Member) -> None:
    running = [actions.create_task(alice, f"Runs {n}", owner="hal").number for n in range(2)]
    for number in running:
        actions.start_task(hal, number)
    dropped = actions.create_task(alice, "Dropped").number
    login("bob").post(f"{URL}{dropped}/start/", {"before": running[0]}, headers=HTMX)
    order = Task.objects.in_column("in_progress").values_list("number", flat=True)
    assert list(order) == [running[1], dropped, running[0]]


def test_order_within_a_column(login: Login, alice: Member) -> None:
    for subject in "abc":
        actions.create_task(alice, subject)
    response = login("bob").post(f"{URL}3/position/", {"after": 1}, headers=HTMX)
    assert response.status_code == 200
    assert list(Task.objects.in_column("todo").values_list("number", flat=True)) == [2, 1, 3]


@pytest.mark.parametrize("place", [{}, {"before": "x"}, {"before": 1, "after": 2}])
def test_a_place_that_is_none(login: Login, alice: Member, place: dict[str, object]) -> None:
    for subject in "abc":
        actions.create_task(alice, subject)
    response = login("bob").post(f"{URL}3/position/", place, headers=HTMX)
    assert response.status_code == 422
    assert list(Task.objects.in_column("todo").values_list("number", flat=True)) == [3, 2, 1]


def test_a_finished_blocker_brings_the_waiting_cards_along(
    login: Login, alice: Member, hal: Member
) -> None:
    first = actions.create_task(alice, "First", owner="hal").number
    second = actions.create_task(alice, "Second", blocked_by=[first]).number
    actions.start_task(hal, first)
    html = login("alice").post(f"{URL}{first}/complete/", headers=HTMX).content.decode()
    assert f'id="card-{second}"' in html
    assert "Blocked by" not in html


def test_claim_next_takes_the_first_ready_card(login: Login, alice: Member) -> None:
    actions.create_task(alice, "Later")
    urgent = actions.create_task(alice, "Now", priority="critical").number
    assert login("bob").post(f"{URL}claim-next/").headers["Location"] == f"{URL}{urgent}/"
    assert column(urgent) == "in_progress"


def test_claim_next_without_work_says_why(login: Login) -> None:
    response = login("bob").post(f"{URL}claim-next/", headers=HTMX)
    assert response.status_code == 409
    assert "No task is ready" in response.content.decode()
