from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from apps.claude.formats import (
    ConfigMember,
    InboxRow,
    MembersMeta,
    RosterEntry,
    TaskFile,
    TeamConfig,
    TeamTree,
    find,
    moment,
    native_row,
    parse_row,
    roster,
)

LEAD = ConfigMember(name="team-lead", agent_type="team-lead", agent_id="team-lead@shop")
HAL = ConfigMember(name="hal", prompt="Work.", color="blue", joined_at=moment(1772366400))
IRIS = ConfigMember(name="Iris", prompt="Test.")


def row(sender: str, second: int = 0, kind: str = "message", **payload: Any) -> InboxRow:
    at = moment(1772366400 + second)
    assert at is not None
    raw = native_row(sender=sender, at=at, text="x", kind=kind, payload=payload)
    found = parse_row(raw)
    assert found is not None
    return found


def tree(*members: ConfigMember, lead: str | None = "team-lead@shop", **parts: Any) -> TeamTree:
    config = TeamConfig(name="shop", lead_agent_id=lead, members=members) if members else None
    return TeamTree(Path("/home"), "shop", config=config, **parts)


def seats(team: TeamTree) -> dict[str, RosterEntry]:
    return {entry.name: entry for entry in roster(team)}


def test_the_roster_is_the_union_of_all_sources_in_order() -> None:
    team = tree(
        LEAD,
        IRIS,
        HAL,
        meta=MembersMeta(rows=(ConfigMember(name="otto"), ConfigMember(name="hal"))),
        expected=("nina",),
        inboxes={"zoe": (), "team-lead": (row("uma"),)},
        tasks=(TaskFile(id="1", owner="vic"), TaskFile(id="2", owner="HAL", status="in_progress")),
    )
    found = roster(team)
    assert [entry.name for entry in found] == [
        *("team-lead", "Iris", "hal"),
        *("nina", "otto", "uma", "vic", "zoe"),
    ]
    assert [sorted(entry.sources) for entry in found] == [
        ["config", "inbox"],
        ["config"],
        ["config", "meta", "owner"],
        ["launch"],
        ["meta"],
        ["author"],
        ["owner"],
        ["inbox"],
    ]
    assert [entry.name for entry in found if entry.phantom] == ["zoe"]
    assert seats(team)["hal"].current_task == "2"
    assert seats(team)["hal"].color == "blue"


def test_a_member_gone_from_the_config_is_no_phantom() -> None:
    team = tree(LEAD, inboxes={"hal": (row("team-lead"),), "team-lead": (row("hal"),)})
    assert not seats(team)["hal"].phantom


@pytest.mark.parametrize(
    "name",
    [
        "user",
        "system",
        "cross_team::web",
        "cross-team-web",
        "cross_team_send",
        "web.hal",
        "a0123456789abcdef",
        "hal-provisioner",
        "",
        " ",
    ],
)
def test_names_that_stand_for_nobody_are_dropped(name: str) -> None:
    team = tree(
        LEAD,
        HAL,
        inboxes={name: (), "hal": (row(name),)},
        tasks=(TaskFile(id="1", owner=name),),
    )
    assert list(seats(team)) == ["team-lead", "hal"]


def test_a_declared_name_may_have_a_dot() -> None:
    assert "v1.2" in seats(tree(LEAD, ConfigMember(name="v1.2"), inboxes={"v1.2": ()}))


def test_a_provisioner_without_its_member_stays() -> None:
    assert "hal-provisioner" in seats(tree(LEAD, inboxes={"hal-provisioner": ()}))


@pytest.mark.parametrize("alias", ["lead", "Team-Lead", "LEAD", "boss", "Boss@shop"])
def test_the_lead_answers_to_its_aliases(alias: str) -> None:
    boss = ConfigMember(name="Boss", agent_id="Boss@shop")
    team = tree(boss, HAL, lead="Boss@shop", inboxes={"hal": (row(alias),), "team-lead": ()})
    found = roster(team)
    assert [entry.name for entry in found] == ["Boss", "hal"]
    assert (found[0].is_lead, found[0].phantom) == (True, False)
    assert found[0].aliases == ("boss", "lead", "team-lead")
    assert found[0].last_seen is not None
    assert find(found, alias.removesuffix("@shop")) == found[0]
    assert find(found, "HAL") == found[1]
    assert find(found, "nobody") is None


