from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from apps.claude.formats import (
    ConfigMember,
    Epoch,
    MembersMeta,
    Problem,
    TeamConfig,
    parse_config,
    parse_meta,
)

WHERE = Path("config.json")
LEAD = {
    "agentId": "team-lead@shop",
    "name": "team-lead",
    "agentType": "team-lead",
    "model": "opus",
    "joinedAt": 1770649635547,
    "tmuxPaneId": "",
    "cwd": "/srv/shop",
    "subscriptions": [],
}
HAL = {
    "agentId": "hal@shop",
    "name": "hal",
    "agentType": "general-purpose",
    "model": "haiku",
    "prompt": "Fix the till.",
    "color": "blue",
    "planModeRequired": False,
    "joinedAt": 1770649672906,
    "tmuxPaneId": "in-process",
    "cwd": "/srv/shop",
    "subscriptions": [],
    "backendType": "in-process",
}
CHOSEN = {
    "name": "shop",
    "description": "Mend the shop",
    "createdAt": 1770649635547,
    "leadAgentId": "team-lead@shop",
    "leadSessionId": "3b22f6a2-8179-4ae8-b430-861f97e74884",
    "members": [LEAD, HAL],
}
BY_SESSION = {
    "name": "session-3b22f6a2",
    "createdAt": 1781500000000,
    "leadAgentId": "team-lead@session-3b22f6a2",
    "leadSessionId": "3b22f6a2-8179-4ae8-b430-861f97e74884",
    "members": [
        {
            "agentId": "team-lead@session-3b22f6a2",
            "name": "team-lead",
            "agentType": "team-lead",
            "joinedAt": 1781500000000,
            "tmuxPaneId": "leader",
            "cwd": "/srv",
            "subscriptions": [],
            "backendType": "in-process",
        }
    ],
}
SIMPLE = {
    "teamName": "shop",
    "members": [
        {"name": "boss", "agentId": "boss@shop", "agentType": "coder"},
        {"name": "coder", "agentId": "coder@shop", "agentType": "coder", "prompt": "Code."},
    ],
}


def config(raw: dict[str, Any]) -> TeamConfig:
    found = parse_config(raw, WHERE)
    assert isinstance(found, TeamConfig)
    return found


def test_the_native_dialect_is_read_whole() -> None:
    team = config(CHOSEN)
    assert (team.name, team.description) == ("shop", "Mend the shop")
    assert team.created_at == datetime(2026, 2, 9, 15, 7, 15, 547000, tzinfo=UTC)
    assert team.lead_agent_id == "team-lead@shop"
    assert team.lead_session_id == "3b22f6a2-8179-4ae8-b430-861f97e74884"
    assert [member.name for member in team.members] == ["team-lead", "hal"]


def test_a_lead_and_a_teammate_have_common_accessors() -> None:
    lead, hal = config(CHOSEN).members
    assert (lead.model, lead.cwd, lead.tmux_pane_id) == ("opus", "/srv/shop", "")
    assert (lead.is_lead, lead.is_teammate) == (True, False)
    assert (hal.is_lead, hal.is_teammate) == (False, True)
    assert (hal.color, hal.plan_mode_required) == ("blue", False)
    assert (hal.backend_type, hal.tmux_pane_id) == ("in-process", "in-process")
    assert lead.extra == {"subscriptions": []}


def test_the_simple_dialect_says_less() -> None:
    team = config(SIMPLE)
    assert team.name == "shop"
    assert (team.created_at, team.lead_agent_id) == (None, None)
    assert team.members[1].is_teammate
    assert team.lead == team.members[0]


@pytest.mark.parametrize("raw", [CHOSEN, BY_SESSION, SIMPLE])
def test_what_was_read_is_written_again(raw: dict[str, Any]) -> None:
    assert json.dumps(config(raw).native()) == json.dumps(raw)
    assert config(config(raw).native()) == config(raw)


def test_a_dialect_keeps_its_spelling_when_the_name_changes() -> None:
    written = replace(config(SIMPLE), name="market").native()
    assert written["teamName"] == "market"
    assert "name" not in written
    assert "team_name" not in written


