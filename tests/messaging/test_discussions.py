from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.api.briefing import brief
from apps.core.errors import Conflict, Invalid, NotAllowed, NotFound
from apps.messaging.actions import (
    cancel,
    conclude,
    open_discussion,
    send_message,
    sweep_deadlocks,
    take_turn,
)
from apps.messaging.actions.discussions import stuck
from apps.messaging.inbox import inbox
from apps.messaging.models import Discussion
from apps.messaging.shapes import discussion_as_dict
from apps.tasks.actions import create_task
from apps.teams.actions import change_member, transition_team
from apps.teams.models import Artifact, Event, Member, Team
from apps.teams.words import in_words
from tests.conftest import Cast, make_cast

NONE, LONG = timedelta(0), timedelta(days=365)


@pytest.fixture(autouse=True)
def files(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def talk(cast: Cast) -> Discussion:
    return open_discussion(cast.alice, "Tabs or spaces", ["hal", "iris"], max_rounds=2)


def subjects(member: Member) -> list[str]:
    return [message.subject for message in inbox(member).messages]


def test_opening_tells_each_participant_once(cast: Cast, journal: Callable[[], list[str]]) -> None:
    talk = open_discussion(cast.hal, "Tabs", ["hal", "Iris", "iris"])
    assert (talk.state, talk.max_rounds, talk.turns.count()) == ("active", 10, 0)
    assert {member.name for member in talk.participants.all()} == {"hal", "iris"}
    assert journal() == ["discussion.opened", "message.sent"]
    assert subjects(cast.iris) == ["hal opens a discussion: Tabs"]
    assert subjects(cast.hal) == subjects(cast.bob) == []


def test_turns_are_numbered_by_the_server(
    cast: Cast, talk: Discussion, journal: Callable[[], list[str]]
) -> None:
    assert take_turn(cast.hal, talk.pk, "Tabs.").number == 1
    assert take_turn(cast.iris, talk.pk, "Spaces.").number == 2
    assert journal() == ["discussion.turn", "discussion.turn", "message.sent"]
    event = Event.objects.filter(kind="discussion.turn").latest("seq")
    assert event.data == {"discussion": talk.pk, "state": "active", "number": 2}


def test_everybody_hears_of_the_final_round(cast: Cast, talk: Discussion) -> None:
    take_turn(cast.hal, talk.pk, "Tabs.")
    assert len(subjects(cast.iris)) == 1
    take_turn(cast.iris, talk.pk, "Spaces.")
    assert subjects(cast.hal)[-1] == subjects(cast.iris)[-1]
    message = inbox(cast.hal).messages[-1]
    assert message.subject == "The last turn is taken: Tabs or spaces"
    assert message.body == "It was turn 2. Conclude what was agreed, or cancel."


def test_all_can_see_that_the_next_turn_is_the_last(
    cast: Cast, talk: Discussion, login: Callable[[str], Client]
) -> None:
    pages = (reverse("discussions", args=["checkout"]),
             reverse("discussion", args=["checkout", talk.pk]))  # fmt: skip
    alice = login("alice")
    assert not any("the next is the last" in alice.get(page).text for page in pages)
    take_turn(cast.hal, talk.pk, "Tabs.")
    assert all("1 of 2 turns: the next is the last" in alice.get(page).text for page in pages)
    said = "hal spoke in a discussion, turn 1, the last but one"
    assert in_words(Event.objects.latest("seq")).text == said
    assert said in brief(cast.iris, since=0).data["text"]
    take_turn(cast.iris, talk.pk, "Spaces.")
    assert not any("the next is the last" in alice.get(page).text for page in pages)
    assert in_words(Event.objects.filter(kind="discussion.turn").latest("seq")).text == (
        "iris spoke in a discussion, turn 2"
    )


def test_a_turn_too_many_is_refused(
    cast: Cast, talk: Discussion, journal: Callable[[], list[str]]
) -> None:
    for member in (cast.hal, cast.iris):
        take_turn(member, talk.pk, "So.")
    before = journal()
    with pytest.raises(Conflict, match="exceeds max_rounds") as refused:
        take_turn(cast.hal, talk.pk, "But.")
    assert "Conclude" in refused.value.hint
    assert journal() == before
    assert talk.turns.count() == 2


def test_strangers_take_no_turn_and_conclude_nothing(cast: Cast, talk: Discussion) -> None:
    for stranger in (cast.bob, cast.vera):
        with pytest.raises(NotAllowed):
            take_turn(stranger, talk.pk, "Hello?")
        with pytest.raises(NotAllowed):
            conclude(stranger, talk.pk, "Mine.")
        with pytest.raises(NotAllowed):
            cancel(stranger, talk.pk)
    with pytest.raises(NotAllowed):
        take_turn(cast.alice, talk.pk, "I only opened it.")
    assert talk.turns.count() == 0


def test_an_outcome_is_kept_as_an_artifact_of_the_card(cast: Cast) -> None:
    number = 12
    Team.objects.filter(pk=cast.team.pk).update(task_watermark=number)
    talk = open_discussion(cast.alice, "Tabs", ["hal", "iris"], task=number)
    take_turn(cast.hal, talk.pk, "Tabs are **right**.")
    conclude(cast.iris, talk.pk, "Tabs it is.", agreed_by=["HAL", "iris"], dissent="Widths.")
    talk.refresh_from_db()
    assert (talk.state, talk.conclusion, talk.dissent) == ("concluded", "Tabs it is.", "Widths.")
    assert talk.agreed_by == ["hal", "iris"]
    artifact = Artifact.objects.get()
    assert talk.artifact == artifact
    assert (artifact.task, artifact.name) == (number, "Session conclusion: Tabs")
    assert artifact.content_type == "text/markdown"
    with artifact.content.open() as file:
        text = file.read().decode()
    assert artifact.size == len(text.encode())
    for part in ("Tabs it is.", "Agreed by: hal, iris", "Widths.", "Tabs are **right**."):
        assert part in text
    assert list(Event.objects.order_by("-seq").values_list("kind", flat=True)[:2]) == [
        "discussion.concluded", "artifact.added",
    ]  # fmt: skip


def test_the_card_leads_to_its_discussion_and_that_to_its_outcome(
    cast: Cast, login: Callable[[str], Client]
) -> None:
    create_task(cast.alice, "Indent")
    talk = open_discussion(cast.alice, "Tabs", ["hal", "iris"], task=1)
    take_turn(cast.hal, talk.pk, "Tabs.")
    alice = login("alice")
    card = alice.get(reverse("task", args=["checkout", 1])).text
    href = reverse("discussion", args=["checkout", talk.pk])
    assert f'href="{href}">Tabs</a>' in card
    assert f'href="{href}">a discussion</a>, turn 1' in card
    conclude(cast.hal, talk.pk, "Tabs it is.")
    kept = Artifact.objects.get()
    page = alice.get(href).text
    shown = reverse("artifact_preview", args=["checkout", kept.pk])
    assert f'Kept as <a href="{shown}">“Session conclusion: Tabs”</a>, version 1.' in page
    assert "Tabs it is." in alice.get(shown).text
    Artifact.objects.update(deleted_at=timezone.now())
    assert "Kept as “Session conclusion: Tabs”" in alice.get(href).text


def test_outcomes_of_one_topic_are_versions(cast: Cast) -> None:
    for _ in range(2):
        talk = open_discussion(cast.alice, "Tabs", ["hal", "iris"])
        conclude(cast.hal, talk.pk, "Tabs.")
    assert list(Artifact.objects.values_list("task", "version")) == [(None, 1), (None, 2)]


def test_who_opened_it_may_conclude(cast: Cast, talk: Discussion) -> None:
    assert conclude(cast.alice, talk.pk, "Enough.").state == "concluded"


@pytest.mark.parametrize("end", [cancel, lambda member, pk: conclude(member, pk, "Yes.")])
def test_what_has_ended_takes_neither_turn_nor_end(
    cast: Cast, talk: Discussion, end: Any, journal: Callable[[], list[str]]
) -> None:
    end(cast.hal, talk.pk)
    before = journal()
    for again in (
        lambda: take_turn(cast.hal, talk.pk, "But."),
        lambda: cancel(cast.hal, talk.pk),
        lambda: conclude(cast.hal, talk.pk, "No."),
    ):
        with pytest.raises(Conflict) as refused:
            again()
        state = Discussion.objects.get(pk=talk.pk).state
        assert refused.value.code == "wrong_state"
        assert state in refused.value.message
    assert journal() == before


def test_one_may_be_cancelled_while_another_goes_on(cast: Cast, talk: Discussion) -> None:
    other = open_discussion(cast.alice, "Names", ["hal", "bob"])
    cancel(cast.alice, talk.pk)
    assert list(cast.team.discussions.open()) == [other]


def test_a_leader_may_cancel_any(cast: Cast) -> None:
    talk = open_discussion(cast.hal, "Tabs", ["hal", "iris"])
    assert cancel(cast.alice, talk.pk).state == "cancelled"


def test_used_up_and_idle_ones_are_deadlocked_once(cast: Cast, talk: Discussion) -> None:
    fresh = open_discussion(cast.alice, "Names", ["hal", "iris"])
    for member in (cast.hal, cast.iris):
        take_turn(member, talk.pk, "So.")
    assert stuck() == []
    assert sweep_deadlocks(cast.team, grace=NONE, stale=LONG) == [talk]
    assert sweep_deadlocks(cast.team, grace=NONE, stale=LONG) == []
    fresh.refresh_from_db()
    talk.refresh_from_db()
    assert (talk.state, talk.ended_at, fresh.state) == ("deadlocked", None, "active")
    assert subjects(cast.alice) == subjects(cast.hal)[-1:] == ["Deadlocked: Tabs or spaces"]
    with pytest.raises(Conflict, match="deadlocked"):
        take_turn(cast.hal, talk.pk, "But.")
    assert conclude(cast.hal, talk.pk, "Both.").state == "concluded"
    assert Event.objects.filter(kind="discussion.deadlocked").count() == 1


def test_silent_ones_are_deadlocked_after_longer(cast: Cast, talk: Discussion) -> None:
    other = make_cast("elsewhere")
    theirs = open_discussion(other.alice, "Names", ["hal", "iris"])
    assert stuck(grace=LONG, stale=timedelta(hours=1)) == []
    assert set(stuck(grace=LONG, stale=NONE)) == {talk.pk, theirs.pk}
    assert sweep_deadlocks(cast.team, grace=LONG, stale=NONE) == [talk]


def test_disbanding_cancels_what_is_open(cast: Cast, talk: Discussion) -> None:
    other = make_cast("elsewhere")
    theirs = open_discussion(other.alice, "Names", ["hal", "iris"])
    second = open_discussion(cast.alice, "Names", ["hal", "bob"])
    transition_team(cast.alice, "disbanded")
    assert set(Discussion.objects.filter(state="cancelled")) == {talk, second}
    assert list(Discussion.objects.open()) == [theirs]


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"topic": " "}, "topic"),
    ({"topic": "t" * 201}, "topic"),
    ({"participants": ["hal"]}, "participants"),
    ({"participants": []}, "participants"),
    ({"participants": ["hal", "haal"]}, "participants"),
    ({"max_rounds": 0}, "max_rounds"),
    ({"max_rounds": 1001}, "max_rounds"),
    ({"task": 99}, "task"),
]  # fmt: skip


