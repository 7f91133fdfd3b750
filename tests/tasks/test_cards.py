"""Making and editing cards, labels, comments."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from apps.core.errors import Conflict, Invalid, NotAllowed
from apps.messaging.models import Message
from apps.tasks import actions
from apps.tasks.models import Comment, Label, Task
from apps.teams import actions as teams
from apps.teams.models import Event, Member, Team
from tests.conftest import Cast, make_cast
from tests.refusing import refused

Journal = Callable[[], list[str]]


def card(cast: Cast, number: int = 1) -> Task:
    return Task.objects.select_related("owner", "team").get(team=cast.team, number=number)


def last_event(cast: Cast, kind: str = "") -> Event:
    found = Event.objects.filter(team=cast.team)
    return (found.filter(kind=kind) if kind else found).latest("seq")


def labels(task: Task) -> set[str]:
    return set(task.labels.values_list("name", flat=True))


# Create


def test_a_bare_card(cast: Cast, journal: Journal) -> None:
    actions.create_task(cast.alice, "  Write\nthe  tests ")
    task = card(cast)
    assert (task.number, task.subject, task.column) == (1, "Write the tests", "todo")
    assert (task.owner, task.priority, task.version, task.created_by) == (None, 1, 1, cast.alice)
    assert (task.description, task.metadata, task.due, labels(task)) == ("", {}, None, set())
    assert journal() == ["task.created"]
    assert last_event(cast).data == {
        "task": 1, "column": "todo", "subject": "Write the tests",
    }  # fmt: skip


def test_a_full_card(cast: Cast, journal: Journal) -> None:
    for subject in ("One", "Two"):
        actions.create_task(cast.alice, subject)
    actions.create_task(
        cast.alice, "Third", description=" As it is.\n", owner="HAL", priority="High",
        labels=["bug", " ui "], blocked_by=[1], related=[2], due=date(2030, 1, 2),
        active_form="Writing", metadata={"a": 1, "b": None},
    )  # fmt: skip
    task = card(cast, 3)
    assert (task.description, task.owner, task.priority) == (" As it is.\n", cast.hal, 2)
    assert (labels(task), task.due, task.active_form) == (
        {"bug", "ui"},
        date(2030, 1, 2),
        "Writing",
    )
    assert task.metadata == {"a": 1}
    assert [edge.blocker.number for edge in task.waiting_on.all()] == [1]
    assert [other.number for other in card(cast, 2).related.all()] == [3]
    assert journal() == ["task.created", "task.created", "task.created", "message.sent"]
    assert last_event(cast, "task.created").data["affects"] == [1, 2]
    assert (card(cast, 1).version, card(cast, 2).version, task.version) == (2, 2, 1)


def test_the_newest_card_is_on_top(cast: Cast) -> None:
    for subject in ("One", "Two", "Three"):
        actions.create_task(cast.alice, subject)
    todo = Task.objects.visible_to(cast.alice).in_column("todo")
    assert [task.number for task in todo] == [3, 2, 1]


def test_a_number_is_never_used_again(cast: Cast) -> None:
    for subject in ("One", "Two"):
        actions.create_task(cast.alice, subject)
    Task.objects.filter(number=2).delete()
    with refused(Invalid):
        actions.create_task(cast.alice, "")
    assert actions.create_task(cast.alice, "Three").number == 3
    assert Team.objects.get(pk=cast.team.pk).task_watermark == 3
    other = make_cast("payment")
    assert actions.create_task(other.alice, "First").number == 1


@pytest.mark.parametrize("who", ["alice", "bob", "hal", "iris"])
def test_who_makes_and_edits_cards(who: str, cast: Cast) -> None:
    actor: Member = getattr(cast, who)
    actions.create_task(actor, "Card")
    assert actions.edit_task(actor, 1, subject="Other").subject == "Other"


def test_an_observer_makes_and_edits_none(cast: Cast) -> None:
    actions.create_task(cast.alice, "Card")
    for act in (
        lambda: actions.create_task(cast.vera, "Mine"),
        lambda: actions.edit_task(cast.vera, 1, subject="Mine"),
        lambda: actions.add_blocker(cast.vera, 1, 1),
        lambda: actions.remove_blocker(cast.vera, 1, 1),
        lambda: actions.relate(cast.vera, 1, 1),
        lambda: actions.unrelate(cast.vera, 1, 1),
        lambda: actions.position_task(cast.vera, 1, before=1),
        lambda: actions.comment(cast.vera, 1, "Hm."),
    ):
        with refused(NotAllowed):
            act()


BAD: list[tuple[str, Any]] = [
    ("subject", ""), ("subject", " \n"), ("subject", "x" * 201), ("subject", "nul\0"),
    ("subject", "half \ud800"), ("description", "x" * 50_001), ("description", "\0"),
    ("active_form", "x" * 201), ("priority", "urgent"), ("priority", 4), ("priority", -1),
    ("priority", "9"), ("owner", "nobody"), ("owner", "vera"), ("owner", "system"),
    ("blocked_by", [99]), ("related", [99]), ("labels", ["x" * 41]), ("labels", ["a\0"]),
    ("labels", [str(n) for n in range(13)]), ("metadata", {"a": object()}),
    ("metadata", {"a": float("nan")}), ("metadata", {"a": "\0"}), ("metadata", {"\0": 1}),
    ("metadata", {"a": "x" * 200_001}),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value"), BAD)
def test_values_that_no_card_has(field: str, value: Any, cast: Cast) -> None:
    actions.create_task(cast.alice, "Card")
    with refused(Invalid) as info:
        actions.create_task(cast.alice, **{"subject": "Card", field: value})
    assert set(info.value.fields) == {field}
    with refused(Invalid) as info:
        actions.edit_task(cast.alice, 1, **{field: value})
    assert set(info.value.fields) == {field}
    assert Task.objects.count() == 1
    assert card(cast).version == 1


def test_text_that_merely_looks_like_an_escape_is_kept(cast: Cast) -> None:
    actions.create_task(cast.alice, "Card", metadata={"regex": "\\u0000"})
    assert card(cast).metadata == {"regex": "\\u0000"}


def test_several_wrong_values_are_told_at_once(cast: Cast) -> None:
    with refused(Invalid) as info:
        actions.create_task(cast.alice, "", priority="urgent", description="x" * 50_001)
    assert set(info.value.fields) == {"subject", "priority", "description"}


@pytest.mark.parametrize(
    ("value", "priority"),
    [("low", 0), ("NORMAL", 1), (" high ", 2), (3, 3), ("3", 3), (Task.Priority.LOW, 0)],
)
def test_priorities_by_word_or_number(value: Any, priority: int, cast: Cast) -> None:
    assert actions.create_task(cast.alice, "Card", priority=value).priority == priority


def test_an_ended_seat_owns_nothing_new(cast: Cast) -> None:
    teams.end_seat(cast.alice, "hal")
    with refused(Invalid) as info:
        actions.create_task(cast.alice, "Card", owner="hal")
    assert set(info.value.fields) == {"owner"}


def test_an_unknown_owner_is_refused_with_the_closest_name(cast: Cast) -> None:
    for name, hint in (
        ("irs", "Did you mean iris?"),
        ("zzz", "Those who work are: alice, bob, hal, iris."),
    ):
        with pytest.raises(Invalid, match=f"no member “{name}”") as info:
            actions.create_task(cast.alice, "One", owner=name)
        assert info.value.hint.startswith(hint)
    Member.objects.update(denied=["work"])
    with pytest.raises(Invalid) as info:
        actions.create_task(cast.alice, "One", owner="zzz")
    assert info.value.hint == "Nobody works here yet."


def test_the_new_owner_is_told(cast: Cast) -> None:
    actions.create_task(cast.alice, "Card", description="All of it.", owner="hal")
    message = Message.objects.get()
    assert (message.kind, message.sender, message.tasks) == ("task_assignment", cast.alice, [1])
    assert message.payload == {
        "task_id": "1", "subject": "Card", "description": "All of it.", "assigned_by": "alice",
    }  # fmt: skip
    assert [copy.recipient for copy in message.deliveries.all()] == [cast.hal]


def test_nobody_is_told_what_they_did_themselves(cast: Cast, journal: Journal) -> None:
    actions.create_task(cast.hal, "Mine", owner="hal")
    actions.edit_task(cast.hal, 1, owner=None)
    actions.edit_task(cast.hal, 1, owner="hal")
    assert journal() == ["task.created", "task.edited", "task.edited"]


# Edit


def test_editing(cast: Cast, journal: Journal) -> None:
    actions.create_task(cast.alice, "Card", labels=["bug"])
    actions.edit_task(
        cast.bob, 1, subject="Other", priority="critical", due=date(2030, 1, 2), labels=["ui"],
        active_form="Writing",
    )  # fmt: skip
    task = card(cast)
    assert (task.subject, task.priority, task.due, labels(task), task.version) == (
        "Other", 3, date(2030, 1, 2), {"ui"}, 2,
    )  # fmt: skip
    assert journal() == ["task.created", "task.edited"]
    event = last_event(cast)
    assert event.actor == cast.bob
    assert event.data["changed"] == ["active_form", "due", "labels", "priority", "subject"]


def test_an_edit_that_changes_nothing_is_no_event(cast: Cast, journal: Journal) -> None:
    actions.create_task(cast.alice, "Card", owner="hal", labels=["bug"], metadata={"a": 1})
    actions.create_task(cast.alice, "Other", blocked_by=[1], related=[1])
    before = journal()
    actions.edit_task(
        cast.alice, 1, subject=" Card ", owner="HAL", labels=["bug"], metadata={"a": 1, "b": None}
    )
    actions.edit_task(cast.alice, 2, blocked_by=[1], related=[1])
    actions.edit_task(cast.alice, 2)
    assert journal() == before


def test_a_value_that_is_no_card_s_is_refused(cast: Cast) -> None:
    actions.create_task(cast.alice, "Card")
    for field in ("status", "review_state", "version", "team"):
        with refused(Invalid) as info:
            actions.edit_task(cast.alice, 1, **{field: 1})
        assert set(info.value.fields) == {field}


def test_metadata_is_merged_and_a_null_deletes(cast: Cast) -> None:
    actions.create_task(cast.alice, "Card", metadata={"key1": 1, "key2": 2, "kept": {"x": 1}})
    actions.edit_task(cast.alice, 1, metadata={"key1": "new", "key2": None, "key3": [3]})
    assert card(cast).metadata == {"key1": "new", "kept": {"x": 1}, "key3": [3]}


def test_a_stale_edit_is_refused(cast: Cast) -> None:
    actions.create_task(cast.alice, "Card")
    assert actions.edit_task(cast.alice, 1, expected_version=1, subject="First").version == 2
    with refused(Conflict, "stale") as info:
        actions.edit_task(cast.bob, 1, expected_version=1, subject="Second")
    assert info.value.details["version"] == 2
    assert card(cast).subject == "First"


def test_a_refused_edit_changes_nothing_at_all(cast: Cast) -> None:
    actions.create_task(cast.alice, "Card", owner="hal", labels=["bug"])
    actions.create_task(cast.alice, "Other")
    with refused(Invalid):
        actions.edit_task(cast.alice, 1, subject="New", labels=["ui"], blocked_by=[2, 99])
    task = card(cast)
    assert (task.subject, labels(task), task.waiting_on.count()) == ("Card", {"bug"}, 0)
    assert not Label.objects.filter(name="ui").exists()


def test_giving_a_card_away(cast: Cast, journal: Journal) -> None:
    actions.create_task(cast.hal, "Card", owner="hal")
    with refused(NotAllowed) as info:
        actions.edit_task(cast.iris, 1, owner="iris")
    assert "belongs to hal" in info.value.message
    actions.edit_task(cast.hal, 1, owner="iris")
    assert card(cast).owner == cast.iris
    assert last_event(cast, "task.edited").data["owner"] == "iris"
    actions.edit_task(cast.bob, 1, owner="hal")
    told = [
        (message.kind, message.deliveries.get().recipient.name)
        for message in Message.objects.order_by("pk")
    ]
    assert told == [
        ("task_assignment", "iris"), ("system_notification", "iris"), ("task_assignment", "hal"),
    ]  # fmt: skip
    assert journal() == [
        "task.created", "task.edited", "message.sent", "task.edited", "message.sent",
        "message.sent",
    ]  # fmt: skip


def test_running_work_is_not_made_nobody_s_by_an_edit(cast: Cast) -> None:
    actions.create_task(cast.alice, "Card")
    actions.claim_task(cast.hal, 1)
    with refused(Conflict, "wrong_state") as info:
        actions.edit_task(cast.alice, 1, owner=None)
    assert info.value.hint == "Release it to make it nobody's."
    assert actions.edit_task(cast.alice, 1, owner="iris").owner == cast.iris


def test_handing_running_work_over_is_a_start(cast: Cast) -> None:
    for _ in range(2):
        actions.create_task(cast.alice, "Card")
    actions.claim_task(cast.hal, 1)
    actions.claim_task(cast.iris, 2)
    teams.change_member(cast.alice, "iris", plan_mode_required=True)
    with refused(Conflict, "plan_required"):
        actions.edit_task(cast.alice, 1, owner="iris")
    teams.change_member(cast.alice, "iris", plan_mode_required=False)
    teams.change_team(cast.alice, wip_per_member=1)
    with refused(Conflict, "wip_limit"):
        actions.edit_task(cast.alice, 1, owner="iris")


# Labels


def test_labels_are_words_of_the_team(cast: Cast) -> None:
    actions.create_task(cast.alice, "One", labels=["bug", "needs  care", "bug"])
    actions.create_task(cast.alice, "Two", labels=["bug"])
    assert labels(card(cast, 1)) == {"bug", "needs care"}
    assert Label.objects.filter(team=cast.team).count() == 2
    actions.create_task(make_cast("payment").alice, "Theirs", labels=["bug"])
    assert Label.objects.filter(name="bug").count() == 2
    actions.edit_task(cast.alice, 1, labels=[])
    assert labels(card(cast, 1)) == set()
    assert labels(card(cast, 2)) == {"bug"}


def test_a_label_is_one_whatever_its_case_and_the_first_spelling_stays(
    cast: Cast, journal: Journal
) -> None:
    actions.create_task(cast.alice, "One", labels=["Straße", "STRASSE", "Ärger"])
    actions.create_task(cast.bob, "Two", labels=["strasse", "ÄRGER", "new"])
    assert labels(card(cast, 1)) == {"Straße", "Ärger"}
    assert labels(card(cast, 2)) == {"Straße", "Ärger", "new"}
    before = journal()
    assert actions.edit_task(cast.alice, 1, labels=["ärger", "STRASSE "]).version == 1
    assert journal() == before


def test_a_label_that_no_card_has_any_more_takes_a_new_spelling(cast: Cast) -> None:
    actions.create_task(cast.alice, "One", labels=["aPi"])
    actions.edit_task(cast.alice, 1, labels=[])
    actions.edit_task(cast.alice, 1, labels=["API"])
    assert labels(card(cast, 1)) == {"API"}
    assert Label.objects.count() == 1


# Comments


def test_a_comment(cast: Cast, journal: Journal) -> None:
    actions.create_task(cast.alice, "Card")
    remark = actions.comment(cast.hal, 1, "  I **saw** it.\n")
    assert (remark.body, remark.author, remark.kind) == ("I **saw** it.", cast.hal, "regular")
    task = card(cast)
    assert (task.comment_count, task.version) == (1, 2)
    assert journal() == ["task.created", "comment.added"]
    assert last_event(cast).data == {"task": 1, "comment": remark.pk}


def test_the_owner_hears_of_a_comment(cast: Cast, journal: Journal) -> None:
    actions.create_task(cast.hal, "Card", owner="hal")
    actions.comment(cast.hal, 1, "Mine.")
    actions.comment(cast.bob, 1, "Look here.")
    assert journal() == ["task.created", "comment.added", "comment.added", "message.sent"]
    message = Message.objects.get()
    assert (message.sender, message.body, message.tasks) == (cast.bob, "Look here.", [1])
    assert message.deliveries.get().recipient == cast.hal


@pytest.mark.parametrize("body", ["", " \n ", "x" * 20_001, "nul \0"])
def test_comments_that_are_refused(body: str, cast: Cast) -> None:
    actions.create_task(cast.alice, "Card")
    with refused(Invalid) as info:
        actions.comment(cast.hal, 1, body)
    assert set(info.value.fields) == {"body"}
    assert Comment.objects.count() == 0


@pytest.fixture
def shelf(settings: Any, tmp_path: Path) -> None:
    """Bytes go to a directory of the test."""
    settings.MEDIA_ROOT = tmp_path


def test_a_comment_with_artifacts_needs_no_words(cast: Cast, shelf: None, journal: Journal) -> None:
    actions.create_task(cast.hal, "Card", owner="hal")
    kept = [teams.add_artifact(cast.bob, name, b"a", task=1) for name in ("a.txt", "b.txt")]
    remark = actions.comment(cast.bob, 1, " ", artifacts=[kept[1].pk, kept[0].pk, kept[0].pk])
    assert (remark.body, set(remark.artifacts.all())) == ("", set(kept))
    assert set(Message.objects.get().artifacts.all()) == set(kept)
    assert journal()[1:] == ["artifact.added", "artifact.added", "comment.added", "message.sent"]


def test_artifacts_that_a_comment_cannot_have(cast: Cast, shelf: None) -> None:
    actions.create_task(cast.alice, "Card")
    gone = teams.add_artifact(cast.hal, "gone.txt", b"a")
    teams.delete_artifact(cast.hal, gone.pk)
    theirs = teams.add_artifact(make_cast("payment").hal, "theirs.txt", b"a")
    for pks in ([gone.pk], [theirs.pk], [0], list(range(1, 102))):
        with refused(Invalid) as info:
            actions.comment(cast.hal, 1, "Look.", artifacts=pks)
        assert set(info.value.fields) == {"artifacts"}
    assert Comment.objects.count() == 0
