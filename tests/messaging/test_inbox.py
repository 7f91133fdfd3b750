from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from apps.core.errors import Invalid, NotFound
from apps.messaging.actions import deliver, mark_read, send_message
from apps.messaging.inbox import (
    came_to,
    deliveries,
    get,
    inbox,
    of_team,
    search,
    sent,
    thread,
    unread_count,
    unread_for_user,
)
from apps.messaging.models import Delivery, Message
from apps.messaging.shapes import as_dict
from apps.teams.actions import end_seat, seat_person
from apps.teams.models import Member
from tests.conftest import Cast, make_cast


def fill(sender: Member, recipient: Member, number: int, **values: Any) -> None:
    """Many messages at once, as years of use would leave them."""
    first = Message.objects.count()
    Message.objects.bulk_create(
        Message(team_id=sender.team_id, sender=sender, message_id=f"old-{first + i}", body=f"{i}")
        for i in range(number)
    )
    messages = Message.objects.filter(message_id__startswith="old-").order_by("-pk")[:number]
    Delivery.objects.bulk_create(
        Delivery(message=message, recipient=recipient, **values) for message in reversed(messages)
    )


def numbers(page: Any) -> list[str]:
    return [message.body for message in getattr(page, "messages", page.items)]


def test_an_inbox_nobody_wrote_to_is_empty(cast: Cast) -> None:
    page = inbox(cast.hal)
    assert (page.items, page.next) == ([], None)


def test_pages_lead_from_the_oldest_to_the_newest_and_back(cast: Cast) -> None:
    fill(cast.alice, cast.hal, 7)
    forward, cursor = [], None
    for _ in range(3):
        page = inbox(cast.hal, limit=3, cursor=cursor)
        forward += numbers(page)
        cursor = page.next
    assert (forward, cursor) == ([str(i) for i in range(7)], None)
    newest = inbox(cast.hal, limit=3, order="newest")
    older = inbox(cast.hal, limit=3, order="newest", cursor=newest.next)
    assert numbers(newest) + numbers(older) == ["6", "5", "4", "3", "2", "1"]


def test_a_page_that_ends_the_inbox_has_no_next(cast: Cast) -> None:
    fill(cast.alice, cast.hal, 3)
    assert inbox(cast.hal, limit=3).next is None


def test_a_cursor_stays_where_it_is_while_messages_come(cast: Cast) -> None:
    fill(cast.alice, cast.hal, 4)
    page = inbox(cast.hal, limit=2)
    fill(cast.alice, cast.hal, 2)
    assert numbers(inbox(cast.hal, cursor=page.next)) == ["2", "3", "0", "1"]


def test_an_inbox_is_narrowed_by_reading_state_kind_sender_and_words(cast: Cast) -> None:
    first = send_message(cast.alice, to=["hal"], subject="Plan", body="Do it 100% _now_")
    send_message(cast.iris, to=["hal"], kind="task_assignment",
                 payload={"task_id": "1", "subject": "S"})  # fmt: skip
    send_message(cast.iris, to=["hal"], body="else")
    mark_read(cast.hal, first.pk)
    assert len(inbox(cast.hal, unread=True).items) == 2
    assert len(inbox(cast.hal, kind="TaskAssignment").items) == 1
    assert numbers(inbox(cast.hal, sender="ALICE")) == ["Do it 100% _now_"]
    assert len(inbox(cast.hal, sender="iris", unread=True, kind="message").items) == 1
    assert inbox(cast.hal, sender="nobody").items == []
    for words in ("plan", "100%", "_NOW_", "alice"):
        assert numbers(inbox(cast.hal, q=words)) == ["Do it 100% _now_"]
    assert inbox(cast.hal, q="10%0").items == []


FOUND = [
    ("two us", True), ("US two", True), ("two of us", True), ("two them", False),
    ('"two of us"', True), ('"two us"', False), ('"of us" two', True), ("“Of Us”", True),
    ('"two of', True), ("zÜRICH", True), ("über zürich", True), ("zurich", False), ("日本", True),
    ("alice two", True), ("bob two", False), ('"', False), ("100% _now_", True), ("10%0", False),
]  # fmt: skip