@pytest.mark.parametrize(("values", "field"), REFUSED)
def test_what_cannot_be_opened_is_refused_by_field(
    cast: Cast, values: dict[str, Any], field: str, journal: Callable[[], list[str]]
) -> None:
    with pytest.raises(Invalid) as refused:
        open_discussion(cast.alice, **({"topic": "T", "participants": ["hal", "iris"]} | values))
    assert list(refused.value.fields) == [field]
    assert journal() == []
    assert not Discussion.objects.exists()


def test_empty_words_are_refused(cast: Cast, talk: Discussion) -> None:
    for body in ("", " ", "x" * 100_001, "a\0b"):
        with pytest.raises(Invalid):
            take_turn(cast.hal, talk.pk, body)
        with pytest.raises(Invalid):
            conclude(cast.hal, talk.pk, body)
    with pytest.raises(Invalid):
        conclude(cast.hal, talk.pk, "Yes.", agreed_by=["haal"])
    assert Discussion.objects.get(pk=talk.pk).state == "active"


def test_observers_open_none_and_other_teams_see_none(cast: Cast, talk: Discussion) -> None:
    with pytest.raises(NotAllowed):
        open_discussion(cast.vera, "T", ["hal", "iris"])
    other = make_cast("elsewhere")
    for number in (talk.pk, 10**9, 2**70):
        with pytest.raises(NotFound):
            take_turn(other.hal, number, "x")
    foreign = send_message(other.alice, to=["hal"], body="x")
    with pytest.raises(NotFound):
        open_discussion(cast.alice, "T", ["hal", "iris"], thread=foreign.pk)


