from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.core.errors import Conflict, Invalid, NotAllowed, NotFound
from apps.messaging.actions import answer_shutdown, archive, request_shutdown, send_message
from apps.messaging.actions.observe import SeenCopy, SeenMessage, observe_messages
from apps.messaging.inbox import inbox
from apps.messaging.letters import thread_for
from apps.messaging.models import Message
from apps.tasks.actions import claim_task, create_task
from apps.tasks.models import Task
from apps.teams.actions import change_member, end_seat, start_session, transition_team
from apps.teams.models import Event, Member
from tests.conftest import Cast


def presence(member: Member) -> str:
    return Member.objects.get(pk=member.pk).presence().value


@pytest.fixture
def asked(cast: Cast) -> Message:
    start_session(cast.hal)
    return request_shutdown(cast.alice, "hal", reason="The work is done.")


def test_a_request_reaches_the_agent_and_ends_nothing(cast: Cast, asked: Message) -> None:
    (copy,) = inbox(cast.hal).items
    assert copy.message == asked
    assert asked.payload is not None
    assert asked.payload["request_id"].startswith("shutdown-")
    assert (asked.payload["reason"], asked.payload["from"]) == ("The work is done.", "alice")
    assert presence(cast.hal) == "active"


def test_approval_ends_the_run_and_tells_who_asked(
    cast: Cast, asked: Message, journal: Callable[[], list[str]]
) -> None:
    assert asked.payload is not None
    answer = answer_shutdown(cast.hal, asked.payload["request_id"], approve=True)
    assert (answer.kind, answer.reply_to) == ("shutdown_approved", asked)
    assert answer.payload == {"request_id": asked.payload["request_id"], "from": "hal"}
    assert [copy.message for copy in inbox(cast.alice).items] == [answer]
    assert presence(cast.hal) == "terminated"
    session = cast.hal.sessions.get()
    assert (session.ended_at is not None, session.end_reason) == (True, "Shutdown approved.")
    assert journal()[:3] == ["message.sent", "message.read", "session.ended"]
    assert asked.deliveries.get().answered_at == answer.sent_at


def test_an_answer_that_nobody_waits_for_says_so(cast: Cast) -> None:
    with pytest.raises(NotFound, match="No shutdown request waits"):
        send_message(cast.hal, kind="shutdown_approved")


def test_approval_releases_what_runs_with_a_note_and_keeps_the_rest(
    cast: Cast, asked: Message, journal: Callable[[], list[str]]
) -> None:
    for subject in ("Running", "Not begun"):
        create_task(cast.alice, subject, owner="hal")
    claim_task(cast.hal, 1)
    before = len(journal())
    answer_shutdown(cast.hal, asked.pk, approve=True)
    running, waiting = Task.objects.order_by("number")
    assert (running.status, running.owner, running.stalled_at) == ("pending", None, None)
    assert waiting.owner == cast.hal
    assert journal()[before:] == [
        "message.sent", "message.read", "session.ended", "task.released",
    ]  # fmt: skip
    assert Event.objects.get(kind="task.released").data["note"] == "hal has shut down."


def test_a_newer_session_revives_the_seat(cast: Cast, asked: Message) -> None:
    answer_shutdown(cast.hal, asked.pk, approve=True)
    start_session(cast.hal)
    assert presence(cast.hal) == "active"


def test_rejection_carries_its_reason_and_ends_nothing(cast: Cast, asked: Message) -> None:
    answer = answer_shutdown(cast.hal, asked.pk, approve=False, reason="Tests still run.")
    assert answer.kind == "shutdown_rejected"
    assert answer.payload is not None
    assert answer.payload["reason"] == "Tests still run."
    assert presence(cast.hal) == "active"
    assert cast.hal.sessions.get().ended_at is None


def test_only_who_was_asked_answers(cast: Cast, asked: Message) -> None:
    for other in (cast.iris, cast.bob, cast.alice):
        with pytest.raises(NotAllowed) as refused:
            answer_shutdown(other, asked.pk, approve=True)
        assert refused.value.code == "not_asked"
    assert presence(cast.hal) == "active"


def test_answering_twice_is_a_conflict(
    cast: Cast, asked: Message, journal: Callable[[], list[str]]
) -> None:
    answer_shutdown(cast.hal, asked.pk, approve=False)
    before = journal()
    for approve in (True, False):
        with pytest.raises(Conflict) as refused:
            answer_shutdown(cast.hal, asked.pk, approve=approve)
        assert refused.value.code == "already_answered"
    assert journal() == before
    assert presence(cast.hal) == "active"


