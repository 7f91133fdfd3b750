"""What each role may do, what a single seat is granted or denied."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest

from apps.core.errors import NotAllowed
from apps.teams import actions
from apps.teams.models import Member, Team
from apps.teams.permissions import DEFAULTS, Kind, Permission, Role
from tests.conftest import Cast
from tests.refusing import refused

Journal = Callable[[], list[str]]
ALL = {"manage_team", "manage_tasks", "work", "review", "decide_plans", "send_messages"}
WORKING = {"work", "review", "send_messages"}
MAY = {
    ("human", "leader"): ALL,
    ("human", "member"): WORKING | {"manage_tasks"},
    ("human", "observer"): set[str](),
    ("agent", "leader"): ALL,
    ("agent", "member"): WORKING,
    ("agent", "observer"): set[str](),
}
SEATS = list(product(("human", "agent"), Role.values))


def seat(kind: str, role: str, **values: Any) -> Member:
    return Member(team=Team(state="active"), name="x", kind=kind, role=role, **values)


@pytest.mark.parametrize(("kind", "role"), SEATS)
@pytest.mark.parametrize("permission", Permission.values)
def test_what_each_role_may(kind: str, role: str, permission: str) -> None:
    member = seat(kind, role)
    if permission in MAY[kind, role]:
        assert member.can(permission)
        member.require(permission)
        return
    assert not member.can(permission)
    with pytest.raises(NotAllowed) as info:
        member.require(permission)
    assert role in info.value.message
    assert info.value.details["permission"] == permission


@pytest.mark.parametrize(("kind", "role"), SEATS)
@pytest.mark.parametrize("permission", Permission.values)
def test_a_seat_is_granted_or_denied_single_ones(kind: str, role: str, permission: str) -> None:
    usual = MAY[kind, role]
    assert seat(kind, role, granted=[permission]).permissions == usual | {permission}
    assert seat(kind, role, denied=[permission]).permissions == usual - {permission}
    both = seat(kind, role, granted=[permission], denied=[permission])
    assert permission not in both.permissions


def test_the_defaults_cover_every_kind_that_can_exist() -> None:
    pairs = {(kind.value, role.value) for kind, role in DEFAULTS}
    assert pairs == {*MAY, ("system", "observer")}
    assert DEFAULTS[Kind.SYSTEM, Role.OBSERVER] == ALL


@pytest.mark.parametrize(("kind", "role"), SEATS)
def test_who_edits_cards(kind: str, role: str) -> None:
    expected = role != "observer"
    member = seat(kind, role)
    assert member.may_edit_tasks is expected
    if expected:
        member.require_edit()
        return
    with pytest.raises(NotAllowed):
        member.require_edit()


def test_an_ended_seat_may_nothing(cast: Cast) -> None:
    actions.end_seat(cast.alice, "bob")
    bob = Member.objects.get(pk=cast.bob.pk)
    assert not any(bob.can(permission) for permission in Permission)
    assert not bob.may_edit_tasks
    for act in (lambda: bob.require("work"), bob.require_edit, bob.require_seat):
        with refused(NotAllowed, "seat_ended"):
            act()
    with refused(NotAllowed, "seat_ended"):
        actions.change_team(bob, description="x")


def test_a_seat_that_ended_a_moment_ago_is_refused(cast: Cast) -> None:
    assert cast.bob.left_at is None
    actions.end_seat(cast.alice, "bob")
    with refused(NotAllowed, "seat_ended"):
        actions.end_seat(cast.bob, "bob")


def test_a_right_taken_a_moment_ago_is_gone(cast: Cast) -> None:
    actions.change_member(cast.alice, "bob", role="leader")
    actions.change_member(cast.bob, "alice", role="member")
    with refused(NotAllowed):
        actions.add_member(cast.alice, "ida")