def test_who_may_not_write_is_not_chosen_and_takes_no_turn(cast: Cast, talk: Discussion) -> None:
    with pytest.raises(Invalid) as info:
        open_discussion(cast.alice, "T", ["hal", "vera"])
    assert info.value.fields["participants"].startswith("vera may not send messages here")
    change_member(cast.alice, "iris", denied=["send_messages"])
    for act in (take_turn, conclude):
        with pytest.raises(NotAllowed) as refused:
            act(cast.iris, talk.pk, "Tabs.")
        assert refused.value.details["permission"] == "send_messages"
    assert talk.turns.count() == 0


def test_a_discussion_says_everything_as_data(cast: Cast) -> None:
    first = send_message(cast.hal, to=["iris"], body="Tabs?")
    reply = send_message(cast.iris, body="No.", reply_to=first.pk)
    talk = open_discussion(cast.alice, "Tabs", ["hal", "iris"], thread=reply.pk)
    turn = take_turn(cast.hal, talk.pk, "Tabs.")
    said = discussion_as_dict(Discussion.objects.visible_to(cast.bob).numbered(talk.pk))
    assert said["thread"] == first.pk
    assert sorted(said["participants"]) == ["hal", "iris"]
    assert said["turns"] == [{"number": 1, "from": "hal", "body": "Tabs.", "at": turn.at}]