def test_lead_is_another_name_of_team_lead_even_if_declared() -> None:
    assert list(seats(tree(LEAD, ConfigMember(name="lead"), HAL))) == ["team-lead", "hal"]


def test_a_worker_called_lead_is_a_worker_under_another_lead() -> None:
    boss = ConfigMember(name="boss", agent_id="boss@shop")
    team = tree(boss, ConfigMember(name="lead", prompt="x"), lead="boss@shop")
    assert {name: entry.is_lead for name, entry in seats(team).items()} == {
        "boss": True,
        "lead": False,
    }


def test_without_a_config_the_inboxes_tell_the_lead() -> None:
    assert seats(tree(inboxes={"team-lead": (), "hal": ()}))["team-lead"].is_lead
    assert seats(tree(inboxes={"lead": (), "hal": ()}))["lead"].is_lead
    both = seats(tree(inboxes={"lead": (), "team-lead": ()}))
    assert list(both) == ["team-lead"]
    assert both["team-lead"].inboxes == ("lead", "team-lead")


def test_an_inbox_may_be_spelled_as_a_file_name() -> None:
    found = seats(tree(LEAD, ConfigMember(name="Dr. No"), inboxes={"Dr--No": ()}))
    assert found["Dr. No"].inboxes == ("Dr--No",)
    assert len(found) == 2


def test_an_owner_with_a_remark_is_the_member() -> None:
    team = tree(
        LEAD,
        ConfigMember(name="codex-1"),
        tasks=(TaskFile(id="1", owner="codex-1 (wB:p2)"), TaskFile(id="2", owner="odd (x)")),
    )
    assert list(seats(team)) == ["team-lead", "codex-1", "odd (x)"]


def test_a_deleted_task_and_a_tracker_seat_nobody() -> None:
    tracker = TaskFile(id="2", owner="zoe", metadata={"_internal": True})
    team = tree(LEAD, tasks=(TaskFile(id="1", owner="vic", status="deleted"), tracker))
    assert list(seats(team)) == ["team-lead"]


def test_a_soft_removed_member_stays_as_removed() -> None:
    gone = ConfigMember(name="hal", removed_at=moment(1772366400))
    found = seats(tree(LEAD, meta=MembersMeta(rows=(gone,)), inboxes={"hal": ()}))
    assert found["hal"].removed
    assert not found["team-lead"].removed


@pytest.mark.parametrize(
    ("rows", "stopped"),
    [
        ([("shutdown_approved", 5)], True),
        ([("message", 1), ("shutdown_approved", 5)], True),
        ([("shutdown_approved", 5), ("message", 1)], True),
        ([("shutdown_approved", 5), ("message", 6)], False),
        ([("shutdown_approved", 5), ("idle_notification", 6)], False),
        ([("shutdown_rejected", 5)], False),
        ([("shutdown_request", 5)], False),
        ([("shutdown_approved", 0)], True),
        ([("shutdown_approved", -1)], False),
        ([], False),
    ],
)
def test_a_member_stops_with_its_last_word(rows: list[tuple[str, int]], stopped: bool) -> None:
    sent = tuple(row("hal", second, kind) for kind, second in rows)
    assert seats(tree(LEAD, HAL, inboxes={"team-lead": sent}))["hal"].terminated is stopped


@pytest.mark.parametrize(("answer", "stopped"), [("true", True), ("false", False), ("5", False)])
def test_an_older_answer_stops_too(answer: str, stopped: bool) -> None:
    text = '{"type":"shutdown_response","request_id":"r","approve":' + answer + "}"
    sent = parse_row({"from": "hal", "text": text, "timestamp": "2026-03-01T13:00:00Z"})
    assert sent is not None
    assert seats(tree(LEAD, HAL, inboxes={"team-lead": (sent,)}))["hal"].terminated is stopped


def test_rows_without_a_time_count_in_their_order() -> None:
    text = '{"type":"shutdown_approved"}'
    last = parse_row({"from": "hal", "text": text, "timestamp": "soon"})
    assert last is not None
    team = tree(LEAD, HAL, inboxes={"team-lead": (row("hal", 5), last)})
    assert seats(team)["hal"].terminated