def elsewhere(cast: Cast, name: str = "hal") -> Message:
    """A request that was made outside, while others may wait."""
    seen = SeenMessage(
        message_id=uuid.uuid4().hex, sender=cast.alice, kind="shutdown_request",
        copies=(SeenCopy(recipient=getattr(cast, name)),), sent_at=timezone.now(),
        payload={"request_id": f"shutdown-1@{name}"},
    )  # fmt: skip
    (stored,) = observe_messages(cast.alice, [seen]).stored
    return stored


def test_an_answer_without_id_is_for_the_latest_open_request(cast: Cast, asked: Message) -> None:
    second = elsewhere(cast)
    assert answer_shutdown(cast.hal, None, approve=False).reply_to == second
    assert answer_shutdown(cast.hal, None, approve=False).reply_to == asked
    with pytest.raises(NotFound):
        answer_shutdown(cast.hal, None, approve=False)


@pytest.mark.parametrize("request_id", [10**9, "10", "shutdown-x", "9" * 40, 2**70])
def test_an_unknown_request_is_not_found(cast: Cast, asked: Message, request_id: Any) -> None:
    with pytest.raises(NotFound):
        answer_shutdown(cast.hal, request_id, approve=True)


def test_only_who_manages_the_team_asks(cast: Cast) -> None:
    for other in (cast.bob, cast.iris, cast.vera):
        with pytest.raises(NotAllowed):
            request_shutdown(other, "hal")
    change_member(cast.alice, "iris", granted=["manage_team"])
    assert request_shutdown(cast.iris, "hal")


@pytest.mark.parametrize("name", ["bob", "alice", "nobody"])
def test_only_agents_of_the_team_are_asked(cast: Cast, name: str) -> None:
    with pytest.raises(Invalid):
        request_shutdown(cast.alice, name)
    assert not Message.objects.exists()


def test_an_agent_does_not_ask_itself(cast: Cast) -> None:
    change_member(cast.alice, "hal", granted=["manage_team"])
    with pytest.raises(Invalid):
        request_shutdown(cast.hal, "hal")


def test_who_has_shut_down_is_not_asked_again(cast: Cast, asked: Message) -> None:
    answer_shutdown(cast.hal, asked.pk, approve=True)
    with pytest.raises(Conflict) as refused:
        request_shutdown(cast.alice, "hal")
    assert refused.value.code == "already_terminated"


def test_while_a_request_waits_another_one_is_refused(
    cast: Cast, asked: Message, journal: Callable[[], list[str]]
) -> None:
    change_member(cast.alice, "bob", granted=["manage_team"])
    earlier = timezone.now() - timedelta(minutes=3)
    Event.objects.update(at=earlier)
    Message.objects.update(sent_at=earlier)
    before = journal()
    for again in (
        lambda: request_shutdown(cast.alice, "hal", reason="Now."),
        lambda: send_message(cast.bob, to=["hal"], kind="shutdown_request"),
    ):
        with pytest.raises(Conflict) as refused:
            again()
        assert refused.value.code == "shutdown_pending"
        said = "alice asked hal to shut down 3 min ago; no answer has come yet."
        assert refused.value.message == said
        assert f"message {asked.pk}" in refused.value.hint
        assert refused.value.details["request"] == asked.pk
    assert journal() == before
    assert request_shutdown(cast.alice, "iris")


def test_the_same_request_sent_twice_is_one(cast: Cast) -> None:
    first, again = (
        send_message(cast.alice, to=["hal"], kind="shutdown_request", message_id="stop-1")
        for _ in range(2)
    )
    assert first == again


def test_once_refused_an_agent_may_be_asked_again(cast: Cast, asked: Message) -> None:
    answer_shutdown(cast.hal, asked.pk, approve=False)
    assert request_shutdown(cast.alice, "hal") != asked


@pytest.mark.parametrize(
    "forget",
    [
        lambda hal, asked: archive(hal, asked.pk),
        lambda hal, asked: send_message(hal, body="Soon.", reply_to=asked.pk),
        lambda hal, asked: start_session(hal),
    ],
    ids=["put away", "answered in words", "a newer run"],
)
def test_a_request_that_is_out_of_sight_does_not_stand_in_the_way(
    cast: Cast, asked: Message, forget: Callable[[Member, Message], object]
) -> None:
    forget(cast.hal, asked)
    second = request_shutdown(cast.alice, "hal")
    answer_shutdown(cast.hal, second.pk, approve=True)
    assert thread_for(cast.alice, asked.pk).letters[0].answered is True


