"""Links that seat whoever opens them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.core.errors import Conflict, Invalid, NotFound
from apps.teams import actions
from apps.teams.models import Event, Invitation
from tests.conftest import Cast, make_cast, person
from tests.refusing import refused

Journal = Callable[[], list[str]]


def test_an_invitation_seats_a_stranger_once(cast: Cast, journal: Journal) -> None:
    invitation, link = actions.create_invitation(cast.alice, role="observer")
    assert link.startswith("join-")
    seat = actions.accept_invitation(link, cast.mallory)
    assert (seat.name, seat.kind, seat.role, seat.user) == (
        "mallory", "human", "observer", cast.mallory,
    )  # fmt: skip
    with refused(Conflict, "invitation_over") as info:
        actions.accept_invitation(link, person("ida"))
    assert info.value.message == "This invitation has been used up."
    assert journal() == ["team.changed", "member.joined"]
    event = Event.objects.filter(team=cast.team).latest("seq")
    assert (event.actor, event.data["by"]) == (seat, "invitation")
    invitation.refresh_from_db()
    assert (invitation.uses, invitation.is_live) == (1, False)


def test_who_sits_there_uses_nothing_up(cast: Cast, journal: Journal) -> None:
    invitation, link = actions.create_invitation(cast.alice, role="observer")
    assert actions.accept_invitation(link, cast.people["bob"]) == cast.bob
    invitation.refresh_from_db()
    assert invitation.uses == 0
    cast.bob.refresh_from_db()
    assert cast.bob.role == "member"
    assert journal() == ["team.changed"]


def test_opening_a_used_up_link_again_leads_to_the_seat(cast: Cast) -> None:
    _, link = actions.create_invitation(cast.alice)
    seat = actions.accept_invitation(link, cast.mallory)
    assert actions.accept_invitation(link, cast.mallory) == seat


def test_a_link_for_several(cast: Cast) -> None:
    _, link = actions.create_invitation(cast.alice, max_uses=2)
    for name in ("ida", "ivo"):
        actions.accept_invitation(link, person(name))
    with refused(Conflict, "invitation_over"):
        actions.accept_invitation(link, person("iva"))


def test_a_full_team_does_not_use_the_link_up(cast: Cast) -> None:
    actions.change_team(cast.alice, max_members=5)
    invitation, link = actions.create_invitation(cast.alice)
    with refused(Conflict, "team_full"):
        actions.accept_invitation(link, cast.mallory)
    invitation.refresh_from_db()
    assert invitation.is_live


def test_an_expired_link(cast: Cast) -> None:
    invitation, link = actions.create_invitation(cast.alice, days=1)
    past = timezone.now() - timedelta(seconds=1)
    Invitation.objects.filter(pk=invitation.pk).update(expires_at=past)
    with refused(Conflict, "invitation_over") as info:
        actions.accept_invitation(link, cast.mallory)
    assert info.value.message == "This invitation has expired."


def test_a_withdrawn_link(cast: Cast, journal: Journal) -> None:
    invitation, link = actions.create_invitation(cast.alice)
    actions.revoke_invitation(cast.alice, invitation.pk)
    actions.revoke_invitation(cast.alice, invitation.pk)
    with refused(Conflict, "invitation_over") as info:
        actions.accept_invitation(link, cast.mallory)
    assert info.value.message == "This invitation was withdrawn."
    assert journal() == ["team.changed", "team.changed"]


def test_an_unknown_link(cast: Cast) -> None:
    with refused(NotFound, "invitation_not_found"):
        actions.accept_invitation("join-nothing", cast.mallory)
    with refused(NotFound, "invitation_not_found"):
        actions.revoke_invitation(cast.alice, 0)


def test_another_team_s_invitation_is_not_found(cast: Cast) -> None:
    other = make_cast("payment")
    invitation, _ = actions.create_invitation(other.alice)
    with refused(NotFound, "invitation_not_found"):
        actions.revoke_invitation(cast.alice, invitation.pk)


@pytest.mark.parametrize(
    ("field", "value"),
    [("role", "boss"), ("days", 0), ("days", 91), ("max_uses", 0), ("max_uses", 101)],
)
def test_values_that_no_invitation_has(field: str, value: Any, cast: Cast) -> None:
    with refused(Invalid) as info:
        actions.create_invitation(cast.alice, **{field: value})
    assert set(info.value.fields) == {field}


def test_the_database_counts_too(cast: Cast) -> None:
    invitation, _ = actions.create_invitation(cast.alice)
    with pytest.raises(IntegrityError), transaction.atomic():
        Invitation.objects.filter(pk=invitation.pk).update(uses=2)
