"""Keys of members: shown once, kept as a digest, ended at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from apps.core.errors import Conflict, Invalid, NotAllowed, NotFound
from apps.teams import actions
from apps.teams.access import system_seat
from apps.teams.models import Event, Token
from apps.teams.models.credentials import digest
from tests.conftest import Cast, make_cast
from tests.refusing import refused

Journal = Callable[[], list[str]]


def test_a_token_is_shown_once_and_kept_as_a_digest(cast: Cast, journal: Journal) -> None:
    token, secret = actions.create_token(cast.alice, "HAL", label="laptop")
    token.refresh_from_db()
    assert (token.member, token.name, token.created_by) == (cast.hal, "laptop", cast.alice)
    assert secret.startswith("at_")
    assert len(secret) >= 45
    assert token.digest == digest(secret)
    assert secret.startswith(token.prefix)
    assert len(token.prefix) < 12
    assert secret not in str(list(Token.objects.values()))
    assert secret not in str(list(Event.objects.values()))
    assert journal() == ["member.changed"]
    assert Event.objects.filter(team=cast.team).latest("seq").data["changed"] == ["tokens"]


def test_no_two_tokens_are_alike(cast: Cast) -> None:
    secrets = {actions.create_token(cast.alice, "hal")[1] for _ in range(5)}
    assert len(secrets) == 5


def test_a_person_makes_their_own_and_nobody_else_s(cast: Cast) -> None:
    assert actions.create_token(cast.vera, "vera")[0].member == cast.vera
    with refused(NotAllowed):
        actions.create_token(cast.bob, "hal")
    with refused(NotAllowed) as info:
        actions.create_token(cast.alice, "bob")  # it would let Alice act as Bob
    assert "Only bob" in info.value.message


def test_an_agent_makes_no_keys_for_itself(cast: Cast) -> None:
    with refused(NotAllowed):
        actions.create_token(cast.hal, "hal")


def test_the_operator_makes_them_for_anybody(cast: Cast) -> None:
    system = system_seat(cast.team)
    for name in ("alice", "bob", "hal"):
        assert actions.create_token(system, name)[0].member.name == name


def test_an_ended_seat_gets_no_token(cast: Cast) -> None:
    actions.end_seat(cast.alice, "hal")
    with refused(NotFound, "member_not_found"):
        actions.create_token(cast.alice, "hal")


def test_a_token_that_has_expired_already_is_refused(cast: Cast) -> None:
    with refused(Invalid) as info:
        actions.create_token(cast.alice, "hal", expires_at=timezone.now())
    assert set(info.value.fields) == {"expires_at"}


def test_revoking(cast: Cast, journal: Journal) -> None:
    token, _ = actions.create_token(cast.alice, "hal")
    assert token.is_live
    assert not actions.revoke_token(cast.alice, token.pk).is_live
    actions.revoke_token(cast.alice, token.pk)
    assert journal() == ["member.changed", "member.changed"]


def test_who_may_revoke(cast: Cast) -> None:
    own, _ = actions.create_token(cast.bob, "bob")
    agents, _ = actions.create_token(cast.alice, "hal")
    with refused(NotAllowed):
        actions.revoke_token(cast.bob, agents.pk)
    actions.revoke_token(cast.bob, own.pk)
    actions.revoke_token(cast.hal, agents.pk)
    persons, _ = actions.create_token(cast.bob, "bob")
    assert actions.revoke_token(cast.alice, persons.pk).revoked_at is not None


def test_another_team_s_token_is_not_found(cast: Cast) -> None:
    other = make_cast("payment")
    token, _ = actions.create_token(other.alice, "hal")
    with refused(NotFound, "token_not_found"):
        actions.revoke_token(cast.alice, token.pk)


def test_ending_a_seat_revokes_its_tokens_for_good(cast: Cast) -> None:
    token, _ = actions.create_token(cast.alice, "hal")
    actions.end_seat(cast.alice, "hal")
    actions.add_member(cast.alice, "hal")
    token.refresh_from_db()
    assert not token.is_live


def test_a_token_ends_with_its_time() -> None:
    now = timezone.now()
    token = Token(expires_at=now)
    assert token.has_expired(now)
    assert not token.has_expired(now - timedelta(seconds=1))
    assert not Token().has_expired(now)


@pytest.mark.parametrize("state", ["completed", "archived"])
def test_a_closed_team_gives_no_new_keys(state: str, cast: Cast) -> None:
    actions.transition_team(cast.alice, state)
    with refused(Conflict, "team_not_active"):
        actions.create_token(cast.alice, "hal")
