"""The roster, single seats, their tokens, and invitations; as plain forms, without a script."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.teams.access import seat_of_token
from apps.teams.actions import (
    add_member,
    create_invitation,
    create_token,
    end_seat,
    transition_team,
)
from apps.teams.models import Invitation, Member, Team, Token
from tests.conftest import Cast, make_cast

Login = Callable[[str], Client]
ROSTER = "/teams/checkout/members/"


def seat(member: Member, more: str = "") -> str:
    """The address of a seat's page."""
    return f"{ROSTER}{member.pk}/{more}"


def main(page: str) -> str:
    """What is on the page itself, without the frame around it."""
    return page.partition('id="content"')[2].partition("</main>")[0]


def test_a_leader_sees_everybody_and_the_forms(cast: Cast, login: Login) -> None:
    page = login("alice").get(ROSTER).content.decode()
    assert "5 of 10 seats taken" in page
    for name in ("alice", "bob", "vera", "hal", "iris"):
        assert f'<span class="row-title">{name}</span>' in page
    assert "system" not in re.findall(r'row-title">(\w+)<', page)
    assert page.count("<form") >= 3


@pytest.mark.parametrize("name", ["bob", "vera"])
def test_others_see_the_roster_without_forms(cast: Cast, login: Login, name: str) -> None:
    page = main(login(name).get(ROSTER).content.decode())
    assert "hal" in page
    assert "<form" not in page


def test_strangers_find_nothing(cast: Cast, login: Login) -> None:
    token, _ = create_token(cast.alice, "hal")
    invitation = create_invitation(cast.alice)[0]
    gets = [ROSTER, seat(cast.hal)]
    posts = [
        ROSTER, seat(cast.hal), seat(cast.hal, "end/"), seat(cast.hal, "return/"),
        seat(cast.hal, "tokens/"), seat(cast.hal, f"tokens/{token.pk}/revoke/"),
        "/teams/checkout/invitations/", f"/teams/checkout/invitations/{invitation.pk}/revoke/",
    ]  # fmt: skip
    stranger = login("mallory")
    assert {stranger.get(path).status_code for path in gets} == {404}
    assert {stranger.post(path).status_code for path in posts} == {404}


@pytest.mark.parametrize("name", ["bob", "vera"])
def test_who_does_not_lead_is_refused(cast: Cast, login: Login, name: str) -> None:
    create_token(cast.alice, "hal")
    invitation = create_invitation(cast.alice)[0]
    before = Team.objects.get(pk=cast.team.pk).seq
    client = login(name)
    answers = [
        client.post(ROSTER, {"name": "rae"}),
        client.post(seat(cast.hal), {"role": "leader"}),
        client.post(seat(cast.hal, "end/")),
        client.post(seat(cast.hal, "return/")),
        client.post(seat(cast.hal, "tokens/")),
        client.post(seat(cast.hal, f"tokens/{Token.objects.get().pk}/revoke/")),
        client.post("/teams/checkout/invitations/", {"role": "leader", "days": 1, "max_uses": 1}),
        client.post(f"/teams/checkout/invitations/{invitation.pk}/revoke/"),
    ]
    assert {answer.status_code for answer in answers} == {403}
    assert Team.objects.get(pk=cast.team.pk).seq == before


# Agents


def test_add_an_agent(cast: Cast, login: Login, journal: Callable[[], list[str]]) -> None:
    values = {
        "name": "rae",
        "agent_type": "researcher",
        "model": "opus",
        "plan_mode_required": "on",
    }
    answer = login("alice").post(ROSTER, values)
    rae = cast.team.members.get(name="rae")
    assert answer["Location"] == seat(rae)
    assert (rae.kind, rae.agent_type, rae.model) == ("agent", "researcher", "opus")
    assert rae.plan_mode_required is True
    assert journal() == ["member.joined"]


def test_a_new_agent_starts_with_the_team_s_plan_gate_whatever_was_done_before(
    cast: Cast, login: Login
) -> None:
    Team.objects.update(require_plan_approval=True)
    client = login("alice")
    invite = {"role": "member", "days": "2", "max_uses": "1"}
    for answer in (
        client.get(ROSTER),
        client.post("/teams/checkout/invitations/", invite),
        client.post("/teams/checkout/invitations/", {**invite, "days": "0"}),
    ):
        assert re.search(r'name="plan_mode_required"[^>]* checked', answer.content.decode())


@pytest.mark.parametrize(
    ("name", "status", "said"),
    [
        ("HAL", 409, "already has a member “hal”"),
        ("everyone", 422, "is reserved"),
        ("", 422, "required"),
        ("../etc", 422, "letters, digits"),
        ("x" * 65, 422, "at most 64"),
    ],
)
def test_a_bad_agent_is_refused_in_place(
    cast: Cast, login: Login, name: str, status: int, said: str
) -> None:
    answer = login("alice").post(ROSTER, {"name": name, "model": "opus"})
    page = answer.content.decode()
    assert answer.status_code == status
    assert said in page
    assert 'value="opus"' in page
    assert cast.team.members.seated().count() == 5


