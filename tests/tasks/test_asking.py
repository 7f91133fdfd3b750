"""A card waits for the lead or for a person, with a question."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from apps.core.errors import Conflict, Invalid, NotAllowed
from apps.messaging.models import Delivery, Message
from apps.tasks import actions
from apps.tasks.models import Comment, Task
from apps.teams import actions as teams
from apps.teams.models import Event
from tests.conftest import Cast
from tests.refusing import refused

Journal = Callable[[], list[str]]


@pytest.fixture
def running(cast: Cast) -> Cast:
    """#1 is Hal's and runs."""
    actions.create_task(cast.alice, "Card")
    actions.claim_task(cast.hal, 1)
    return cast


def card() -> Task:
    return Task.objects.get(number=1)


def told() -> list[tuple[str, set[str]]]:
    """Each message's sender and recipients."""
    return [
        (message.sender.name, {copy.recipient.name for copy in message.deliveries.all()})
        for message in Message.objects.order_by("pk")
    ]


def test_asking_a_person(running: Cast, journal: Journal) -> None:
    actions.ask(running.hal, 1, " Which one? ")
    task = card()
    assert (task.needs_input, task.question, task.version) == ("human", "Which one?", 3)
    assert task.asked_at is not None
    assert journal() == ["task.asked", "message.sent"]
    event = Event.objects.get(kind="task.asked")
    assert event.data == {
        "task": 1, "column": "in_progress", "of": "human", "question": "Which one?",
    }  # fmt: skip
    assert told() == [("hal", {"alice", "bob"})]


def test_asking_the_lead(running: Cast) -> None:
    teams.change_member(running.alice, "iris", role="leader")
    actions.ask(running.hal, 1, "Which one?", of="lead")
    assert told() == [("hal", {"alice", "iris"})]


def test_the_latest_question_stands(running: Cast) -> None:
    actions.ask(running.hal, 1, "Which one?")
    actions.ask(running.hal, 1, "The first?", of="lead")
    assert (card().needs_input, card().question) == ("lead", "The first?")


def test_who_may_ask(running: Cast) -> None:
    for actor in (running.iris, running.vera):
        with refused(NotAllowed):
            actions.ask(actor, 1, "Which one?")
    assert actions.ask(running.bob, 1, "Which one?").needs_input == "human"
    assert told() == [("bob", {"alice"})]


@pytest.mark.parametrize("question", ["", " \n", "x" * 4_001, "nul \0"])
def test_questions_that_are_refused(question: str, running: Cast) -> None:
    with refused(Invalid) as info:
        actions.ask(running.hal, 1, question)
    assert set(info.value.fields) == {"question"}


def test_whom_nobody_can_ask(running: Cast) -> None:
    for of in ("", "hal", "everyone"):
        with refused(Invalid) as info:
            actions.ask(running.hal, 1, "Which one?", of=of)
        assert set(info.value.fields) == {"of"}


def test_nothing_is_asked_about_the_trash(running: Cast) -> None:
    actions.delete_task(running.hal, 1)
    with refused(Conflict, "wrong_state"):
        actions.ask(running.hal, 1, "Which one?")


def test_answering(running: Cast, journal: Journal) -> None:
    actions.ask(running.hal, 1, "Which one?")
    Task.objects.update(asked_at=timezone.now() - timedelta(minutes=5))
    actions.answer(running.bob, 1, " The first. ")
    task = card()
    assert (task.needs_input, task.question, task.asked_at) == ("", "", None)
    assert journal() == [
        "task.asked", "message.sent", "task.answered", "comment.added", "message.read",
        "message.sent",
    ]  # fmt: skip
    asked = Delivery.objects.get(recipient=running.bob)
    assert None not in (asked.answered_at, asked.read_at)
    assert not Delivery.objects.exclude(recipient=running.bob).exclude(answered_at=None).exists()
    data = Event.objects.get(kind="task.answered").data
    assert data["of"] == "human"
    assert 300 <= data["waited"] <= 303
    remark = Comment.objects.get()
    assert (remark.body, remark.kind, remark.author) == ("The first.", "answer", running.bob)
    assert told()[-1] == ("bob", {"hal"})
    answer = Message.objects.latest("pk")
    assert (answer.subject, answer.body) == ("Answer on #1: Which one?", "The first.")


def test_who_may_answer(running: Cast) -> None:
    actions.ask(running.hal, 1, "Which one?")
    for actor in (running.hal, running.iris, running.vera):
        with refused(NotAllowed):
            actions.answer(actor, 1, "The first.")


def test_an_agent_answers_for_the_lead_but_not_for_a_person(running: Cast) -> None:
    teams.change_member(running.alice, "iris", role="leader")
    actions.ask(running.hal, 1, "Which one?", of="human")
    with refused(NotAllowed) as info:
        actions.answer(running.iris, 1, "The first.")
    assert "asks a person" in info.value.message
    actions.ask(running.hal, 1, "Which one?", of="lead")
    assert actions.answer(running.iris, 1, "The first.").needs_input == ""


def test_a_question_is_answered_once(running: Cast) -> None:
    actions.ask(running.hal, 1, "Which one?")
    actions.answer(running.alice, 1, "The first.")
    with refused(Conflict, "wrong_state") as info:
        actions.answer(running.bob, 1, "The second.")
    assert info.value.message == "#1 asks nothing now."


@pytest.mark.parametrize("text", ["", " ", "x" * 4_001])
def test_answers_that_are_refused(text: str, running: Cast) -> None:
    actions.ask(running.hal, 1, "Which one?")
    with refused(Invalid) as info:
        actions.answer(running.alice, 1, text)
    assert set(info.value.fields) == {"text"}
    assert card().needs_input == "human"


def test_an_answer_to_who_left_is_kept_as_a_comment(running: Cast) -> None:
    actions.ask(running.hal, 1, "Which one?")
    teams.end_seat(running.alice, "hal")
    actions.answer(running.alice, 1, "The first.")
    assert Comment.objects.count() == 1
    assert len(told()) == 1