@pytest.mark.parametrize(("q", "is_found"), FOUND)
def test_all_words_must_occur_and_a_quoted_phrase_as_it_stands(
    cast: Cast, q: str, is_found: bool
) -> None:
    letter = send_message(
        cast.alice, to=["hal"], subject="Two of us", body="Über Zürich nach 日本, 100% _now_"
    )
    found = [letter] if is_found else []
    assert inbox(cast.hal, q=q).messages == found
    assert search(cast.bob, q).items == found
    assert of_team(cast.bob, q=q).items == found
    assert sent(cast.alice, q=q).items == found


def test_a_conversation_is_found_by_its_title_whoever_began_it(cast: Cast) -> None:
    first = send_message(cast.alice, to=["hal"], subject="Two of us", body="Who comes?")
    reply = send_message(cast.hal, body="Me.", reply_to=first.pk)
    other = send_message(cast.hal, to=["alice"], body="Else.")
    assert inbox(cast.alice, q="two us").messages == [reply]
    assert inbox(cast.alice, q="us me").messages == [reply]
    assert sent(cast.hal, q="two of us").items == [reply]
    assert search(cast.bob, "two of us").items == [first]
    assert inbox(cast.alice).messages == [reply, other]


@pytest.mark.parametrize(
    ("values", "field"),
    [({"kind": "telegram"}, "kind"), ({"limit": 0}, "limit"), ({"limit": 201}, "limit"),
     ({"cursor": "x"}, "cursor"), ({"cursor": "-1"}, "cursor"), ({"cursor": "9" * 30}, "cursor"),
     ({"cursor": "²"}, "cursor"), ({"cursor": "0" * 20 + "9" * 30}, "cursor"),
     ({"cursor": "0" * 5000}, "cursor")],
)  # fmt: skip
def test_wrong_values_are_refused_by_field(cast: Cast, values: Any, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        inbox(cast.hal, **values)
    assert list(refused.value.fields) == [field]


def test_chatter_can_be_left_out(cast: Cast) -> None:
    send_message(cast.hal, to=["alice"], kind="idle_notification", payload={})
    send_message(cast.hal, to=["alice"], body="News.")
    assert numbers(inbox(cast.alice, noise=False)) == ["News."]


@pytest.mark.parametrize("recipients", [["hal"], ["hal", "iris", "bob", "vera"]])
def test_a_page_costs_the_same_queries_whatever_is_on_it(
    cast: Cast, recipients: list[str], django_assert_num_queries: Any
) -> None:
    for number in range(12):
        send_message([cast.alice, cast.bob][number % 2], to=recipients, body="@iris see")
    for read in (lambda: inbox(cast.hal).messages, lambda: search(cast.hal, "see").items,
                 lambda: of_team(cast.hal).items, lambda: sent(cast.alice).items):  # fmt: skip
        with django_assert_num_queries(3):
            assert [as_dict(message, cast.hal)["from"] for message in read()]


def test_a_thread_costs_the_same_queries_whatever_its_length(
    cast: Cast, django_assert_num_queries: Any
) -> None:
    first = send_message(cast.alice, to=["hal"], body="Ready?")
    for _ in range(4):
        reply = send_message(cast.hal, to=["alice"], body="Yes.", reply_to=first.pk)
    with django_assert_num_queries(4):
        assert len([as_dict(m, cast.hal) for m in thread(cast.hal, reply.pk).items]) == 5


def test_the_plan_of_a_page_is_an_index_without_sorting(cast: Cast) -> None:
    def plan(found: Any) -> str:
        return str(found.explain())

    mine = Delivery.objects.filter(recipient=cast.hal, archived_at__isnull=True)
    pages = {
        "delivery_unread": mine.filter(read_at=None).order_by("pk")[:51],
        "delivery_kept": mine.order_by("-pk")[:51],
        "delivery_archived": Delivery.objects.filter(
            recipient=cast.hal, archived_at__isnull=False
        ).order_by("-pk")[:51],
        "message_of_thread": Message.objects.filter(thread_id=1).order_by("pk"),
    }
    if connection.vendor == "postgresql":
        # Tables of a test are too small for an index to be worth it by itself.
        fill(cast.alice, cast.hal, 3_000)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE messaging_delivery; ANALYZE messaging_message")
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
    for index, found in pages.items():
        text = plan(found)
        assert "SORT" not in text.upper().replace("SORT KEY", "")
        assert "TEMP B-TREE" not in text
        assert connection.vendor == "postgresql" or index in text


def test_unread_is_counted_exactly_with_one_query(
    cast: Cast, django_assert_num_queries: Any
) -> None:
    fill(cast.alice, cast.hal, 30)
    fill(cast.alice, cast.hal, 5, noise=True)
    fill(cast.alice, cast.hal, 4, read_at=timezone.now())
    fill(cast.alice, cast.hal, 3, archived_at=timezone.now())
    with django_assert_num_queries(1):
        assert unread_count(cast.hal) == 30
    assert unread_count(cast.hal, noise=True) == 35
    assert unread_count(cast.iris) == 0


def test_a_persons_unread_counts_all_their_live_seats(
    cast: Cast, django_assert_num_queries: Any
) -> None:
    other, third = make_cast("two"), make_cast("three")
    for where in (cast, other, third):
        send_message(where.alice, to=["bob", "vera"], body=where.team.slug)
    end_seat(third.alice, "bob")
    bob = cast.people["bob"]
    with django_assert_num_queries(1):
        assert unread_for_user(bob) == 2
    assert numbers(came_to(bob)) == ["two", "checkout"]
    assert unread_for_user(cast.people["mallory"]) == 0
    mark_read(other.bob, came_to(bob).messages[0].pk)
    assert (unread_for_user(bob), unread_for_user(cast.people["vera"])) == (1, 3)
    assert numbers(came_to(bob, unread=True)) == ["checkout"]


def test_what_came_in_all_teams_costs_the_same_queries_in_any_number_of_them(
    cast: Cast, django_assert_num_queries: Any
) -> None:
    for slug in ("two", "three", "four"):
        where = make_cast(slug)
        send_message(where.alice, to=["bob", "hal"], body="x")
    with django_assert_num_queries(4):
        page = came_to(cast.people["bob"])
        assert [copy.message.team.slug for copy in page.items] == ["four", "three", "two"]
        assert [copy.recipient.name for copy in page.items] == ["bob"] * 3


def test_what_came_can_be_narrowed_by_why(cast: Cast) -> None:
    send_message(cast.alice, to=["bob"], body="plain")
    send_message(cast.alice, body="hi @bob")
    assert numbers(came_to(cast.people["bob"], why="mention")) == ["hi @bob"]


def test_a_message_is_seen_by_its_team_only(cast: Cast) -> None:
    message = send_message(cast.alice, to=["hal"], body="x")
    other = make_cast("elsewhere")
    assert get(cast.vera, message.pk) == message
    for number in (message.pk, 2**70):
        with pytest.raises(NotFound):
            get(other.alice, number)
    assert search(other.alice, "x").items == of_team(other.alice).items == []


def test_the_teams_conversation_can_be_kept_to_one_member(cast: Cast) -> None:
    send_message(cast.alice, to=["hal"], body="to hal")
    send_message(cast.hal, to=["iris"], body="from hal")
    send_message(cast.alice, to=["iris"], body="else")
    assert numbers(of_team(cast.bob, about="Hal")) == ["from hal", "to hal"]
    assert numbers(of_team(cast.bob, limit=1)) == ["else"]


def test_each_copy_says_how_far_it_has_come_and_for_how_long(cast: Cast) -> None:
    message = send_message(cast.alice, to=["hal", "iris", "bob"], cc=["vera"], body="x")
    deliver(cast.hal, inbox(cast.hal).items)
    mark_read(cast.iris, message.pk)
    send_message(cast.bob, body="y", reply_to=message.pk)
    now = timezone.now() + timedelta(minutes=3)
    steps = deliveries(get(cast.alice, message.pk), now)
    assert [(step.to, step.role, step.step) for step in steps] == [
        ("hal", "to", "delivered"), ("iris", "to", "read"), ("bob", "to", "answered"),
        ("vera", "cc", "sent"),
    ]  # fmt: skip
    assert all(179 <= step.seconds <= 190 for step in steps)


def test_who_joins_later_sees_the_conversation_and_has_no_copy(cast: Cast) -> None:
    send_message(cast.alice, broadcast=True, body="Before.")
    late = seat_person(cast.team, cast.mallory, role="member")
    assert inbox(late).items == []
    assert numbers(of_team(late)) == ["Before."]
