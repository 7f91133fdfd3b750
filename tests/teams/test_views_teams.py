"""My teams, founding one, its settings and its life."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.teams.actions import create_team, end_seat, transition_team
from apps.teams.forms import SettingsForm, free_slug
from apps.teams.lifecycle import State
from apps.teams.models import Member, Team
from tests.conftest import Cast, make_cast

Login = Callable[[str], Client]
SETTINGS = "/teams/checkout/settings/"
MOVE = "/teams/checkout/transition/"


def main(page: str) -> str:
    """What is on the page itself, without the frame around it."""
    return page.partition('id="content"')[2].partition("</main>")[0]


def filled(team: Team, **changes: Any) -> dict[str, Any]:
    """The settings form as a browser sends it back, with `changes`."""
    form = SettingsForm(team=team)
    values = {name: form[name].value() for name in form.fields}
    return {k: v for k, v in (values | changes).items() if v not in (None, False)}


# My teams


def test_my_teams_and_no_others(cast: Cast, login: Login) -> None:
    create_team(cast.mallory, "heist", name="The heist")
    page = main(login("bob").get("/teams/").content.decode())
    assert "Checkout" in page
    assert "heist" not in page
    assert 'title="hal"' in page


def test_a_newcomer_is_told_what_to_do(cast: Cast, login: Login) -> None:
    page = main(login("mallory").get("/teams/").content.decode())
    assert "You sit in no team yet" in page
    assert 'href="/teams/new/"' in page


def test_what_is_over_is_folded_away(cast: Cast, login: Login) -> None:
    transition_team(cast.alice, "disbanded")
    page = main(login("vera").get("/teams/").content.decode())
    assert "Archived and disbanded (1)" in page
    assert f'href="/teams/checkout~{cast.team.pk}/"' in page


def test_the_list_costs_the_same_for_many(
    cast: Cast, login: Login, django_assert_num_queries: Any
) -> None:
    client = login("alice")
    client.get("/teams/")
    with CaptureQueriesContext(connection) as few:
        client.get("/teams/")
    for number in range(8):
        make_cast(f"team-{number}")
    with django_assert_num_queries(len(few)):
        client.get("/teams/")
    assert len(few) <= 18


# A new team


def test_found_a_team(cast: Cast, login: Login) -> None:
    client = login("mallory")
    assert client.get("/teams/new/").status_code == 200
    values = {"name": "Search spike", "slug": "search", "description": "Try it."}
    answer = client.post("/teams/new/", values)
    assert answer["Location"] == "/teams/search/"
    team = Team.objects.get(slug="search")
    assert (team.name, team.description, team.state) == ("Search spike", "Try it.", "forming")
    leader = team.members.get(user=cast.mallory)
    assert (leader.role, leader.name) == ("leader", "mallory")
    kinds = list(team.events.order_by("seq").values_list("kind", flat=True))
    assert kinds == ["team.created", "member.joined"]


def test_a_blank_address_is_made_of_the_name(cast: Cast, login: Login) -> None:
    client = login("mallory")
    places = [client.post("/teams/new/", {"name": "Café Crème!"})["Location"] for _ in range(2)]
    assert places == ["/teams/cafe-creme/", "/teams/cafe-creme-2/"]


def test_a_replayed_form_founds_no_second_team(cast: Cast, login: Login) -> None:
    client = login("mallory")
    page = client.get("/teams/new/").content.decode()
    key = page.partition('name="form_key" value="')[2].partition('"')[0]
    values = {"name": "Search spike", "form_key": key}
    assert client.post("/teams/new/", values)["Location"] == "/teams/search-spike/"
    again = client.post("/teams/new/", values)
    assert again.status_code == 409
    assert "sent already" in again.content.decode()
    assert not Team.objects.filter(slug="search-spike-2").exists()


def test_the_address_is_suggested_while_one_types(cast: Cast, login: Login) -> None:
    page = login("alice").get("/teams/new/?name=Checkout", headers={"HX-Request": "true"})
    assert "/teams/checkout-2/" in page.content.decode()


@pytest.mark.parametrize(
    ("name", "slug"), [("日本", "team"), ("New", "new-2"), ("x" * 80, "x" * 64), ("", "team")]
)
def test_suggested_addresses_are_free_and_valid(db: None, name: str, slug: str) -> None:
    assert free_slug(name) == slug


@pytest.mark.parametrize(
    ("values", "status", "said"),
    [
        ({"name": "X", "slug": "checkout"}, 409, "already exists"),
        ({"name": "X", "slug": "new"}, 422, "is reserved"),
        ({"name": "X", "slug": "Upper Case"}, 422, "starting with a letter"),
        ({"name": "X", "slug": "../x"}, 422, "starting with a letter"),
        ({"name": "  ", "slug": "x"}, 422, "required"),
        ({"name": "x" * 256, "slug": "x"}, 422, "at most 255"),
    ],
)
def test_a_bad_team_is_refused_in_place(
    cast: Cast, login: Login, values: dict[str, str], status: int, said: str
) -> None:
    answer = login("bob").post("/teams/new/", values)
    assert answer.status_code == status
    assert said in answer.content.decode()
    assert Team.objects.count() == 1


# Settings


def test_a_leader_changes_settings(
    cast: Cast, login: Login, journal: Callable[[], list[str]]
) -> None:
    changes = {
        "name": "Checkout rework", "protocol": "Be brief.\r\nBe kind.", "max_members": "12",
        "approval_stages": "leader\r\nstaff", "wip_in_progress": "4", "wip_per_member": "2",
        "allow_self_approval": "on", "retention_days": "", "stall_minutes": "45",
    }  # fmt: skip
    answer = login("alice").post(SETTINGS, filled(cast.team, **changes))
    assert answer["Location"] == SETTINGS
    team = Team.objects.get(pk=cast.team.pk)
    assert (team.name, team.protocol) == ("Checkout rework", "Be brief.\nBe kind.")
    assert (team.max_members, team.approval_stages) == (12, ["leader", "staff"])
    assert (team.wip_limits, team.wip_per_member) == ({"in_progress": 4}, 2)
    assert (team.allow_self_approval, team.retention_days) == (True, None)
    assert journal() == ["team.changed"]


def test_saving_what_is_there_changes_nothing(
    cast: Cast, login: Login, journal: Callable[[], list[str]]
) -> None:
    assert login("alice").post(SETTINGS, filled(cast.team)).status_code == 302
    assert journal() == []


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("name", "", "required"),
        ("name", "x" * 256, "at most 255"),
        ("max_members", "0", "greater than or equal to 1"),
        ("max_members", "99999999999", "less than or equal to"),
        ("stall_minutes", "soon", "Enter a whole number"),
        ("wip_review", "-1", "greater than or equal to 1"),
        ("approval_stages", " \n ", "Name at least one stage"),
        ("protocol", "é" * 17_000, "at most 32 KiB"),
    ],
)
def test_bad_settings_are_refused_in_place(
    cast: Cast, login: Login, field: str, value: str, said: str
) -> None:
    changes = {field: value, "description": "kept while I mend it"}
    answer = login("alice").post(SETTINGS, filled(cast.team, **changes))
    page = answer.content.decode()
    assert answer.status_code == 422
    assert said in page
    assert "kept while I mend it" in page
    assert Team.objects.get(pk=cast.team.pk).description == ""


@pytest.mark.parametrize("name", ["bob", "vera"])
def test_others_read_the_settings(cast: Cast, login: Login, name: str) -> None:
    page = main(login(name).get(SETTINGS).content.decode())
    assert "somebody else approves it" in page
    assert page.count("<form") == 1  # one's own leaving
    before = Team.objects.get(pk=cast.team.pk).seq
    assert login(name).post(SETTINGS, filled(cast.team, name="Mine")).status_code == 403
    assert login(name).post(MOVE, {"to": "paused"}).status_code == 403
    assert Team.objects.get(pk=cast.team.pk).seq == before


def test_strangers_find_nothing(cast: Cast, login: Login) -> None:
    client = login("mallory")
    assert client.get(SETTINGS).status_code == 404
    for path in (SETTINGS, MOVE, "/teams/checkout/leave/"):
        assert client.post(path, {"to": "paused"}).status_code == 404
    assert Team.objects.get(pk=cast.team.pk).state == "active"


@pytest.mark.parametrize(
    "slug", ["%00", "checkout%00", "checkout~x", f"checkout~{'9' * 5000}", "~1"]
)
def test_addresses_that_are_none(cast: Cast, login: Login, slug: str) -> None:
    assert login("alice").get(f"/teams/{slug}/members/").status_code == 404


# Its life


def test_the_buttons_are_the_table(cast: Cast, login: Login) -> None:
    page = main(login("alice").get(SETTINGS).content.decode())
    for verb in ("Pause", "Complete", "Archive", "Disband"):
        assert f">{verb}</button>" in page
    assert ">Activate</button>" not in page


def test_move_a_team_through_its_life(
    cast: Cast, login: Login, journal: Callable[[], list[str]]
) -> None:
    client = login("alice")
    for to in ("paused", "active", "completed", "archived", "completed", "active"):
        assert client.post(MOVE, {"to": to}).status_code == 302
        assert Team.objects.get(pk=cast.team.pk).state == to
    assert journal() == ["team.moved"] * 6


@pytest.mark.parametrize(("to", "status"), [("forming", 409), ("king", 422), ("", 422)])
def test_moves_that_are_not_in_the_table(cast: Cast, login: Login, to: str, status: int) -> None:
    answer = login("alice").post(MOVE, {"to": to})
    assert answer.status_code == status
    assert Team.objects.get(pk=cast.team.pk).state == "active"


@pytest.mark.parametrize("typed", ["", "Checkout", "checkout "[:-2]])
def test_disbanding_wants_the_address_typed(cast: Cast, login: Login, typed: str) -> None:
    answer = login("alice").post(MOVE, {"to": "disbanded", "confirm": typed})
    assert answer.status_code == 422
    assert "Type “checkout” to disband" in answer.content.decode()
    assert Team.objects.get(pk=cast.team.pk).state == "active"


def test_a_disbanded_team_is_read_only_for_who_stayed(cast: Cast, login: Login) -> None:
    end_seat(cast.alice, "bob")
    answer = login("alice").post(MOVE, {"to": "disbanded", "confirm": "checkout"})
    address = f"/teams/checkout~{cast.team.pk}/"
    assert answer["Location"] == f"{address}settings/"
    for part in ("settings", "members", "activity"):
        page = login("vera").get(f"{address}{part}/")
        assert page.status_code == 200
        assert 'method="post"' not in main(page.content.decode())
        assert login("bob").get(f"{address}{part}/").status_code == 404
        assert login("mallory").get(f"{address}{part}/").status_code == 404
    refused = login("alice").post(f"{address}transition/", {"to": "active"})
    assert refused.status_code in (403, 409)


def test_the_address_of_a_disbanded_team_is_free(cast: Cast, login: Login) -> None:
    transition_team(cast.alice, "disbanded")
    old = f"/teams/checkout~{cast.team.pk}/members/"
    assert (
        login("mallory").post("/teams/new/", {"name": "Checkout", "slug": "checkout"})["Location"]
        == "/teams/checkout/"
    )
    page = login("alice").get(old)
    assert page.status_code == 200
    assert f'href="{old.replace("members", "activity")}"' in page.content.decode()
    assert 'href="/teams/checkout/' not in page.content.decode()
    assert login("alice").get("/teams/checkout/members/").status_code == 404
    assert login("mallory").get("/teams/checkout/members/").status_code == 200


@pytest.mark.parametrize("state", list(State))
def test_the_pages_stand_in_every_state(cast: Cast, login: Login, state: State) -> None:
    Team.objects.update(state=state)
    for part in ("settings", "members", "activity"):
        for name in ("alice", "bob", "vera"):
            assert login(name).get(f"/teams/checkout/{part}/").status_code == 200


# Leaving


def test_leave_a_team(cast: Cast, login: Login, journal: Callable[[], list[str]]) -> None:
    client = login("vera")
    assert client.post("/teams/checkout/leave/")["Location"] == "/teams/"
    assert client.get(SETTINGS).status_code == 404
    assert Member.objects.get(pk=cast.vera.pk).left_at is not None
    assert journal() == ["member.left"]


def test_the_last_leader_cannot_leave(cast: Cast, login: Login) -> None:
    answer = login("alice").post("/teams/checkout/leave/")
    assert answer.status_code == 409
    assert "only leader" in answer.content.decode()


def test_leaving_takes_a_post(cast: Cast, login: Login) -> None:
    assert login("vera").get("/teams/checkout/leave/").status_code == 405
    assert login("alice").get(MOVE).status_code == 405
