"""The administration shows everything and changes it by the actions only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.teams.actions import (
    add_member,
    create_invitation,
    create_token,
    start_session,
    transition_team,
)
from apps.teams.models import AgentSession, Event, Invitation, Member, Team, Token, User
from tests.conftest import Cast, make_cast

LISTS = ("user", "team", "member", "token", "invitation", "event", "agentsession")


@pytest.fixture
def root(cast: Cast) -> Client:
    """The administrator, who sits in no team."""
    client = Client()
    client.force_login(User.objects.create_superuser("root", password=None))
    return client


def act(client: Client, model: str, action: str, *rows: Any, **more: Any) -> Any:
    """Choose an action for rows of a list."""
    values = {"action": action, "_selected_action": [row.pk for row in rows], **more}
    return client.post(f"/admin/teams/{model}/", values, follow=True)


def furnish(cast: Cast) -> None:
    create_token(cast.alice, "hal", label="laptop")
    create_invitation(cast.alice)
    start_session(cast.hal, model="opus")


@pytest.mark.parametrize("name", LISTS)
def test_lists_and_pages_show(cast: Cast, root: Client, name: str) -> None:
    furnish(cast)
    assert root.get(f"/admin/teams/{name}/").status_code == 200
    assert root.get(f"/admin/teams/{name}/?q=hal").status_code == 200
    models = {
        m._meta.model_name: m for m in (User, Team, Member, Token, Invitation, Event, AgentSession)
    }
    row = models[name].objects.first()
    page = root.get(f"/admin/teams/{name}/{row.pk}/change/")
    assert page.status_code == 200
    if hasattr(row, "digest"):
        assert row.digest not in page.content.decode()


@pytest.mark.parametrize("name", LISTS[1:])
def test_nothing_is_written_by_hand(cast: Cast, root: Client, name: str) -> None:
    furnish(cast)
    assert root.get(f"/admin/teams/{name}/add/").status_code == 403
    row = {"team": Team, "member": Member, "token": Token, "invitation": Invitation,
           "event": Event, "agentsession": AgentSession}[name].objects.first()  # fmt: skip
    for path in ("change", "delete"):
        assert (
            root.post(f"/admin/teams/{name}/{row.pk}/{path}/", {"post": "yes"}).status_code == 403
        )


@pytest.mark.parametrize("name", LISTS)
def test_others_stay_outside(cast: Cast, login: Callable[[str], Client], name: str) -> None:
    assert login("alice").get(f"/admin/teams/{name}/", follow=True).status_code == 403


def test_staff_without_rights_see_nothing(cast: Cast) -> None:
    client = Client()
    client.force_login(User.objects.create_user("clerk", password=None, is_staff=True))
    assert client.get("/admin/").status_code == 200
    assert client.get("/admin/teams/team/").status_code == 403


def test_move_teams(cast: Cast, root: Client, journal: Callable[[], list[str]]) -> None:
    page = act(root, "team", "move_to_paused", cast.team)
    assert "1 now paused" in page.content.decode()
    assert Team.objects.get(pk=cast.team.pk).state == "paused"
    assert journal() == ["member.joined", "team.moved"]
    assert Event.objects.filter(kind="team.moved").latest("seq").actor.name == "root"


def test_a_refused_move_leaves_nothing_behind(
    cast: Cast, root: Client, journal: Callable[[], list[str]]
) -> None:
    transition_team(cast.alice, "completed")
    before = cast.team.members.count()
    page = act(root, "team", "move_to_paused", cast.team)
    assert "cannot become paused" in page.content.decode()
    assert Team.objects.get(pk=cast.team.pk).state == "completed"
    assert cast.team.members.count() == before
    assert journal() == ["team.moved"]


def test_disband_and_delete_after_a_question(cast: Cast, root: Client) -> None:
    asked = act(root, "team", "disband", cast.team)
    assert "Disbanding is final" in asked.content.decode()
    assert Team.objects.get(pk=cast.team.pk).state == "active"
    act(root, "team", "disband", cast.team, confirmed="yes")
    assert Team.objects.get(pk=cast.team.pk).state == "disbanded"
    act(root, "team", "delete_disbanded", cast.team)
    assert Team.objects.filter(pk=cast.team.pk).exists()
    act(root, "team", "delete_disbanded", cast.team, confirmed="yes")
    assert not Team.objects.filter(pk=cast.team.pk).exists()


def test_only_disbanded_teams_are_deleted(cast: Cast, root: Client) -> None:
    page = act(root, "team", "delete_disbanded", cast.team, confirmed="yes")
    assert "Only a disbanded team can be deleted" in page.content.decode()
    assert Team.objects.filter(pk=cast.team.pk).exists()


def test_revoke_and_withdraw_and_end(cast: Cast, root: Client) -> None:
    furnish(cast)
    act(root, "token", "revoke", Token.objects.get())
    act(root, "invitation", "revoke", Invitation.objects.get())
    act(root, "member", "end_seats", cast.bob)
    assert Token.objects.get().revoked_at is not None
    assert Invitation.objects.get().revoked_at is not None
    assert Member.objects.get(pk=cast.bob.pk).left_at is not None


def test_new_accounts_have_names_that_a_seat_may_have(root: Client) -> None:
    phrase = "correct horse battery"
    values = {"usable_password": "true", "password1": phrase, "password2": phrase}
    page = root.post("/admin/teams/user/add/", {**values, "username": "system"})
    assert "is reserved" in page.content.decode()
    assert root.post("/admin/teams/user/add/", {**values, "username": "Ada"}).status_code == 302
    assert User.objects.filter(username="Ada").exists()


@pytest.mark.parametrize("name", LISTS)
def test_lists_cost_the_same_for_many(
    cast: Cast, root: Client, name: str, django_assert_max_num_queries: Any
) -> None:
    furnish(cast)
    path = f"/admin/teams/{name}/"
    root.get(path)
    with CaptureQueriesContext(connection) as few:
        root.get(path)
    Team.objects.update(max_members=40)
    for number in range(4):
        more = make_cast(f"team-{number}")
        furnish(more)
        add_member(more.alice, f"agent-{number}")
    with django_assert_max_num_queries(len(few)):
        root.get(path)
