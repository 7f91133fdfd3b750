"""The life of a team: which state follows which, and what each of them allows."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone

from apps.core.errors import Conflict, NotAllowed, NotFound
from apps.messaging.actions import open_discussion
from apps.tasks import actions as tasks
from apps.tasks.models import Comment, Task
from apps.teams import actions
from apps.teams.access import Unauthorized, seat_of, seat_of_token
from apps.teams.lifecycle import ALLOWED, MOVES, Allows, State, verb
from apps.teams.models import Artifact, Event, Member, Team
from tests.conftest import Cast, make_cast
from tests.refusing import refused

LEADS_TO = {
    "forming": {"active", "disbanded"},
    "active": {"paused", "completed", "archived", "disbanded"},
    "paused": {"active", "completed", "archived", "disbanded"},
    "completed": {"active", "archived"},
    "archived": {"completed"},
    "disbanded": set(),
}
PAIRS = list(product(LEADS_TO, LEADS_TO))


def put(team: Team, state: str) -> None:
    """The team in `state`, however it got there."""
    Team.objects.filter(pk=team.pk).update(state=state, state_changed_at=timezone.now())


@pytest.mark.parametrize(("now", "to"), PAIRS)
def test_every_pair_of_states(now: str, to: str, cast: Cast, journal: Callable[[], Any]) -> None:
    put(cast.team, now)
    if to == now:
        assert actions.transition_team(cast.alice, to).state == now
        assert journal() == []
    elif to in LEADS_TO[now]:
        assert actions.transition_team(cast.alice, to).state == to
        assert journal()[0] == "team.moved"
        moved = Event.objects.filter(team=cast.team, kind="team.moved").latest("seq")
        assert moved.data == {"from": now, "to": to}
    else:
        with refused(Conflict, "wrong_state") as info:
            actions.transition_team(cast.alice, to)
        assert now in info.value.message
        assert to in info.value.message
    expected = to if to in LEADS_TO[now] else now
    assert Team.objects.get(pk=cast.team.pk).state == expected


def test_the_table_is_the_contract() -> None:
    assert {now.value: {to.value for to in MOVES[now]} for now in State} == LEADS_TO


@pytest.mark.parametrize("now", State)
def test_the_buttons_are_the_table(now: State) -> None:
    offered = Team(state=now).next_states()
    assert {to for to, _ in offered} == MOVES[now]
    assert all(word == verb(now, to) and word[0].isupper() for to, word in offered)


def test_a_refusal_says_where_it_can_go(cast: Cast) -> None:
    put(cast.team, "completed")
    with refused(Conflict, "wrong_state") as info:
        actions.transition_team(cast.alice, "paused")
    assert info.value.message == "A team that is completed cannot become paused."
    assert info.value.hint == "From completed it can go to: active, archived."
    put(cast.team, "disbanded")
    with refused(Conflict, "wrong_state") as info:
        actions.transition_team(cast.alice, "active")
    assert info.value.hint.endswith("nowhere.")


def test_an_unknown_state_is_refused(alice: Member) -> None:
    with refused(Conflict, "wrong_state") as info:
        actions.transition_team(alice, "asleep")
    assert "asleep" in info.value.message


@pytest.mark.parametrize("who", ["bob", "vera", "hal"])
def test_only_who_manages_the_team_moves_it(who: str, cast: Cast) -> None:
    with refused(NotAllowed):
        actions.transition_team(getattr(cast, who), "paused")


def test_a_superuser_moves_a_team_they_only_observe(cast: Cast) -> None:
    cast.people["vera"].is_superuser = True
    cast.people["vera"].save(update_fields=["is_superuser"])
    vera = Member.objects.get(pk=cast.vera.pk)
    assert actions.transition_team(vera, "paused").state == "paused"


def test_activation_needs_a_leader(db: None) -> None:
    cast = make_cast(active=False)
    cast.team.members.filter(pk=cast.alice.pk).update(role="member", granted=["manage_team"])
    with refused(Conflict, "leader_missing"):
        actions.transition_team(cast.alice, "active")
    cast.team.members.filter(pk=cast.bob.pk).update(role="leader", left_at=timezone.now())
    with refused(Conflict, "leader_missing"):
        actions.transition_team(cast.alice, "active")
    actions.change_member(cast.alice, "iris", role="leader")
    assert actions.transition_team(cast.alice, "active").state == "active"


ALLOWS = {
    "forming": {"members", "tasks", "messages", "sessions"},
    "active": {"members", "tasks", "work", "messages", "sessions", "plans", "decisions"},
    "paused": {"members", "tasks", "messages", "sessions", "decisions"},
    "completed": {"messages", "sessions"},
    "archived": set[str](),
    "disbanded": set[str](),
}
DOING: list[tuple[str, str, Callable[[Cast], Any]]] = [
    ("members", "add a member", lambda c: actions.add_member(c.alice, "ida")),
    ("members", "change a member", lambda c: actions.change_member(c.alice, "hal", color="red")),
    ("members", "end a seat", lambda c: actions.end_seat(c.alice, "iris")),
    ("members", "leave", lambda c: actions.end_seat(c.bob, "bob")),
    ("members", "return a seat", lambda c: actions.return_seat(c.alice, "old")),
    ("members", "invite", lambda c: actions.create_invitation(c.alice)),
    ("members", "make a token", lambda c: actions.create_token(c.alice, "hal")),
    ("members", "change a setting", lambda c: actions.change_team(c.alice, description="New.")),
    ("tasks", "create", lambda c: tasks.create_task(c.alice, "Another")),
    ("tasks", "edit", lambda c: tasks.edit_task(c.alice, 1, subject="Other")),
    ("tasks", "add a dependency", lambda c: tasks.add_blocker(c.alice, 2, 1)),
    ("tasks", "remove a dependency", lambda c: tasks.remove_blocker(c.alice, 3, 1)),
    ("tasks", "relate", lambda c: tasks.relate(c.alice, 1, 2)),
    ("tasks", "order", lambda c: tasks.position_task(c.alice, 1, before=3)),
    ("tasks", "delete", lambda c: tasks.delete_task(c.alice, 1)),
    ("tasks", "restore", lambda c: tasks.restore_task(c.alice, 4)),
    ("tasks", "release", lambda c: tasks.release_task(c.alice, 5)),
    ("work", "claim", lambda c: tasks.claim_task(c.iris, 1)),
    ("work", "claim the next", lambda c: tasks.claim_next(c.iris)),
    ("work", "start", lambda c: tasks.start_task(c.alice, 1)),
    ("work", "complete", lambda c: tasks.complete_task(c.alice, 2)),
    ("messages", "comment", lambda c: tasks.comment(c.bob, 1, "Seen.")),
    ("messages", "ask", lambda c: tasks.ask(c.alice, 2, "Which one?")),
    ("messages", "answer", lambda c: tasks.answer(c.alice, 3, "The first.")),
    ("sessions", "start a session", lambda c: actions.start_session(c.hal)),
]


def stage(cast: Cast) -> None:
    """#1 is free, #2 and #5 run, #3 waits for #1 and asks, #4 is in the trash; `old` has left."""
    for subject in ("Free", "Running", "Waiting", "Gone", "Running too"):
        tasks.create_task(cast.alice, subject)
    tasks.claim_task(cast.hal, 2)
    tasks.claim_task(cast.hal, 5)
    tasks.add_blocker(cast.alice, 3, 1)
    tasks.ask(cast.alice, 3, "Which one?")
    tasks.delete_task(cast.alice, 4)
    actions.add_member(cast.alice, "old")
    actions.end_seat(cast.alice, "old")


