from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest

from apps.core.errors import Conflict, DomainError, Invalid, NotAllowed, NotFound
from apps.messaging.actions import deliver, send_message
from apps.messaging.inbox import get, inbox, thread, unread_count, whole
from apps.messaging.models import Delivery, Message
from apps.messaging.shapes import as_dict
from apps.teams.actions import add_member, change_member, end_seat, seat_person, transition_team
from apps.teams.models import Event, Member, Team
from tests.conftest import Cast, make_cast


def bodies(member: Member) -> list[str]:
    return [copy.message.body for copy in inbox(member).items]


def roles(message: Message) -> dict[str, str]:
    return {copy.recipient.name: copy.role for copy in message.deliveries.all()}


def test_a_message_reaches_its_recipient_unread(cast: Cast, journal: Any) -> None:
    message = send_message(cast.alice, to=["hal"], subject="Start", body="Take the parser.")
    (copy,) = inbox(cast.hal).items
    assert (copy.message, copy.role, copy.read_at, copy.delivered_at) == (message, "to", None, None)
    assert bodies(cast.alice) == []
    event = Event.objects.get(team=cast.team, kind="message.sent")
    assert journal() == ["message.sent"]
    assert event.data == {"message": message.pk, "of": "message", "to": ["hal"], "cc": []}


def test_to_and_cc_have_their_roles_and_names_ignore_case(cast: Cast) -> None:
    message = send_message(cast.alice, to=["HAL"], cc=["@Bob"], body="Hello.")
    assert roles(message) == {"hal": "to", "bob": "cc"}


def test_who_is_in_to_and_cc_gets_one_copy_as_to(cast: Cast) -> None:
    message = send_message(cast.alice, to=["hal", "hal"], cc=["Hal", "iris"], body="Hello.")
    assert roles(message) == {"hal": "to", "iris": "cc"}
    assert unread_count(cast.hal) == 1


@pytest.mark.parametrize("word", ["lead", "team-lead", "Leader"])
def test_the_leader_answers_to_lead(cast: Cast, word: str) -> None:
    assert roles(send_message(cast.hal, to=[word], body="Done.")) == {"alice": "to"}


def test_a_member_called_lead_is_meant_by_that_word(cast: Cast) -> None:
    add_member(cast.alice, "lead")
    assert roles(send_message(cast.hal, to=["lead"], body="Done.")) == {"lead": "to"}


def test_a_broadcast_reaches_everyone_but_the_sender_once(cast: Cast) -> None:
    message = send_message(cast.alice, broadcast=True, body="Stand-up.")
    assert message.kind == "broadcast"
    assert set(roles(message)) == {"bob", "vera", "hal", "iris"}
    assert bodies(cast.alice) == []
    assert bodies(cast.hal) == ["Stand-up."]


@pytest.mark.parametrize("field", ["to", "cc"])
def test_a_broadcast_that_names_who_cannot_be_reached_reaches_nobody(
    cast: Cast, field: str
) -> None:
    end_seat(cast.alice, "iris")
    for name, code in (("hall", "unknown_recipient"), ("iris", "seat_ended")):
        given = {field: ["bob", name]}
        with pytest.raises(Invalid) as refused:
            send_message(cast.alice, broadcast=True, body="Stand-up.", **given)
        assert (refused.value.code, list(refused.value.fields)) == (code, [field])
    assert not Message.objects.exists()


@pytest.mark.parametrize("to", [["all"], ["Everyone"], ["*"]])
def test_a_message_to_all_reaches_everyone_else(cast: Cast, to: list[str]) -> None:
    assert set(roles(send_message(cast.hal, to=to, body="x"))) == {"alice", "bob", "vera", "iris"}


def test_mentions_add_recipients(cast: Cast) -> None:
    message = send_message(cast.alice, body="@hal please, and @Iris too; `@bob` not")
    assert roles(message) == {"hal": "to", "iris": "to"}
    assert set(message.deliveries.values_list("why", flat=True)) == {"mention"}


def test_mentioning_everyone_reaches_all_but_the_sender(cast: Cast) -> None:
    message = send_message(cast.hal, body="@everyone look")
    assert set(roles(message)) == {"alice", "bob", "vera", "iris"}


