"""Many at once: real threads, real transactions, on the database that the tests run on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier
from typing import Any, TypeVar

import pytest
from django.db import connection

from apps.core.errors import Conflict, DomainError
from apps.messaging.actions import (
    answer_shutdown,
    mark_read,
    open_discussion,
    request_shutdown,
    send_message,
    take_turn,
)
from apps.messaging.inbox import inbox, unread_count
from apps.messaging.models import Delivery, Message, Turn
from apps.teams.models import Event, Member, Team
from tests.conftest import Cast, make_cast

T = TypeVar("T")
AT_ONCE = 8


@pytest.fixture
def crowd(transactional_db: None) -> Cast:
    return make_cast()


def again(member: Member) -> Member:
    """The same seat as another request would load it."""
    return Member.objects.select_related("team").get(pk=member.pk)


@contextmanager
def own_connection() -> Iterator[None]:
    try:
        yield
    finally:
        connection.close()


def together(work: Callable[[int], T], times: int = AT_ONCE) -> list[T | DomainError]:
    """What `work(0)`, `work(1)` … gave or refused, begun at the same moment."""
    gate = Barrier(times)

    def one(number: int) -> T | DomainError:
        with own_connection():
            gate.wait(10)
            try:
                return work(number)
            except DomainError as error:
                return error

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(one, range(times)))


def gapless(team: Team) -> bool:
    seqs = list(Event.objects.filter(team=team).order_by("seq").values_list("seq", flat=True))
    return seqs == list(range(1, Team.objects.get(pk=team.pk).seq + 1))


def test_one_message_id_sent_by_many_at_once_is_one_message(crowd: Cast) -> None:
    sent = together(
        lambda _: send_message(again(crowd.hal), to=["bob"], body="Once.", message_id="m-1")
    )
    assert {message.pk for message in sent if isinstance(message, Message)} == {
        Message.objects.get().pk
    }
    assert len(sent) == AT_ONCE
    assert Event.objects.filter(kind="message.sent").count() == Delivery.objects.count() == 1


def test_of_different_texts_under_one_message_id_one_is_sent(crowd: Cast) -> None:
    sent = together(
        lambda n: send_message(again(crowd.hal), to=["bob"], body=f"{n}", message_id="m-1")
    )
    refused = [one for one in sent if isinstance(one, Conflict)]
    assert len(refused) == AT_ONCE - 1
    assert {one.code for one in refused} == {"message_id_conflict"}
    assert Message.objects.count() == 1


def test_nothing_is_lost_and_each_senders_order_is_kept(crowd: Cast) -> None:
    names = ("alice", "bob", "hal", "iris")

    def talk(number: int) -> None:
        sender = again(getattr(crowd, names[number % len(names)]))
        for turn in range(10):
            send_message(sender, to=["alice"], body=f"{number}:{turn}")

    together(talk)
    said = [copy.message.body for copy in inbox(crowd.alice, limit=200).items]
    assert len(said) == len(set(said)) == AT_ONCE * 10
    for number in range(AT_ONCE):
        mine = [body for body in said if body.startswith(f"{number}:")]
        assert mine == [f"{number}:{turn}" for turn in range(10)]
    assert unread_count(crowd.alice) == AT_ONCE * 10
    assert gapless(crowd.team)


def test_readers_at_once_mark_each_message_once(crowd: Cast) -> None:
    ids = [send_message(crowd.alice, to=["hal"], body=f"{i}").pk for i in range(20)]
    marked: list[Any] = together(lambda _: mark_read(again(crowd.hal), ids))
    assert sorted(pk for some in marked for pk in some) == ids
    assert Event.objects.filter(kind="message.read").count() == 1
    assert unread_count(crowd.hal) == 0


def test_a_shutdown_is_answered_once(crowd: Cast) -> None:
    request = request_shutdown(crowd.alice, "hal")
    answers = together(lambda n: answer_shutdown(again(crowd.hal), request.pk, approve=bool(n % 2)))
    assert sum(isinstance(one, Message) for one in answers) == 1
    assert request.replies.count() == 1


def test_turns_at_once_get_different_numbers_up_to_the_last(crowd: Cast) -> None:
    talk = open_discussion(crowd.alice, "T", ["hal", "iris"], max_rounds=5)
    speakers = (crowd.hal, crowd.iris)
    turns = together(lambda n: take_turn(again(speakers[n % 2]), talk.pk, f"{n}"))
    assert sorted(one.number for one in turns if isinstance(one, Turn)) == [1, 2, 3, 4, 5]
    assert sum(isinstance(one, Conflict) for one in turns) == AT_ONCE - 5
    assert Event.objects.filter(kind="discussion.turn").count() == 5


def test_a_fifth_reply_by_many_at_once_suggests_one_discussion(crowd: Cast) -> None:
    first = send_message(crowd.hal, to=["iris"], body="Tabs?")
    together(lambda _: send_message(again(crowd.iris), to=["hal"], body="No.", reply_to=first.pk))
    assert Message.objects.filter(kind="system_notification").count() == 1
    assert gapless(crowd.team)


def test_readers_and_repliers_do_not_lock_each_other_out(crowd: Cast) -> None:
    ids = [send_message(crowd.alice, to=["hal"], body=f"{i}").pk for i in range(AT_ONCE)]

    def work(number: int) -> object:
        if number % 2:
            return mark_read(again(crowd.hal), ids)
        return send_message(again(crowd.hal), body="Yes.", reply_to=ids[number])

    assert not [one for one in together(work) if isinstance(one, DomainError)]
    assert unread_count(crowd.hal) == 0