@pytest.mark.parametrize("state", LEADS_TO)
@pytest.mark.parametrize(("kind", "doing"), [row[:2] for row in DOING], ids=[r[1] for r in DOING])
def test_what_a_state_allows(state: str, kind: str, doing: str, cast: Cast) -> None:
    act = next(row[2] for row in DOING if row[1] == doing)
    stage(cast)
    put(cast.team, state)
    seq = Team.objects.get(pk=cast.team.pk).seq
    if kind in ALLOWS[state]:
        act(cast)
        assert Team.objects.get(pk=cast.team.pk).seq > seq
        return
    with refused(Conflict, "team_not_active") as info:
        act(cast)
    assert info.value.message.startswith(f"The team is {state}. It takes no ")
    assert info.value.hint
    assert info.value.details["state"] == state


@pytest.mark.parametrize("state", State)
def test_the_allowances_are_the_contract(state: State) -> None:
    assert {what.value for what in ALLOWED[state]} == ALLOWS[state]
    team = Team(state=state)
    assert {what.value for what in Allows if team.allows(what)} == ALLOWS[state]
    assert team.is_readonly == (not ALLOWS[state])


def test_ended_keys_are_withdrawn_in_any_state(cast: Cast) -> None:
    token, _ = actions.create_token(cast.alice, "hal")
    invitation, _ = actions.create_invitation(cast.alice)
    put(cast.team, "archived")
    assert actions.revoke_token(cast.alice, token.pk).revoked_at is not None
    assert actions.revoke_invitation(cast.alice, invitation.pk).revoked_at is not None


def disbanded(cast: Cast) -> Team:
    stage(cast)
    return actions.transition_team(cast.alice, "disbanded")