def test_unknown_handles_and_oneself_are_dropped_from_mentions(cast: Cast) -> None:
    message = send_message(cast.hal, to=["bob"], body="@nobody and @hal")
    assert roles(message) == {"bob": "to"}


def test_who_is_named_and_mentioned_gets_one_copy(cast: Cast) -> None:
    assert roles(send_message(cast.alice, to=["hal"], body="@hal go")) == {"hal": "to"}


def test_a_mention_turns_cc_into_to(cast: Cast) -> None:
    assert roles(send_message(cast.alice, to=["bob"], cc=["hal"], body="@hal go"))["hal"] == "to"


def test_one_may_write_to_oneself_by_name(cast: Cast) -> None:
    assert roles(send_message(cast.hal, to=["hal"], body="Remember.")) == {"hal": "to"}


def test_cards_named_in_the_text_are_kept_if_they_exist(cast: Cast) -> None:
    number = 12
    Team.objects.filter(pk=cast.team.pk).update(task_watermark=number)
    message = send_message(cast.alice, to=["hal"], body=f"See #{number}, not #99 or `#{number}`.")
    assert message.tasks == [number]
    assert send_message(cast.alice, to=["hal"], body="x", tasks=[number]).tasks == [number]


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"to": [], "body": "Hello."}, "to"),
    ({"to": ["hal"], "body": ""}, "body"),
    ({"to": ["hal"], "body": " \n "}, "body"),
    ({"to": ["hal"], "body": "x" * 100_001}, "body"),
    ({"to": ["hal"], "body": "a\0b"}, "body"),
    ({"to": ["hal"], "body": "half \ud800"}, "body"),
    ({"to": ["hal"], "body": "x", "subject": "s" * 201}, "subject"),
    ({"to": ["hal"], "body": "x", "message_id": "m" * 129}, "message_id"),
    ({"to": ["hal"], "body": "x", "kind": "telegram"}, "kind"),
    ({"to": ["hal"], "kind": "task_assignment", "payload": {"subject": "x"}}, "task_id"),
    ({"to": ["hal"], "kind": "plan_approval_response", "payload": {"approved": "?"}}, "approved"),
    ({"to": ["hal"], "body": "x", "payload": {"deep": "a\0b"}}, "payload"),
    ({"to": ["hal"], "body": "x", "payload": {"long": "a" * 200_001}}, "payload"),
    ({"to": ["hal"], "body": "x", "tasks": [99]}, "tasks"),
    ({"to": ["hal"], "body": "x", "tasks": [0]}, "tasks"),
    ({"to": ["hal"], "body": "x", "artifacts": [2**70]}, "artifacts"),
    ({"to": ["hal", "haal"], "body": "x"}, "to"),
    ({"to": ["hal"], "cc": ["haal"], "body": "x"}, "cc"),
    ({"to": [""], "body": "x"}, "to"),
    ({"to": ["system"], "body": "x"}, "to"),
    ({"to": ["hal"] + [f"n{i}" for i in range(1000)], "body": "x"}, "to"),
]  # fmt: skip


@pytest.mark.parametrize(("values", "field"), REFUSED)
def test_what_cannot_be_sent_is_refused_by_field_and_leaves_nothing(
    cast: Cast, journal: Any, values: dict[str, Any], field: str
) -> None:
    before = Message.objects.count()
    with pytest.raises(Invalid) as refused:
        send_message(cast.alice, **values)
    assert field in refused.value.fields
    assert Message.objects.count() == before
    assert journal() == []


def test_the_longest_body_is_taken_and_the_limit_is_said(cast: Cast) -> None:
    send_message(cast.alice, to=["hal"], body="x" * 100_000)
    with pytest.raises(Invalid, match="100,000"):
        send_message(cast.alice, to=["hal"], body="x" * 100_001)


def test_an_unknown_recipient_is_refused_with_the_closest_names(cast: Cast) -> None:
    with pytest.raises(Invalid) as refused:
        send_message(cast.alice, to=["irs"], body="Hello.")
    assert refused.value.code == "unknown_recipient"
    assert "“irs”" in refused.value.message
    assert "iris" in refused.value.hint


