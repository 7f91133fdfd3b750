"""A card's page lists what was said about it: discussions, and conversations that name it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.live.topics import topics_of
from apps.messaging import about
from apps.messaging.about import talk_about
from apps.messaging.actions import open_discussion, send_message
from apps.messaging.models import Message
from apps.tasks.actions import create_task
from apps.teams.models import Event, Member, Team
from tests.conftest import Cast, make_cast

Login = Callable[[str], Client]


@pytest.fixture
def card(cast: Cast) -> Cast:
    """#1 and #12 are there; nobody has said anything."""
    create_task(cast.alice, "Parse the table", owner="hal")
    Team.objects.update(task_watermark=120)
    cast.alice.team.refresh_from_db()
    return cast


def threads(member: Member, task: int) -> list[tuple[int, int]]:
    return [(one.first.pk, one.latest.pk) for one in talk_about(member, task).threads]


def test_conversations_that_name_the_card_are_found(card: Cast) -> None:
    by_text = send_message(card.alice, to=["hal"], body="About #1: ready?")
    send_message(card.hal, body="Soon.", reply_to=by_text.pk)
    plain = send_message(card.hal, to=["iris"], body="Tabs?")
    reply = send_message(card.iris, body="See #12 and #1.", reply_to=plain.pk)
    to_all = send_message(card.alice, broadcast=True, body="Look.", tasks=[12, 1, 120])
    for other in ("#12 only", "#112, #11 and #10"):
        send_message(card.alice, to=["hal"], body=other)
    assert threads(card.vera, 1) == [
        (to_all.pk, to_all.pk), (plain.pk, reply.pk), (by_text.pk, by_text.pk),
    ]  # fmt: skip
    assert [first for first, _ in threads(card.vera, 120)] == [to_all.pk]
    assert threads(card.vera, 2) == []


def test_what_the_site_sends_about_a_card_is_not_listed(card: Cast) -> None:
    assert Message.objects.filter(kind="task_assignment").exists()
    assert threads(card.alice, 1) == []


def test_other_teams_cards_have_the_same_numbers(card: Cast) -> None:
    send_message(card.alice, to=["hal"], body="About #1: ready?")
    other = make_cast("elsewhere")
    open_discussion(card.alice, "Tabs", ["hal", "iris"], task=1)
    assert talk_about(other.alice, 1) == ([], [])


def test_only_so_much_is_looked_through_and_shown(
    card: Cast, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    sent = [send_message(card.alice, to=["hal"], body=f"#1, {n}").pk for n in range(10)]
    open_discussion(card.alice, "Tabs", ["hal", "iris"], task=1)
    with django_assert_num_queries(3):
        talk = talk_about(card.alice, 1)
        assert [one.first.sender.name for one in talk.threads] == ["alice"] * about.MOST
    assert [one.first.pk for one in talk.threads] == sent[::-1][: about.MOST]
    notices = Message.objects.filter(pk__gt=sent[-1]).count()
    monkeypatch.setattr(about, "WINDOW", notices + 2)
    assert threads(card.alice, 1) == [(pk, pk) for pk in sent[:-3:-1]]


def test_the_page_lists_what_was_written_about_the_card(card: Cast, login: Login) -> None:
    alice = login("alice")
    page = reverse("task", args=["checkout", 1])
    assert "Search messages" not in alice.get(page).text
    values = {"to": "hal", "body": "About #1: is it [ready](https://x.org)?"}
    assert alice.post(reverse("message_new", args=["checkout"]), values).status_code == 302
    first = Message.objects.get(kind="message")
    said = alice.get(page).text
    href = reverse("message", args=["checkout", first.pk])
    assert f'href="{href}">About #1: is it ready?</a>' in said
    more = f"{reverse('inbox', args=['checkout'])}?box=team&q=%231"
    assert more.replace("&", "&amp;") in said
    assert "is it" in alice.get(more).text


def test_open_pages_of_the_cards_hear_of_it(card: Cast) -> None:
    send_message(card.alice, to=["hal"], body="About #1 and #12: ready?")
    topics = topics_of(Event.objects.latest("seq"))
    assert {"task-1", "task-12"} <= set(topics)
    send_message(card.alice, to=["hal"], body="Else.")
    assert not any(topic.startswith("task-") for topic in topics_of(Event.objects.latest("seq")))
