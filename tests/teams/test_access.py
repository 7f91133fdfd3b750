"""From credentials to a seat."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from apps.core.errors import NotFound
from apps.teams import actions
from apps.teams.access import Unauthorized, mark_seen, seat_of, seat_of_token, system_seat
from apps.teams.models import Member, Token
from tests.conftest import Cast, make_cast


def test_a_person_finds_their_seat(cast: Cast, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        seat = seat_of(cast.people["bob"], "checkout")
        assert (seat.name, seat.team.slug) == ("bob", "checkout")


def test_a_stranger_is_told_what_an_unknown_address_tells(cast: Cast) -> None:
    with pytest.raises(NotFound) as stranger:
        seat_of(cast.mallory, "checkout")
    with pytest.raises(NotFound) as unknown:
        seat_of(cast.mallory, "nowhere")
    assert stranger.value.as_dict() == unknown.value.as_dict()


def test_an_ended_seat_is_a_stranger_s(cast: Cast) -> None:
    actions.end_seat(cast.alice, "bob")
    with pytest.raises(NotFound):
        seat_of(cast.people["bob"], "checkout")


def test_nobody_is_a_stranger(cast: Cast) -> None:
    with pytest.raises((NotFound, TypeError)):
        seat_of(AnonymousUser(), "checkout")


def test_a_token_is_a_seat(cast: Cast, django_assert_num_queries: Any) -> None:
    token, secret = actions.create_token(cast.alice, "hal")
    with django_assert_num_queries(1):
        member, found = seat_of_token(f" {secret}\n")
        assert (member.name, member.team.slug) == ("hal", "checkout")
    assert found == token


@pytest.mark.parametrize("secret", ["", "at_", "at_wrong", "é" * 40, "\0"])
def test_an_unknown_token(secret: str, db: None) -> None:
    with pytest.raises(Unauthorized) as info:
        seat_of_token(secret)
    assert (info.value.status, info.value.code) == (401, "unauthorized")


def test_a_token_in_other_letters_is_unknown(cast: Cast) -> None:
    _, secret = actions.create_token(cast.alice, "hal")
    with pytest.raises(Unauthorized):
        seat_of_token(secret.swapcase())


def test_each_reason_that_a_token_is_over(cast: Cast) -> None:
    token, secret = actions.create_token(cast.alice, "hal")

    def reason() -> str:
        with pytest.raises(Unauthorized) as info:
            seat_of_token(secret)
        assert info.value.message
        return info.value.code

    Member.objects.filter(pk=cast.hal.pk).update(left_at=timezone.now())
    assert reason() == "seat_ended"
    Token.objects.filter(pk=token.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert reason() == "token_expired"
    actions.revoke_token(cast.alice, token.pk)
    assert reason() == "token_revoked"


def test_a_switched_off_account_has_no_keys(cast: Cast) -> None:
    _, secret = actions.create_token(cast.bob, "bob")
    assert seat_of_token(secret)[0] == cast.bob
    cast.people["bob"].is_active = False
    cast.people["bob"].save(update_fields=["is_active"])
    with pytest.raises(Unauthorized) as info:
        seat_of_token(secret)
    assert info.value.code == "account_off"


def test_one_hidden_seat_a_team_for_the_system(cast: Cast) -> None:
    seat = system_seat(cast.team)
    assert system_seat(cast.team) == seat
    assert system_seat(make_cast("payment").team) != seat
    assert seat not in cast.team.members.seated()
    assert seat.can("manage_team")


def test_being_seen_is_written_twice_a_minute_at_most(
    cast: Cast, django_assert_num_queries: Any
) -> None:
    assert mark_seen(cast.hal)
    with django_assert_num_queries(0):
        assert not mark_seen(cast.hal)
    assert cast.hal.last_seen_at is not None
    cast.hal.last_seen_at -= timedelta(seconds=30)
    assert mark_seen(cast.hal)
    assert Member.objects.get(pk=cast.hal.pk).last_seen_at == cast.hal.last_seen_at