def test_an_ended_seat_gets_no_message(cast: Cast) -> None:
    end_seat(cast.alice, "iris")
    with pytest.raises(Invalid) as refused:
        send_message(cast.alice, to=["iris"], body="Hello.")
    assert refused.value.code == "seat_ended"
    assert set(roles(send_message(cast.alice, broadcast=True, body="x"))) == {"bob", "vera", "hal"}
    assert roles(send_message(cast.alice, to=["hal"], body="@iris left")) == {"hal": "to"}


def test_a_broadcast_with_nobody_else_there_is_refused(cast: Cast) -> None:
    for name in ("bob", "vera", "hal", "iris"):
        end_seat(cast.alice, name)
    with pytest.raises(Invalid, match="Nobody else"):
        send_message(cast.alice, broadcast=True, body="Anyone?")


def test_observers_do_not_send(cast: Cast) -> None:
    with pytest.raises(NotAllowed):
        send_message(cast.vera, to=["alice"], body="Hello.")


@pytest.mark.parametrize(
    ("way", "allowed"),
    [([], True), (["paused"], True), (["completed"], True), (["archived"], False),
     (["disbanded"], False)],
)  # fmt: skip
def test_the_teams_state_decides_whether_messages_are_taken(
    cast: Cast, way: list[str], allowed: bool
) -> None:
    for state in way:
        transition_team(cast.alice, state)
    if allowed:
        assert send_message(cast.alice, to=["hal"], body="Hello.")
        return
    with pytest.raises(Conflict) as refused:
        send_message(cast.alice, to=["hal"], body="Hello.")
    assert refused.value.code == "team_not_active"
    assert not Delivery.objects.exists()


def test_the_same_message_id_and_content_returns_the_first_message(
    cast: Cast, journal: Any
) -> None:
    first = send_message(cast.hal, to=["bob", "iris"], body="Once.", message_id="m-1")
    again = send_message(cast.hal, to=["Iris", "bob"], body="Once.", message_id="m-1")
    assert again == first
    assert journal() == ["message.sent"]
    assert Delivery.objects.count() == 2


def test_a_resend_holds_after_a_recipient_left(cast: Cast) -> None:
    first = send_message(cast.hal, to=["iris"], body="Once.", message_id="m-1")
    end_seat(cast.alice, "iris")
    assert send_message(cast.hal, to=["iris"], body="Once.", message_id="m-1") == first


@pytest.mark.parametrize(
    "other",
    [{"body": "Twice."}, {"to": ["iris"]}, {"subject": "New"}, {"cc": ["alice"]},
     {"kind": "system_notification"}, {"payload": {"a": 1}}],
)  # fmt: skip
def test_other_content_under_one_message_id_is_a_conflict(
    cast: Cast, journal: Any, other: dict[str, Any]
) -> None:
    same: dict[str, Any] = {"to": ["bob"], "body": "Once.", "message_id": "m-1"}
    first = send_message(cast.hal, **same)
    with pytest.raises(Conflict) as refused:
        send_message(cast.hal, **(same | other))
    assert refused.value.code == "message_id_conflict"
    assert journal() == ["message.sent"]
    assert Message.objects.get() == first


def test_two_members_may_choose_the_same_message_id(cast: Cast) -> None:
    one = send_message(cast.hal, to=["bob"], body="One.", message_id="m-1")
    two = send_message(cast.iris, to=["bob"], body="Two.", message_id="m-1")
    assert one != two


def test_a_reply_joins_the_thread_and_marks_what_it_answers(cast: Cast, journal: Any) -> None:
    question = send_message(cast.alice, to=["hal", "bob"], body="Ready?")
    reply = send_message(cast.hal, body="Yes.", reply_to=question.pk)
    second = send_message(cast.alice, to=["hal"], body="Go.", reply_to=reply.pk)
    assert roles(reply) == {"alice": "to"}
    assert [message.pk for message in thread(cast.bob, second.pk).items] == [
        question.pk, reply.pk, second.pk,
    ]  # fmt: skip
    assert {question.root, reply.root, second.root} == {question.pk}
    hals, bobs = question.deliveries.order_by("recipient__name").all()[::-1]
    assert hals.recipient.name == "hal"
    assert hals.answered_at == hals.read_at == hals.delivered_at == reply.sent_at
    assert (bobs.answered_at, bobs.read_at) == (None, None)
    assert journal() == ["message.sent", "message.sent", "message.read", "message.sent",
                         "message.read"]  # fmt: skip


