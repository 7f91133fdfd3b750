"""The line that starts a follower on another machine, for those who may make its token."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import Any

from django.test import Client

from apps.teams.access import seat_of_token
from apps.teams.actions import transition_team
from tests.conftest import Cast

Login = Callable[[str], Client]
HOST = {"Host": "teams.example"}


def line(page: str) -> str:
    found = re.search(r'id="connect-follow">(.*?)</pre>', page, re.DOTALL)
    return unescape(found[1]) if found else ""


def test_a_leader_sees_it_among_the_members(cast: Cast, login: Login) -> None:
    page = login("alice").get("/teams/checkout/members/", headers=HOST).content.decode()
    assert line(page) == (
        "curl -fsSO http://teams.example/claude/follow.pyz && python3 follow.pyz ~/.claude"
        " --server http://teams.example --token <token>"
    )
    assert f"/teams/checkout/members/{cast.alice.pk}/#tokens" in page


def test_the_sites_own_address_goes_before_that_of_the_request(
    cast: Cast, login: Login, settings: Any
) -> None:
    settings.PUBLIC_URL = "https://teams.corp"
    page = login("alice").get("/teams/checkout/members/", headers=HOST).content.decode()
    assert "--server https://teams.corp --token" in line(page)
    guide = login("alice").get("/help/claude-code/", headers=HOST).content.decode()
    assert "https://teams.corp/claude/follow.pyz" in guide
    assert "teams.example/claude" not in guide


def test_a_fresh_token_of_ones_own_stands_in_it(cast: Cast, login: Login) -> None:
    url = f"/teams/checkout/members/{cast.alice.pk}/tokens/"
    shown = line(login("alice").post(url, {"label": ""}, headers=HOST).content.decode())
    secret = shown.rpartition("--token ")[2]
    assert seat_of_token(secret)[0] == cast.alice


def test_who_may_not_follow_in_their_name_does_not_see_it(cast: Cast, login: Login) -> None:
    assert line(login("bob").get("/teams/checkout/members/").content.decode()) == ""
    assert line(login("bob").get(f"/teams/checkout/members/{cast.bob.pk}/").content.decode()) == ""
    url = f"/teams/checkout/members/{cast.hal.pk}/tokens/"
    assert line(login("alice").post(url, {"label": ""}).content.decode()) == ""
    transition_team(cast.alice, "completed")
    assert line(login("alice").get("/teams/checkout/members/").content.decode()) == ""
