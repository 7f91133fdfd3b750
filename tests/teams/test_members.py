"""Seats: how they are taken, changed, ended and taken again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission as DjangoPermission
from django.db import IntegrityError, transaction

from apps.core.errors import Conflict, Invalid, NotAllowed, NotFound
from apps.teams import actions, endings
from apps.teams.actions.members import free_name
from apps.teams.models import Event, Member, Team, User
from tests.conftest import Cast, make_cast, person
from tests.refusing import refused

Journal = Callable[[], list[str]]
WORKING = {"work", "review", "send_messages"}


def test_adding_an_agent(cast: Cast, journal: Journal) -> None:
    member = actions.add_member(
        cast.alice, "ida", role="observer", model="m", prompt="p", color="red", granted=["work"]
    )
    member.refresh_from_db()
    assert (member.kind, member.role, member.model, member.user) == ("agent", "observer", "m", None)
    assert member.can("work")
    assert not member.plan_mode_required
    assert journal() == ["member.joined"]
    fact = {"member": "ida", "kind": "agent", "role": "observer"}
    assert Event.objects.filter(team=cast.team).latest("seq").data == fact


def test_new_agents_start_with_the_team_s_plan_gate(cast: Cast) -> None:
    actions.change_team(cast.alice, require_plan_approval=True)
    assert actions.add_member(cast.alice, "ida").needs_plan
    assert not actions.add_member(cast.alice, "ivo", plan_mode_required=False).needs_plan
    assert not cast.hal.needs_plan


def test_a_person_is_not_added(alice: Member) -> None:
    with refused(Invalid) as info:
        actions.add_member(alice, "ida", kind="human")
    assert set(info.value.fields) == {"kind"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("role", "boss"), ("granted", ["fly"]), ("denied", ["fly"]), ("left_at", None),
        ("color", "x" * 17), ("model", "x" * 129), ("agent_type", "x" * 129), ("cwd", "x" * 1025),
    ],
)  # fmt: skip
def test_values_that_no_seat_has(field: str, value: Any, alice: Member) -> None:
    with refused(Invalid) as info:
        actions.add_member(alice, "ida", **{field: value})
    assert set(info.value.fields) == {field}
    with refused(Invalid):
        actions.change_member(alice, "hal", **{field: value})


@pytest.mark.parametrize("name", ["hal", "HAL", "Bob"])
def test_a_name_is_taken_once_ignoring_case(name: str, alice: Member) -> None:
    with refused(Conflict, "name_taken"):
        actions.add_member(alice, name)


def test_names_are_one_in_every_alphabet(cast: Cast) -> None:
    actions.add_member(cast.alice, "Émile")
    with refused(Conflict, "name_taken"):
        actions.add_member(cast.alice, "émile")
    assert cast.team.members.named("ÉMILE").name == "Émile"
    with pytest.raises(IntegrityError), transaction.atomic():
        Member.objects.create(team=cast.team, name="ÉMILE", kind="agent")


def test_who_is_renamed_is_found_by_the_new_name(cast: Cast) -> None:
    cast.hal.name = "Émile"
    cast.hal.save(update_fields=["name"])
    assert cast.team.members.named("émile") == cast.hal
    assert not cast.team.members.filter(key="hal").exists()


def test_the_same_name_sits_in_many_teams(cast: Cast) -> None:
    other = make_cast("payment")
    assert other.hal.name == cast.hal.name


def test_the_system_s_seat_is_nobody_s(alice: Member) -> None:
    for act in (actions.change_member, actions.end_seat, actions.return_seat, actions.create_token):
        with refused(NotFound, "member_not_found"):
            act(alice, "system")
    with refused(Invalid):
        actions.add_member(alice, "System")


def test_the_eleventh_member_is_refused(cast: Cast) -> None:
    for number in range(5):
        actions.add_member(cast.alice, f"agent-{number}")
    assert cast.team.members.seated().count() == 10
    with refused(Conflict, "team_full") as info:
        actions.add_member(cast.alice, "one-too-many")
    assert "10 of 10" in info.value.message
    actions.end_seat(cast.alice, "agent-0")
    actions.add_member(cast.alice, "one-too-many")
    with refused(Conflict, "team_full"):
        actions.return_seat(cast.alice, "agent-0")
    actions.change_team(cast.alice, max_members=11)
    assert actions.return_seat(cast.alice, "agent-0").left_at is None


def test_the_server_gives_the_limit(cast: Cast, settings: Any) -> None:
    settings.TEAMS_MAX_MEMBERS, settings.TEAMS_REQUIRE_PLAN_APPROVAL = 3, False
    team = actions.create_team(cast.mallory, "small")
    assert (team.max_members, team.require_plan_approval) == (3, False)


def test_an_ended_seat_comes_back_as_the_same_seat(cast: Cast, journal: Journal) -> None:
    actions.end_seat(cast.alice, "hal")
    again = actions.add_member(cast.alice, "HAL", model="new")
    assert again.pk == cast.hal.pk
    assert (again.name, again.model, again.left_at) == ("hal", "new", None)
    assert again.joined_at > cast.hal.joined_at
    assert journal() == ["member.left", "member.joined"]


def test_a_seat_that_comes_back_has_none_of_its_old_rights(cast: Cast) -> None:
    actions.change_member(cast.alice, "hal", role="leader", granted=["manage_team"])
    actions.end_seat(cast.alice, "hal")
    assert actions.add_member(cast.alice, "hal").permissions == WORKING
    actions.change_member(cast.alice, "bob", granted=["manage_team"], denied=["review"])
    actions.end_seat(cast.alice, "bob")
    _, link = actions.create_invitation(cast.alice, role="observer")
    bob = actions.accept_invitation(link, cast.people["bob"])
    assert bob.pk == cast.bob.pk
    assert (bob.role, bob.granted, bob.denied) == ("observer", [], [])


def test_a_seat_returned_by_the_leader_is_as_it_was(cast: Cast, journal: Journal) -> None:
    actions.change_member(cast.alice, "bob", granted=["decide_plans"])
    actions.end_seat(cast.alice, "bob")
    with refused(NotAllowed):
        actions.return_seat(cast.vera, "bob")
    assert actions.return_seat(cast.alice, "bob").can("decide_plans")
    with refused(Conflict, "seat_taken"):
        actions.return_seat(cast.alice, "bob")
    assert journal() == ["member.changed", "member.left", "member.joined"]


def test_an_agent_s_seat_never_becomes_a_person_s(cast: Cast) -> None:
    actions.end_seat(cast.alice, "bob")
    with refused(Conflict, "name_taken"):
        actions.add_member(cast.alice, "bob")
    hal = actions.seat_person(cast.team, person("hal"))
    assert (hal.name, hal.kind) == ("hal-2", "human")


@pytest.mark.parametrize(
    ("user_name", "name"), [("user", "user-1"), ("a@b.org", "a-b.org"), ("ALICE", "ALICE-2")]
)
def test_a_person_s_seat_is_named_after_the_account(user_name: str, name: str, team: Team) -> None:
    user = User.objects.create(username=user_name)
    assert actions.seat_person(team, user).name == name


def test_a_free_name_has_the_first_free_number(team: Team) -> None:
    assert free_name(team, "ida") == "ida"
    assert free_name(team, "hal") == "hal-2"
    Member.objects.create(team=team, name="HAL-2", kind="agent")
    assert free_name(team, "Hal") == "Hal-3"
    long = "x" * 64
    Member.objects.create(team=team, name=long, kind="agent")
    assert free_name(team, long) == f"{'x' * 58}-2"


def test_changing_a_seat(cast: Cast, journal: Journal) -> None:
    actions.change_member(cast.alice, "HAL", role="observer", granted=["work"], color="red")
    hal = Member.objects.get(pk=cast.hal.pk)
    assert (hal.role, hal.granted, hal.color, hal.hue) == ("observer", ["work"], "red", 2)
    event = Event.objects.filter(team=cast.team).latest("seq")
    assert event.data["changed"] == ["color", "granted", "role"]
    actions.change_member(cast.alice, "hal", role="observer")
    assert journal() == ["member.changed"]


@pytest.mark.parametrize("who", ["bob", "vera", "hal"])
def test_only_a_leader_changes_seats(who: str, cast: Cast) -> None:
    actor = getattr(cast, who)
    for act in (
        lambda: actions.add_member(actor, "ida"),
        lambda: actions.change_member(actor, who, role="leader"),
        lambda: actions.end_seat(actor, "iris"),
        lambda: actions.return_seat(actor, "iris"),
        lambda: actions.create_invitation(actor),
        lambda: actions.change_team(actor, max_members=99),
    ):
        with refused(NotAllowed):
            act()


def test_a_granted_seat_manages_the_team(cast: Cast) -> None:
    actions.change_member(cast.alice, "vera", granted=["manage_team"])
    assert actions.add_member(cast.vera, "ida").left_at is None


def test_the_last_leader_stays_one(cast: Cast) -> None:
    for act in (
        lambda: actions.change_member(cast.alice, "alice", role="member"),
        lambda: actions.change_member(cast.alice, "alice", denied=["manage_team"]),
        lambda: actions.end_seat(cast.alice, "alice"),
    ):
        with refused(Conflict, "last_leader"):
            act()
    actions.change_member(cast.alice, "bob", role="leader", denied=["manage_team"])
    with refused(Conflict, "last_leader"):
        actions.end_seat(cast.alice, "alice")
    actions.change_member(cast.alice, "bob", denied=[])
    actions.change_member(cast.alice, "alice", role="member")
    with refused(Conflict, "last_leader"):
        actions.end_seat(cast.bob, "bob")


def test_everybody_may_leave(cast: Cast, journal: Journal) -> None:
    for who in ("bob", "vera", "hal"):
        actions.end_seat(getattr(cast, who), who)
    assert [m.name for m in cast.team.members.seated()] == ["alice", "iris"]
    assert journal() == ["member.left"] * 3


def test_an_ended_seat_is_not_ended_or_changed_again(cast: Cast) -> None:
    actions.end_seat(cast.alice, "hal")
    with refused(Conflict, "seat_ended"):
        actions.end_seat(cast.alice, "hal")
    with refused(Conflict, "seat_ended"):
        actions.change_member(cast.alice, "hal", role="leader")
    with refused(NotFound, "member_not_found"):
        actions.change_member(cast.alice, "nobody", role="leader")


def test_other_apps_hear_of_an_ended_seat(cast: Cast, monkeypatch: Any) -> None:
    heard: list[tuple[str, str]] = []
    monkeypatch.setattr(endings, "_seats", [lambda a, s: heard.append((a.name, s.name))])
    monkeypatch.setattr(endings, "_teams", [lambda a, t: heard.append((a.name, t.slug))])
    actions.end_seat(cast.alice, "bob")
    assert heard == [("alice", "bob")]
    heard.clear()
    actions.transition_team(cast.alice, "disbanded")
    assert heard == [
        ("alice", "checkout"), ("alice", "alice"), ("alice", "vera"), ("alice", "hal"),
        ("alice", "iris"),
    ]  # fmt: skip


def test_what_another_app_refuses_undoes_the_end(cast: Cast, monkeypatch: Any) -> None:
    def refuse(actor: Member, seat: Member) -> None:
        raise Conflict("Not now.")

    monkeypatch.setattr(endings, "_seats", [refuse])
    with refused(Conflict):
        actions.end_seat(cast.alice, "bob")
    assert Member.objects.get(pk=cast.bob.pk).left_at is None


def staff(name: str, **values: Any) -> User:
    return User.objects.create(username=name, is_staff=True, **values)


def test_staff_who_decides_is_seated_first(cast: Cast, journal: Journal) -> None:
    user = staff("sam")
    with refused(NotAllowed):
        actions.seat_staff(user, cast.team)
    user.user_permissions.add(DjangoPermission.objects.get(codename="decide_plan"))
    user = User.objects.get(pk=user.pk)
    actions.change_team(cast.alice, max_members=5)
    seat = actions.seat_staff(user, cast.team)
    assert (seat.name, seat.role, seat.permissions) == ("sam", "observer", {"decide_plans"})
    assert actions.seat_staff(user, cast.team).pk == seat.pk
    assert journal() == ["team.changed", "member.joined"]
    assert Event.objects.filter(team=cast.team).latest("seq").data["by"] == "admin"


def test_staff_who_left_comes_back_with_that_right_only(cast: Cast) -> None:
    user = staff("sam", is_superuser=True)
    seat = actions.seat_person(cast.team, user, role="leader")
    Member.objects.filter(pk=seat.pk).update(denied=["decide_plans"], granted=["work"])
    actions.end_seat(cast.alice, "sam")
    again = actions.seat_staff(user, cast.team)
    assert again.pk == seat.pk
    assert again.permissions == {"decide_plans"}


def test_staff_who_sits_there_keeps_the_seat(cast: Cast) -> None:
    bob = cast.people["bob"]
    assert actions.seat_staff(bob, cast.team).role == "member"