def test_an_answer_names_its_door_only_where_nothing_was_handed_over_before(cast: Cast) -> None:
    question = send_message(cast.alice, to=["hal", "bob"], body="Ready?")
    cast.bob.via = "page"
    deliver(cast.bob, inbox(cast.bob).items)
    cast.hal.via = cast.bob.via = "rest"
    for member in (cast.hal, cast.bob):
        send_message(member, body="Yes.", reply_to=question.pk)
    copies = question.deliveries.values_list("recipient__name", "via")
    assert dict(copies) == {"hal": "rest", "bob": "page"}


def test_a_reply_to_ones_own_message_goes_to_whom_that_went(cast: Cast) -> None:
    first = send_message(cast.alice, to=["hal"], cc=["bob"], body="Ready?")
    assert roles(send_message(cast.alice, body="Well?", reply_to=first.pk)) == {"hal": "to"}


def test_a_reply_to_another_teams_message_is_not_found(cast: Cast, journal: Any) -> None:
    other = make_cast("elsewhere")
    foreign = send_message(other.alice, to=["hal"], body="Private.")
    for number in (foreign.pk, 10**6, 2**70):
        with pytest.raises(NotFound):
            send_message(cast.alice, to=["hal"], body="x", reply_to=number)
    assert journal() == []


def test_a_thread_of_another_team_is_not_found(cast: Cast) -> None:
    other = make_cast("elsewhere")
    foreign = send_message(other.alice, to=["hal"], body="Private.")
    with pytest.raises(NotFound):
        thread(cast.alice, foreign.pk)


def test_structured_kinds_take_both_spellings_and_keep_unknown_keys(cast: Cast) -> None:
    for payload in ({"taskId": 1, "subject": "S", "mood": "x"},
                    {"task_id": "1", "subject": "S", "mood": "x"}):  # fmt: skip
        message = send_message(cast.alice, to=["hal"], kind="taskAssignment", payload=payload)
        assert message.kind == "task_assignment"
        assert message.payload == {"task_id": "1", "subject": "S", "mood": "x"}


def test_words_that_decide_are_kinds_too(cast: Cast) -> None:
    message = send_message(cast.alice, to=["hal"], kind="plan_rejected",
                           payload={"feedback": "Too long."})  # fmt: skip
    assert message.kind == "plan_approval_response"
    assert message.payload == {"approved": False, "feedback": "Too long.", "from": "alice"}


def test_the_payload_cannot_name_another_sender(cast: Cast) -> None:
    message = send_message(cast.hal, to=["alice"], kind="idle_notification",
                           payload={"from": "alice", "idleReason": "available"})  # fmt: skip
    assert message.payload == {"from": "hal", "idle_reason": "available"}


def test_idle_chatter_is_noise_and_failures_are_not(cast: Cast) -> None:
    for payload in ({"idle_reason": "available"}, {"failure_reason": "out of memory"}):
        send_message(cast.hal, to=["alice"], kind="idle_notification", payload=payload)
    assert [copy.noise for copy in inbox(cast.alice).items] == [True, False]
    assert unread_count(cast.alice) == 1
    assert unread_count(cast.alice, noise=True) == 2


def test_artifacts_come_with_the_message(cast: Cast) -> None:
    made = [cast.team.artifacts.create(name=f"a{i}.txt") for i in range(2)]
    message = send_message(cast.alice, to=["hal"], body="x",
                           artifacts=[made[1].pk, made[0].pk, made[1].pk])  # fmt: skip
    (copy,) = inbox(cast.hal).items
    assert as_dict(copy.message, cast.hal)["artifacts"] == sorted(a.pk for a in made)
    foreign = make_cast("elsewhere").team.artifacts.create(name="theirs.txt")
    with pytest.raises(Invalid):
        send_message(cast.alice, to=["hal"], body="x", artifacts=[made[0].pk, foreign.pk])
    assert message.team.messages.count() == 1