def test_a_full_team_says_so(cast: Cast, login: Login) -> None:
    Team.objects.update(max_members=5)
    answer = login("alice").post(ROSTER, {"name": "rae"})
    assert answer.status_code == 409
    assert "The team is full" in answer.content.decode()


# Seats


def test_change_a_role_and_permissions(
    cast: Cast, login: Login, journal: Callable[[], list[str]]
) -> None:
    values = {"role": "member", "review": "denied", "decide_plans": "granted"}
    assert login("alice").post(seat(cast.bob), values).status_code == 302
    bob = Member.objects.get(pk=cast.bob.pk)
    assert (bob.granted, bob.denied) == (["decide_plans"], ["review"])
    assert bob.can("decide_plans")
    assert not bob.can("review")
    assert journal() == ["member.changed"]
    page = main(login("alice").get(seat(cast.bob)).content.decode())
    assert '<span class="badge">Decide plans</span>' in page
    assert '<span class="badge">Review</span>' not in page


def test_change_an_agent(cast: Cast, login: Login) -> None:
    values = {"role": "observer", "agent_type": "reader", "model": "haiku"}
    login("alice").post(seat(cast.hal), values)
    hal = Member.objects.get(pk=cast.hal.pk)
    assert (hal.role, hal.agent_type, hal.model) == ("observer", "reader", "haiku")


def test_the_last_leader_stays(cast: Cast, login: Login) -> None:
    answer = login("alice").post(seat(cast.alice), {"role": "member"})
    assert answer.status_code == 409
    assert "the team&#x27;s only leader" in answer.content.decode()
    assert Member.objects.get(pk=cast.alice.pk).role == "leader"


def test_a_made_up_permission_changes_nothing(cast: Cast, login: Login) -> None:
    answer = login("alice").post(seat(cast.bob), {"role": "king", "work": "always"})
    assert answer.status_code == 422
    assert Member.objects.get(pk=cast.bob.pk).role == "member"


@pytest.mark.parametrize("number", [0, 10**12, 10**30])
def test_a_seat_that_is_not_there(cast: Cast, login: Login, number: int) -> None:
    assert login("alice").get(f"{ROSTER}{number}/").status_code == 404


def test_a_seat_of_another_team_is_not_found(cast: Cast, login: Login) -> None:
    other = make_cast("search")
    end_seat(other.alice, "bob")
    assert login("bob").get(seat(other.hal)).status_code == 404
    assert login("alice").get(seat(other.hal)).status_code == 404


def test_end_a_seat_and_bring_it_back(
    cast: Cast, login: Login, journal: Callable[[], list[str]]
) -> None:
    alice, bob = login("alice"), login("bob")
    assert alice.post(seat(cast.bob, "end/")).status_code == 302
    assert bob.get(ROSTER).status_code == 404
    assert "Ended seats (1)" in alice.get(ROSTER).content.decode()
    assert "Bring back" in alice.get(seat(cast.bob)).content.decode()
    assert alice.post(seat(cast.bob, "return/")).status_code == 302
    assert bob.get(ROSTER).status_code == 200
    assert journal() == ["member.left", "member.joined"]


def test_a_seat_ends_once(cast: Cast, login: Login) -> None:
    client = login("alice")
    assert [client.post(seat(cast.hal, "end/")).status_code for _ in range(2)] == [302, 409]
    assert [client.post(seat(cast.hal, "return/")).status_code for _ in range(2)] == [302, 409]


# Tokens


def test_a_token_is_shown_once(cast: Cast, login: Login) -> None:
    client = login("alice")
    answer = client.post(seat(cast.hal, "tokens/"), {"label": "laptop"})
    (secret,) = set(re.findall(r"at_[\w-]{40,}", answer.content.decode()))
    assert "no-store" in answer["Cache-Control"]
    assert seat_of_token(secret)[0].pk == cast.hal.pk
    page = client.get(seat(cast.hal)).content.decode()
    assert secret not in page
    assert secret[:9] in page
    assert "laptop" in page


def test_revoke_a_token(cast: Cast, login: Login) -> None:
    token, _ = create_token(cast.alice, "hal")
    answer = login("alice").post(seat(cast.hal, f"tokens/{token.pk}/revoke/"))
    assert answer.status_code == 302
    token.refresh_from_db()
    assert token.revoked_at is not None


def test_everybody_makes_tokens_for_the_own_seat(cast: Cast, login: Login) -> None:
    assert "at_" in login("bob").post(seat(cast.bob, "tokens/")).content.decode()
    assert Token.objects.get().member_id == cast.bob.pk


def test_nobody_makes_a_token_for_another_person(cast: Cast, login: Login) -> None:
    answer = login("alice").post(seat(cast.bob, "tokens/"))
    assert answer.status_code == 403
    assert not Token.objects.exists()


def test_a_token_ends_in_the_future(cast: Cast, login: Login) -> None:
    past = login("alice").post(seat(cast.hal, "tokens/"), {"expires_at": "2001-01-01T10:00"})
    assert past.status_code == 422
    assert "still to come" in past.content.decode()
    assert not Token.objects.exists()
    login("alice").post(seat(cast.hal, "tokens/"), {"expires_at": "2101-01-01T10:00"})
    assert Token.objects.get().expires_at.isoformat() == "2101-01-01T10:00:00+00:00"


