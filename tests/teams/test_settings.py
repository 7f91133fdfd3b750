"""Founding a team and changing its settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from apps.core.errors import Invalid
from apps.teams import actions
from apps.teams.models import Event, Team
from tests.conftest import Cast
from tests.refusing import refused

Journal = Callable[[], list[str]]


def test_founding_a_team(cast: Cast) -> None:
    team = actions.create_team(cast.mallory, "payment", name="Payment", max_members=3)
    kinds = list(team.events.values_list("kind", "actor__name"))
    assert kinds == [("team.created", "mallory"), ("member.joined", "mallory")]
    assert team.state == "forming"
    assert team.members.seated().get().is_leader
    assert actions.create_team(cast.mallory, "bare").name == "bare"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("max_members", 0), ("max_members", "many"), ("max_members", True), ("stall_minutes", 0),
        ("max_members", 10**12), ("wip_per_member", 0), ("review_sla_minutes", -1),
        ("retention_days", 1.5), ("approval_stages", []), ("approval_stages", [""]),
        ("approval_stages", [7]), ("wip_limits", {"approved": 1}), ("wip_limits", {"todo": 0}),
        ("wip_limits", {"todo": "3"}), ("protocol", "é" * 16_385), ("name", "x" * 256),
        ("seq", 7), ("slug", "other"), ("state", "active"),
    ],
)  # fmt: skip
def test_settings_that_are_refused(field: str, value: Any, cast: Cast) -> None:
    with refused(Invalid) as info:
        actions.change_team(cast.alice, **{field: value})
    assert set(info.value.fields) == {field}
    if field != "slug":
        with refused(Invalid):
            actions.create_team(cast.mallory, "another", **{field: value})


def test_settings_that_are_kept(cast: Cast, journal: Journal) -> None:
    values: dict[str, Any] = {
        "name": "Check", "protocol": "x" * 32 * 1024, "max_members": 1, "wip_per_member": None,
        "wip_limits": {"todo": 5, "in_progress": 3}, "approval_stages": ["leader", "staff"],
        "retention_days": 30, "allow_self_approval": True,
    }  # fmt: skip
    team = actions.change_team(cast.alice, **values)
    team.refresh_from_db()
    assert {key: getattr(team, key) for key in values} == values
    assert (team.wip_limit("in_progress"), team.wip_limit("done")) == (3, None)
    assert Event.objects.filter(team=team).latest("seq").data["changed"] == sorted(
        values.keys() - {"wip_per_member"}
    )
    actions.change_team(cast.alice, name="Check")
    assert journal() == ["team.changed"]


def test_who_sits_where(cast: Cast) -> None:
    other = actions.create_team(cast.mallory, "payment")
    assert set(Team.objects.visible_to(cast.people["bob"])) == {cast.team}
    assert set(Team.objects.visible_to(cast.mallory)) == {other}