def test_a_fifth_reply_suggests_a_discussion_to_the_leader_once(cast: Cast) -> None:
    first = send_message(cast.hal, to=["iris"], subject="Tabs", body="Tabs?")
    for turn in range(8):
        told = Message.objects.filter(kind="system_notification").count()
        assert told == (turn >= 5)
        send_message([cast.iris, cast.hal][turn % 2], to=["bob"], body="No.", reply_to=first.pk)
    (copy,) = inbox(cast.alice).items
    assert copy.message.sender.name == "system"
    assert copy.message.payload == {"suggests": "discussion", "thread": first.pk}
    assert copy.message.root == first.pk


def test_all_leaders_get_that_suggestion_as_one_message(cast: Cast) -> None:
    change_member(cast.alice, "hal", role="leader")
    change_member(cast.alice, "bob", role="leader")
    end_seat(cast.alice, "bob")
    first = send_message(cast.iris, to=["vera"], body="Tabs?")
    for _ in range(7):
        send_message(cast.iris, to=["vera"], body="No.", reply_to=first.pk)
    told = Message.objects.get(kind="system_notification")
    assert {copy.recipient.name for copy in told.deliveries.all()} == {"alice", "hal"}


def test_each_long_thread_suggests_its_own_discussion(cast: Cast) -> None:
    for _ in range(2):
        first = send_message(cast.hal, to=["iris"], body="Tabs?")
        for _ in range(5):
            send_message(cast.iris, to=["hal"], body="No.", reply_to=first.pk)
    assert Message.objects.filter(kind="system_notification").count() == 2


def test_a_message_says_everything_as_data(cast: Cast) -> None:
    sent = send_message(cast.alice, to=["hal"], cc=["bob"], subject="S", body="B", message_id="m")
    (copy,) = inbox(cast.hal).items
    said = as_dict(copy.message, cast.hal)
    expected = {
        "id": sent.pk, "message_id": "m", "from": "alice", "to": ["hal"], "cc": ["bob"],
        "kind": "message", "subject": "S", "body": "B", "payload": None, "reply_to": None,
        "thread": sent.pk, "sent_at": sent.sent_at, "read": False,
    }  # fmt: skip
    assert {key: said[key] for key in expected} == expected
    assert [row["to"] for row in said["deliveries"]] == ["hal", "bob"]
    assert said["deliveries"][0] | {"age_seconds": 0} == {
        "to": "hal", "role": "to", "state": "sent", "age_seconds": 0, "delivered_at": None,
        "via": "", "read_at": None, "answered_at": None,
    }  # fmt: skip
    assert as_dict(sent, cast.alice)["read"] is True


def test_a_refused_message_breaks_no_later_one(cast: Cast) -> None:
    with pytest.raises(DomainError):
        send_message(cast.alice, to=["nobody-here"], body="x", message_id="m-1")
    assert send_message(cast.alice, to=["hal"], body="x", message_id="m-1")


def test_people_with_the_permission_send_whatever_their_role(cast: Cast) -> None:
    vera = seat_person(make_cast("other").team, cast.people["mallory"], role="member")
    assert roles(send_message(vera, to=["hal"], body="x")) == {"hal": "to"}


def test_what_was_just_sent_is_shown_without_asking_again(
    cast: Cast, django_assert_num_queries: Any
) -> None:
    artifact = cast.team.artifacts.create(name="a.txt")
    sent = send_message(cast.alice, to=["hal"], cc=["bob"], body="x", artifacts=[artifact.pk])
    with django_assert_num_queries(0):
        told = as_dict(whole(cast.alice, sent), cast.alice)
    for steps in (told, read := as_dict(get(cast.alice, sent.pk), cast.alice)):
        for step in steps["deliveries"]:
            step.pop("age_seconds")
    assert told == read
    again = send_message(cast.alice, to=["hal"], body="y", message_id="m")
    again = send_message(cast.alice, to=["hal"], body="y", message_id="m")
    with django_assert_num_queries(3):
        assert as_dict(whole(cast.alice, again), cast.alice)["to"] == ["hal"]


def test_a_message_that_was_sent_is_freed_without_a_look_for_garbage(cast: Cast) -> None:
    gc.disable()
    try:
        message = send_message(cast.alice, to=["bob"], body="See #1.")
        kept = weakref.ref(message)
        del message
        assert kept() is None
    finally:
        gc.enable()