def test_tokens_of_others_are_not_shown(cast: Cast, login: Login) -> None:
    create_token(cast.alice, "hal", label="laptop")
    assert "laptop" not in login("bob").get(seat(cast.hal)).content.decode()


# Invitations


def test_a_replayed_form_makes_no_second_invitation_or_token(cast: Cast, login: Login) -> None:
    client = login("alice")
    seat = f"/teams/checkout/members/{cast.hal.pk}/"
    keys = re.compile(r'name="form_key" value="([^"]+)"')
    _, invite = keys.findall(client.get("/teams/checkout/members/").content.decode())
    (token,) = keys.findall(client.get(seat).content.decode())
    wanted = {"role": "member", "days": 1, "max_uses": 1, "form_key": invite}
    for path, values in (
        ("/teams/checkout/invitations/", wanted),
        (f"{seat}tokens/", {"label": "laptop", "form_key": token}),
    ):
        assert client.post(path, values).status_code == 200
        again = client.post(path, values)
        assert again.status_code == 409
        assert "sent already" in again.content.decode()
    assert (Invitation.objects.count(), Token.objects.count()) == (1, 1)


def test_an_invitation_is_shown_once(cast: Cast, login: Login) -> None:
    client = login("alice")
    answer = client.post(
        "/teams/checkout/invitations/", {"role": "observer", "days": "2", "max_uses": "3"}
    )
    (link,) = re.findall(r"http://testserver(/join/join-[\w-]+/)", answer.content.decode())
    assert "no-store" in answer["Cache-Control"]
    assert Client().get(link).status_code == 200
    page = client.get(ROSTER).content.decode()
    assert link not in page
    assert "0 of 3" in page


def test_links_carry_the_public_address(cast: Cast, login: Login, settings: Any) -> None:
    settings.PUBLIC_URL = "https://teams.example.org"
    page = login("alice").post(
        "/teams/checkout/invitations/", {"role": "member", "days": "2", "max_uses": "1"}
    )
    assert "https://teams.example.org/join/" in page.content.decode()


@pytest.mark.parametrize(
    "values",
    [
        {"role": "king", "days": "2", "max_uses": "1"},
        {"role": "member", "days": "0", "max_uses": "1"},
        {"role": "member", "days": "91", "max_uses": "1"},
        {"role": "member", "days": "2", "max_uses": "many"},
        {},
    ],
)
def test_bad_invitations_are_refused_in_place(
    cast: Cast, login: Login, values: dict[str, str]
) -> None:
    answer = login("alice").post("/teams/checkout/invitations/", values)
    assert answer.status_code == 422
    assert "field-error" in answer.content.decode()
    assert not Invitation.objects.exists()


def test_withdraw_an_invitation(cast: Cast, login: Login) -> None:
    invitation, secret = create_invitation(cast.alice)
    login("alice").post(f"/teams/checkout/invitations/{invitation.pk}/revoke/")
    assert Client().get(f"/join/{secret}/").status_code == 409
    assert "withdrawn" in login("alice").get(ROSTER).content.decode()


def test_an_invitation_of_another_team_is_not_found(cast: Cast, login: Login) -> None:
    other = make_cast("search")
    invitation, _ = create_invitation(other.alice)
    path = f"/teams/checkout/invitations/{invitation.pk}/revoke/"
    assert login("alice").post(path).status_code == 404


# States and size


@pytest.mark.parametrize("state", ["completed", "archived", "disbanded"])
def test_a_team_that_is_over_shows_no_forms(cast: Cast, login: Login, state: str) -> None:
    if state == "archived":
        transition_team(cast.alice, "completed")
    transition_team(cast.alice, state)
    for path in (ROSTER, seat(cast.hal)):
        answer = login("alice").get(path)
        assert answer.status_code == 200
        assert "<form" not in main(answer.content.decode())
    assert login("alice").post(ROSTER, {"name": "rae"}).status_code in (403, 409)


def test_the_roster_costs_the_same_for_many(
    cast: Cast, login: Login, django_assert_num_queries: Any
) -> None:
    client = login("alice")
    client.get(ROSTER)
    with CaptureQueriesContext(connection) as few:
        client.get(ROSTER)
    Team.objects.update(max_members=40)
    for number in range(20):
        add_member(cast.alice, f"agent-{number}")
        create_invitation(cast.alice)
    with django_assert_num_queries(len(few)):
        client.get(ROSTER)
    assert len(few) <= 18


def test_a_seat_costs_the_same_with_many_tokens(
    cast: Cast, login: Login, django_assert_num_queries: Any
) -> None:
    client = login("alice")
    create_token(cast.alice, "hal")
    client.get(seat(cast.hal))
    with CaptureQueriesContext(connection) as few:
        client.get(seat(cast.hal))
    for _ in range(20):
        create_token(cast.alice, "hal")
    with django_assert_num_queries(len(few)):
        client.get(seat(cast.hal))