def test_consent_settles_whatever_else_was_asked(cast: Cast, asked: Message) -> None:
    second, other = elsewhere(cast), elsewhere(cast, "iris")
    answer = answer_shutdown(cast.hal, asked.pk, approve=True)
    (letter,) = thread_for(cast.alice, second.pk).letters
    assert (letter.answered, letter.is_settled, letter.may_answer) == (True, True, False)
    assert letter.answer == answer
    assert second.deliveries.get().answered_at == answer.sent_at
    (open_one,) = thread_for(cast.alice, other.pk).letters
    assert (open_one.answered, open_one.is_settled) == (None, False)
    start_session(cast.hal)
    with pytest.raises(Conflict) as refused:
        answer_shutdown(cast.hal, second.pk, approve=False)
    assert refused.value.code == "already_answered"
    third = request_shutdown(cast.alice, "hal")
    assert thread_for(cast.alice, third.pk).letters[0].answered is None


def test_the_page_of_a_settled_request_leads_to_the_answer(
    cast: Cast, asked: Message, login: Callable[[str], Client]
) -> None:
    second = elsewhere(cast)
    answer = answer_shutdown(cast.hal, asked.pk, approve=True)
    page = login("alice").get(reverse("message", args=["checkout", second.pk])).content.decode()
    assert "not answered yet" not in page
    href = reverse("message", args=["checkout", answer.pk])
    assert f'href="{href}">with another request</a>' in page


def test_a_second_request_on_the_page_says_that_one_waits(
    cast: Cast, asked: Message, login: Callable[[str], Client]
) -> None:
    answer = login("alice").post("/teams/checkout/shutdown/", {"name": "hal", "reason": "Again."})
    assert answer.status_code == 409
    assert "alice asked hal to shut down just now" in answer.content.decode()
    assert Message.objects.filter(kind="shutdown_request").count() == 1


def test_refusal_leaves_the_others_open(cast: Cast, asked: Message) -> None:
    second = elsewhere(cast)
    answer_shutdown(cast.hal, asked.pk, approve=False)
    assert thread_for(cast.alice, second.pk).letters[0].answered is None


def test_an_archived_team_asks_nobody(cast: Cast) -> None:
    transition_team(cast.alice, "archived")
    with pytest.raises(Conflict):
        request_shutdown(cast.alice, "hal")


def test_the_kinds_sent_as_messages_do_the_same(cast: Cast) -> None:
    start_session(cast.hal)
    request = send_message(cast.alice, to=["hal"], kind="shutdownRequest",
                           payload={"requestId": "r-1", "reason": "Done."})  # fmt: skip
    assert request.payload == {"request_id": "r-1", "reason": "Done.", "from": "alice"}
    with pytest.raises(NotAllowed):
        send_message(cast.iris, to=["alice"], kind="shutdown_approved",
                     payload={"request_id": "r-1"})  # fmt: skip
    answer = send_message(cast.hal, to=["alice"], kind="shutdown_approved",
                          payload={"requestId": "r-1"}, message_id="a-1")  # fmt: skip
    assert answer.reply_to == request
    assert presence(cast.hal) == "terminated"
    again = send_message(cast.hal, to=["alice"], kind="shutdown_approved",
                         payload={"requestId": "r-1"}, message_id="a-1")  # fmt: skip
    assert again == answer


def test_a_shutdown_response_says_which_by_its_payload(cast: Cast, asked: Message) -> None:
    assert asked.payload is not None
    answer = send_message(
        cast.hal, kind="shutdown_response",
        payload={"request_id": asked.payload["request_id"], "approve": False, "content": "Busy."},
    )  # fmt: skip
    assert answer.kind == "shutdown_rejected"
    assert answer.payload is not None
    assert answer.payload["reason"] == "Busy."


def test_a_request_goes_to_one_member_at_a_time(cast: Cast) -> None:
    for values in ({"to": ["hal", "iris"]}, {"broadcast": True}, {"to": ["hal"], "cc": ["bob"]}):
        with pytest.raises(Invalid):
            send_message(cast.alice, kind="shutdown_request", **values)


def test_the_leader_hears_where_who_asked_has_left(cast: Cast) -> None:
    change_member(cast.alice, "bob", granted=["manage_team"])
    request = request_shutdown(cast.bob, "hal")
    end_seat(cast.alice, "bob")
    answer = answer_shutdown(cast.hal, request.pk, approve=True)
    assert [copy.recipient.name for copy in answer.deliveries.all()] == ["alice"]


def test_the_agents_own_files_are_spelled_natively(cast: Cast, asked: Message) -> None:
    from apps.messaging.kinds import native

    assert asked.payload is not None
    document = native(asked.kind, asked.payload)
    assert document["type"] == "shutdown_request"
    assert document["requestId"] == asked.payload["request_id"]
