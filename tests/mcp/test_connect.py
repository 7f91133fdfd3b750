from __future__ import annotations

import json
import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from apps.teams.access import seat_of_token
from tests.conftest import Cast


def texts(page: str) -> dict[str, str]:
    """What a member's page offers to paste, by client."""
    found = re.findall(r'<pre class="secret grow" id="connect-(\w+)">(.*?)</pre>', page, re.DOTALL)
    return {key: unescape(text) for key, text in found}


def test_a_fresh_token_comes_in_lines_to_paste(cast: Cast, login: Callable[[str], Client]) -> None:
    url = f"/teams/checkout/members/{cast.hal.pk}/tokens/"
    page = (
        login("alice").post(url, {"label": ""}, headers={"Host": "teams.example"}).content.decode()
    )
    shown = texts(page)
    secret = re.findall(r"at_[\w-]{40,}", shown["claude"])[0]
    assert seat_of_token(secret)[0] == cast.hal
    assert shown["claude"] == (
        "claude mcp add --transport http team-checkout http://teams.example/mcp"
        f' --header "Authorization: Bearer {secret}"'
    )
    assert f"TEAM_CHECKOUT_TOKEN={secret}" in shown["codex"]
    assert f"Bearer {secret}" in shown["gemini"]
    config = json.loads(shown["json"])["mcpServers"]["team-checkout"]
    assert config["url"] == "http://teams.example/mcp"
    assert config["headers"] == {"Authorization": f"Bearer {secret}"}


def test_the_public_address_is_the_one_to_paste(
    cast: Cast, login: Callable[[str], Client], settings: Any
) -> None:
    settings.PUBLIC_URL = "https://teams.example"
    shown = texts(login("alice").get("/teams/checkout/members/").content.decode())
    assert "https://teams.example/mcp" in shown["claude"]
    assert "<token>" in shown["claude"]


def test_the_help_shows_a_worker(client: Client, db: None) -> None:
    page = client.get("/help/agents/").content.decode()
    assert "http://testserver/mcp" in page
    assert "streamable_http_client(URL, http_client=http)" in page


def test_a_command_prints_a_token_and_nothing_else(
    cast: Cast, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("create_token", "checkout", "hal")
    secret = capsys.readouterr().out.removesuffix("\n")
    assert seat_of_token(secret)[0] == cast.hal


@pytest.mark.parametrize(("team", "member"), [("nowhere", "hal"), ("checkout", "nobody")])
def test_the_command_seats_nobody(cast: Cast, team: str, member: str) -> None:
    with pytest.raises(CommandError, match=r"There is no such team|has no member"):
        call_command("create_token", team, member)
    assert not cast.team.members.filter(name="nobody").exists()


def test_who_makes_no_tokens_is_told_of_none(cast: Cast, login: Callable[[str], Client]) -> None:
    for name, count in (("alice", 1), ("bob", 0), ("vera", 0)):
        for page in ("/teams/checkout/members/", f"/teams/checkout/members/{cast.hal.pk}/"):
            assert login(name).get(page).content.decode().count('id="connect"') == count
