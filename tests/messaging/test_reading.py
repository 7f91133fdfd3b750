from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from apps.messaging.actions import (
    archive,
    clear_inbox,
    deliver,
    mark_all_read,
    mark_read,
    send_message,
    unarchive,
)
from apps.messaging.inbox import inbox, unread_count
from apps.messaging.models import Delivery, Message
from apps.teams.actions import transition_team
from apps.teams.models import Event, Member
from tests.conftest import Cast


@pytest.fixture
def three(cast: Cast) -> list[Message]:
    return [send_message(cast.alice, to=["hal", "iris"], body=f"{i}") for i in range(3)]


def copies(member: Member) -> list[Delivery]:
    return list(Delivery.objects.filter(recipient=member).order_by("pk"))


def last(cast: Cast) -> dict[str, Any]:
    return Event.objects.filter(team=cast.team).latest("seq").data


def test_marking_read_is_for_oneself_and_is_journalled_once(
    cast: Cast, three: list[Message], journal: Callable[[], list[str]]
) -> None:
    ids = [message.pk for message in three]
    cast.hal.via = "rest"
    assert mark_read(cast.hal, ids[:2]) == ids[:2]
    assert journal() == ["message.read"]
    assert last(cast) == {"count": 2, "messages": ids[:2], "threads": ids[:2]}
    assert [copy.step for copy in copies(cast.hal)] == ["read", "read", "sent"]
    assert [copy.via for copy in copies(cast.hal)] == ["rest", "rest", ""]
    assert unread_count(cast.hal) == 1
    assert unread_count(cast.iris) == 3


def test_marking_twice_keeps_the_first_time(cast: Cast, three: list[Message]) -> None:
    mark_read(cast.hal, three[0].pk)
    first = copies(cast.hal)[0].read_at
    assert mark_read(cast.hal, three[0].pk) == []
    assert copies(cast.hal)[0].read_at == first


@pytest.mark.parametrize("ids", [10**9, 2**70, -1, 0, [], [10**9, -3]])
def test_marking_what_one_never_got_does_nothing(
    cast: Cast, three: list[Message], journal: Callable[[], list[str]], ids: Any
) -> None:
    assert mark_read(cast.hal, ids) == []
    assert mark_read(cast.bob, three[0].pk) == []
    assert journal() == []


def test_mark_all_read_up_to_what_was_seen(cast: Cast, three: list[Message]) -> None:
    assert mark_all_read(cast.hal, upto=three[1].pk) == 2
    assert unread_count(cast.hal) == 1
    assert mark_all_read(cast.hal) == 1
    assert mark_all_read(cast.hal) == 0


def test_a_large_reading_is_counted_and_not_listed_in_the_journal(cast: Cast) -> None:
    for number in range(201):
        send_message(cast.alice, to=["hal"], body=f"{number}")
    assert mark_all_read(cast.hal) == 201
    assert last(cast) == {"count": 201}


def test_handing_over_is_stamped_once_with_its_door(
    cast: Cast, three: list[Message], journal: Callable[[], list[str]]
) -> None:
    page, cast.hal.via = inbox(cast.hal), "mcp"
    deliver(cast.hal, page.items)
    assert [copy.via for copy in page.items] == ["mcp"] * 3
    first = [copy.delivered_at for copy in copies(cast.hal)]
    cast.hal.via = "rest"
    deliver(cast.hal, inbox(cast.hal).items)
    assert [copy.delivered_at for copy in copies(cast.hal)] == first
    assert [copy.step for copy in copies(cast.hal)] == ["delivered"] * 3
    assert unread_count(cast.hal) == 3
    assert journal() == ["message.delivered"]
    ids = [message.pk for message in three]
    assert last(cast) == {"via": "mcp", "count": 3, "messages": ids, "threads": ids}


def test_handing_over_what_was_handed_over_asks_the_database_nothing(
    cast: Cast, three: list[Message], django_assert_num_queries: Any
) -> None:
    deliver(cast.hal, inbox(cast.hal).items)
    items = inbox(cast.hal).items
    with django_assert_num_queries(0):
        deliver(cast.hal, items)


def test_nobody_hands_over_the_copies_of_others(cast: Cast, three: list[Message]) -> None:
    deliver(cast.iris, inbox(cast.hal).items)
    assert {copy.delivered_at for copy in copies(cast.hal)} == {None}


def test_archiving_puts_away_and_unarchiving_brings_back(
    cast: Cast, three: list[Message], journal: Callable[[], list[str]]
) -> None:
    ids = [message.pk for message in three]
    assert archive(cast.hal, ids[0]) == [ids[0]]
    assert [m.pk for m in inbox(cast.hal).messages] == ids[1:]
    assert [m.pk for m in inbox(cast.hal, archived=True).messages] == ids[:1]
    assert unread_count(cast.hal) == 2
    assert unarchive(cast.hal, [ids[0]]) == [ids[0]]
    assert unread_count(cast.hal) == 3
    assert archive(cast.bob, ids) == unarchive(cast.hal, ids) == []
    assert journal() == ["message.archived", "message.archived"]


def test_clearing_archives_everything_and_destroys_nothing(
    cast: Cast, three: list[Message]
) -> None:
    assert clear_inbox(cast.hal) == 3
    assert inbox(cast.hal).items == []
    assert len(inbox(cast.hal, archived=True).items) == 3
    assert clear_inbox(cast.hal) == 0
    assert len(inbox(cast.iris).items) == 3


def test_an_archived_team_is_read_without_a_trace(cast: Cast, three: list[Message]) -> None:
    transition_team(cast.alice, "archived")
    for member in (cast.hal, cast.iris):
        member.team.refresh_from_db()
    deliver(cast.hal, inbox(cast.hal).items)
    assert mark_read(cast.hal, three[0].pk) == archive(cast.hal, three[0].pk) == []
    assert mark_all_read(cast.hal) == clear_inbox(cast.hal) == 0
    assert [copy.step for copy in copies(cast.hal)] == ["sent"] * 3