def test_unknown_keys_stay_where_they_are() -> None:
    raw = {"name": "shop", "language": "de", "members": [HAL | {"mood": "calm"}], "z": None}
    team = config(raw)
    assert team.extra == {"language": "de", "z": None}
    changed = replace(team.members[0], color="red", removed_at=datetime(2026, 1, 1, tzinfo=UTC))
    written = replace(team, members=(changed,)).native()
    assert list(written) == ["name", "language", "members", "z"]
    expected = raw["members"][0] | {"color": "red", "removedAt": 1767225600000}
    assert json.dumps(written["members"]) == json.dumps([expected])


@pytest.mark.parametrize(
    ("raw", "epoch"),
    [(CHOSEN, Epoch.CHOSEN), (BY_SESSION, Epoch.SESSION), (SIMPLE, Epoch.CHOSEN)],
)
def test_a_config_tells_its_epoch(raw: dict[str, Any], epoch: Epoch) -> None:
    assert config(raw).epoch is epoch


def test_a_renamed_session_team_is_known_by_its_lead() -> None:
    assert config(BY_SESSION | {"name": "till"}).epoch is Epoch.SESSION


@pytest.mark.parametrize(
    ("changes", "lead"),
    [
        ({"leadAgentId": "hal@shop"}, "hal"),
        ({"leadAgentId": "hal@old-name"}, "hal"),
        ({"leadAgentId": None}, "team-lead"),
        ({"leadAgentId": "gone@shop"}, "team-lead"),
        ({"members": []}, None),
    ],
)
def test_the_lead_is_found(changes: dict[str, Any], lead: str | None) -> None:
    found = config(CHOSEN | changes).lead
    assert (found.name if found else None) == lead


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ({"team": "shop", "lead": "boss", "members": [{"agent": "x"}]}, "foreign"),
        ({"name": "shop", "members": [{"agent": "x"}]}, "foreign"),
        ({"team": "shop", "lead": "boss"}, "foreign"),
        ({}, "wrong_shape"),
        ({"name": " "}, "wrong_shape"),
        ({"name": 5}, "wrong_shape"),
        ({"name": "shop", "members": {"hal": {}}}, "wrong_shape"),
        ([CHOSEN], "wrong_shape"),
        (None, "wrong_shape"),
    ],
)
def test_what_is_no_team_file_is_said(raw: Any, code: str) -> None:
    found = parse_config(raw, WHERE)
    assert isinstance(found, Problem)
    assert found.code == code
    assert found.sentence.endswith(".")


def test_a_bad_member_does_not_hide_the_others() -> None:
    raw = CHOSEN | {"members": [None, {"agentId": "x"}, LEAD, "hal", {"name": ""}]}
    assert [member.name for member in config(raw).members] == ["team-lead"]
    assert config(raw).native() == raw


def test_a_new_member_is_written_with_what_it_has() -> None:
    assert ConfigMember(name="iris", plan_mode_required=True).native() == {
        "name": "iris",
        "planModeRequired": True,
    }


def meta(raw: dict[str, Any]) -> MembersMeta:
    found = parse_meta(raw, WHERE)
    assert isinstance(found, MembersMeta)
    return found


def test_the_members_file_is_reduced_by_its_rules_and_kept_whole() -> None:
    rows = [
        {"name": "iris", "role": "tester", "provider": "codex"},
        {"name": "hal", "removedAt": 1770649635547},
        {"name": "iris", "role": "second"},
        {"name": "iris-2"},
        {"name": "hal-2"},
        {"nick": "x"},
    ]
    raw = {"version": 1, "members": rows, "providerBackendId": "b"}
    members = meta(raw).members
    assert [member.name for member in members] == ["hal", "hal-2", "iris"]
    assert members[0].removed_at is not None
    assert (members[2].role, members[2].provider_id) == ("tester", "codex")
    assert json.dumps(meta(raw).native()) == json.dumps(raw)


@pytest.mark.parametrize("raw", [None, [], {}, {"members": {}}, "x"])
def test_a_broken_members_file_is_said(raw: Any) -> None:
    found = parse_meta(raw, WHERE)
    assert isinstance(found, Problem)
    assert found.code == "wrong_shape"