def test_disbanding_ends_seats_keys_and_sessions(cast: Cast) -> None:
    _, secret = actions.create_token(cast.alice, "hal")
    invitation, link = actions.create_invitation(cast.alice)
    session = actions.start_session(cast.hal)
    team = disbanded(cast)
    assert not team.members.seated().exists()
    for member in (cast.hal, cast.bob):
        member.refresh_from_db()
        assert member.left_at == team.state_changed_at
    with pytest.raises(Unauthorized):
        seat_of_token(secret)
    invitation.refresh_from_db()
    assert not invitation.is_live
    with refused(Conflict, "invitation_over"):
        actions.accept_invitation(link, cast.mallory)
    session.refresh_from_db()
    assert session.ended_at == team.state_changed_at


def test_disbanding_lets_go_of_the_tasks(cast: Cast, journal: Callable[[], list[str]]) -> None:
    stage(cast)
    tasks.edit_task(cast.alice, 1, owner="iris")
    team = actions.transition_team(cast.alice, "disbanded")
    left = team.tasks.exclude(status="deleted")
    assert left.filter(status="pending", owner=None).count() == left.count() == 4
    kinds = journal()
    last = kinds[kinds.index("team.moved") :]
    assert last == ["team.moved", "task.released", "task.released", "task.edited"]
    released = Event.objects.filter(team=team, kind="task.released").latest("seq")
    assert released.data["note"] == "The team was disbanded."
    assert released.actor == cast.alice


def test_disbanding_closes_the_discussions(cast: Cast) -> None:
    discussion = open_discussion(cast.alice, "Which one?", ["hal", "iris"])
    disbanded(cast)
    discussion.refresh_from_db()
    assert discussion.state == "cancelled"
    assert discussion.ended_at is not None


def test_a_disbanded_team_stays_readable_for_who_sat_in_it_to_the_end(cast: Cast) -> None:
    actions.end_seat(cast.alice, "bob")
    team = disbanded(cast)
    assert seat_of(cast.people["alice"], team.address).team == team
    assert team in Team.objects.visible_to(cast.people["vera"])
    assert team not in Team.objects.visible_to(cast.people["bob"])
    with pytest.raises(NotFound):
        seat_of(cast.people["bob"], team.address)
    with pytest.raises(NotFound):
        seat_of(cast.mallory, team.address)


def test_the_slug_of_a_disbanded_team_is_free(cast: Cast) -> None:
    with refused(Conflict, "slug_taken"):
        actions.create_team(cast.mallory, "checkout")
    old = disbanded(cast)
    new = actions.create_team(cast.mallory, "checkout")
    assert Team.objects.at("checkout") == new
    assert Team.objects.at(f"checkout~{old.pk}") == old
    assert old.address == f"checkout~{old.pk}"
    assert new.address == "checkout"
    assert seat_of(cast.people["alice"], old.address).team == old
    with pytest.raises(NotFound):
        seat_of(cast.people["alice"], "checkout")


@pytest.mark.parametrize("address", ["nowhere", "checkout~", "checkout~0", "checkout~x", "~1"])
def test_an_address_that_leads_nowhere(address: str, cast: Cast) -> None:
    if address == "checkout~":
        assert Team.objects.at(address) == cast.team
        return
    with pytest.raises(NotFound):
        Team.objects.at(address)


@pytest.mark.parametrize("state", [s for s in LEADS_TO if s != "disbanded"])
def test_only_a_disbanded_team_is_deleted(state: str, cast: Cast) -> None:
    put(cast.team, state)
    with refused(Conflict, "wrong_state") as info:
        actions.delete_team(cast.team)
    assert state in info.value.message
    assert Team.objects.filter(pk=cast.team.pk).exists()


def test_deleting_takes_everything_along(
    cast: Cast, settings: Any, tmp_path: Path, django_capture_on_commit_callbacks: Any
) -> None:
    settings.MEDIA_ROOT = tmp_path
    Artifact.objects.create(
        team=cast.team, name="plan.md", content=ContentFile(b"steps", name="plan.md")
    )
    assert [path for path in tmp_path.rglob("*") if path.is_file()]
    tasks.create_task(cast.alice, "Commented", owner="hal")
    tasks.comment(cast.bob, 1, "Seen.")
    team = disbanded(cast)
    with django_capture_on_commit_callbacks(execute=True):
        actions.delete_team(team)
    assert not Team.objects.filter(pk=team.pk).exists()
    for model in (Member, Event, Task, Comment, Artifact):
        assert not model.objects.exists()
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_an_action_after_the_deletion_finds_nothing(cast: Cast) -> None:
    actions.delete_team(disbanded(cast))
    with pytest.raises(NotFound):
        actions.change_team(cast.alice, description="Too late.")
