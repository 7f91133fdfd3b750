"""Teams of every epoch, taken over once and again."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.claude.intake import Taken, take_in_home
from apps.claude.models import CardFile, TeamFiles
from apps.messaging.models import Delivery, Message
from apps.reviews.actions import approve, request_review, withdraw_review
from apps.reviews.models import Review
from apps.tasks.actions import create_task, edit_task, position_task
from apps.tasks.models import Comment, Dependency, Task
from apps.teams.access import seat_of
from apps.teams.actions import change_team, transition_team
from apps.teams.models import Event, Member, Team, User
from apps.teams.models.member import Presence
from apps.teams.words import in_words
from tests.claude.trees import START, Home, at, lead, member, put, row

pytestmark = pytest.mark.django_db
FIXTURES = Path(__file__).resolve().parents[3] / "shared" / "fixtures" / "claude-home"
MODELS = (Team, Member, Event, Task, Dependency, Comment, Message, Delivery, TeamFiles, CardFile)
SHUTDOWN = {"type": "shutdown_approved", "requestId": "shutdown-1@hal", "from": "hal"}
IDLE = {"type": "idle_notification", "from": "hal", "idleReason": "available"}


def take(home: Home | Path) -> dict[str, Taken]:
    """Take in a home; what came of each folder."""
    path = home.path if isinstance(home, Home) else home
    return {taken.folder: taken for taken in take_in_home(path)}


def everything() -> dict[str, list[Any]]:
    """Every row of every table that an import writes to."""
    return {
        model.__name__: list(model._default_manager.order_by("pk").values()) for model in MODELS
    }


def kinds(team: Team) -> Counter[str]:
    """The journal by kind; checks that no number is missing."""
    rows = list(team.events.order_by("seq"))
    assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
    return Counter(row.kind for row in rows)


@pytest.fixture
def crew(home: Home) -> Home:
    """A chosen team of the first epoch with two workers, three cards and some talk."""
    home.config(member("hal", planModeRequired=True), member("iris", color="green"))
    home.task(1, "Lay the floor", status="completed", owner="hal", blocks=["2"], minutes=5)
    home.task(2, "Paint the wall", owner="iris", blockedBy=["1"], activeForm="Painting")
    home.task(3, "hal", metadata={"_internal": True}, status="in_progress")
    home.inbox("hal", row("team-lead", "Start with #1", 1, summary="Start", read=True))
    home.inbox("team-lead", row("hal", IDLE, 2, color="blue", read=True), row("hal", "Done.", 6))
    return home


def test_a_chosen_team_becomes_a_board(crew: Home) -> None:
    taken = take(crew)["crew"]
    team = Team.objects.get(slug="crew")
    assert taken.is_new
    assert (team.state, team.name, team.source) == ("active", "crew", "claude")
    assert team.created_at == START
    seats = {m.name: m for m in team.members.seated()}
    assert {n: m.role for n, m in seats.items()} == {
        "team-lead": "leader", "hal": "member", "iris": "member",
    }  # fmt: skip
    assert seats["hal"].plan_mode_required
    assert not seats["iris"].plan_mode_required
    assert (seats["iris"].color, seats["iris"].model) == ("green", "claude-sonnet")
    assert (seats["hal"].prompt, seats["hal"].cwd) == ("You are hal.", "/p")
    shown = Task.objects.filter(team=team).on_board()
    assert {task.number: (task.column.value, str(task.owner)) for task in shown} == {
        1: ("done", "hal"), 2: ("todo", "iris"),
    }  # fmt: skip
    floor, wall = shown.order_by("number")
    assert list(floor.blocking.values_list("blocked__number", flat=True)) == [2]
    assert wall.active_form == "Painting"
    assert floor.completed_at is not None
    assert floor.completed_at.isoformat() == at(5).replace(".000Z", "+00:00")
    assert Task.objects.get(team=team, number=3).internal
    assert team.task_watermark == 3


def test_messages_keep_their_time_their_reader_and_their_noise(crew: Home) -> None:
    take(crew)
    sent = list(Message.objects.order_by("pk"))
    assert [(m.sender.name, m.kind, m.body) for m in sent] == [
        ("team-lead", "message", "Start with #1"), ("hal", "idle_notification", ""),
        ("hal", "message", "Done."),
    ]  # fmt: skip
    assert sent[0].subject == "Start"
    assert sent[0].tasks == [1]
    assert sent[1].payload == {"from": "hal", "idle_reason": "available"}
    copies = [m.deliveries.get() for m in sent]
    assert [c.recipient.name for c in copies] == ["hal", "team-lead", "team-lead"]
    assert [c.noise for c in copies] == [False, True, False]
    assert [bool(c.read_at) for c in copies] == [True, True, False]
    assert all(
        c.via == "file" and c.delivered_at == m.sent_at for c, m in zip(copies, sent, strict=True)
    )
    assert sent[2].sent_at.isoformat() == at(6).replace(".000Z", "+00:00")


def test_the_journal_tells_what_came(crew: Home) -> None:
    take(crew)
    team = Team.objects.get(slug="crew")
    assert kinds(team) == {
        "team.created": 1, "member.joined": 3, "task.observed": 3, "message.sent": 3,
    }  # fmt: skip
    sent = team.events.filter(kind="message.sent").order_by("seq")
    assert [event.actor.name for event in sent if event.actor] == ["team-lead", "hal", "hal"]
    assert sent[1].data["noise"] is True
    assert sent[2].data["to"] == ["team-lead"]


def test_every_line_of_the_journal_reads(crew: Home) -> None:
    put(crew.work / "8.json", "[]")
    crew.inbox("nobody", row("hal", "Anyone?", 1))
    take(crew)
    team = Team.objects.get(slug="crew")
    shown = {in_words(event).text for event in team.events.select_related("actor", "team")}
    assert "The system founded the team" in shown
    assert "The system brought in #1 “Lay the floor”, in Done" in shown
    assert "hal joined as member" in shown
    assert any(
        text.startswith("The system cannot use the file tasks/crew/8.json") for text in shown
    )
    assert "The system noted nobody, who had left before" in shown


def test_a_second_import_changes_nothing_at_all(crew: Home) -> None:
    crew.inbox("broken", "no row")
    put(crew.work / "9.json", '{"id": "9", "subj')
    first = take(crew)["crew"]
    before = everything()
    second = take(crew)["crew"]
    assert first.has_news
    assert not second.has_news
    assert everything() == before


@pytest.mark.skipif(not FIXTURES.is_dir(), reason="the captured teams are not here")
def test_captured_teams_come_out_as_they_were() -> None:
    take(FIXTURES)
    analysis, goose = (
        Team.objects.get(slug="analysis-team"),
        Team.objects.get(name="humble-chasing-goose"),
    )
    shown = Task.objects.filter(team=analysis).on_board()
    assert [task.column.value for task in shown] == ["done"] * 4
    assert Task.objects.get(team=analysis, number=6).internal
    ended = [m.name for m in analysis.members.seated() if m.presence() is Presence.TERMINATED]
    assert len(ended) == 4
    assert "team-lead" not in ended
    leader = analysis.members.get(role="leader")
    assert leader.deliveries.count() == 16
    assert not goose.tasks.exists()
    assert not goose.members.filter(terminated_at__isnull=False).exists()
    assert goose.members.get(role="leader").deliveries.count() == 4
    workers = goose.members.seated().filter(role="member")
    asked = [list(m.deliveries.values_list("message__kind", flat=True)) for m in workers]
    assert asked == [["shutdown_request"]] * 2
    before = everything()
    take(FIXTURES)
    assert everything() == before


def test_a_session_team_has_no_model_for_its_lead_and_may_be_drained(tmp_path: Path) -> None:
    home = Home(tmp_path, "session-0a0a0a0a")
    leader = lead(home.team, tmuxPaneId="leader", backendType="in-process")
    del leader["model"]
    home.config(member("hal"), members=[leader, member("hal")])
    home.inbox("hal")
    take(home)
    team = Team.objects.get(slug="session-0a0a0a0a")
    assert TeamFiles.objects.get(team=team).epoch == 2
    assert team.members.get(name="team-lead").model == ""
    assert not Message.objects.exists()


def test_rows_that_are_numbered_keep_their_number(home: Home) -> None:
    home.config(member("hal"))
    numbered = {"msgV": 1, "msg_id": "5b0c", "type": "message"}
    home.inbox("hal", row("team-lead", "Go on", 1, **numbered))
    take(home)
    message = Message.objects.get()
    assert message.message_id == "5b0c"
    assert message.native is not None
    assert message.native["msgV"] == 1
    assert TeamFiles.objects.get().epoch == 3


def test_a_drained_row_stays_here_and_is_not_read_twice(home: Home) -> None:
    home.config(member("hal"))
    home.inbox("hal", row("team-lead", "Go on", 1))
    take(home)
    home.inbox("hal", row("team-lead", "Go on", 1, read=True), row("team-lead", "And stop", 2))
    news = take(home)["crew"].mail
    assert (news.stored, news.read) == (1, 1)
    home.inbox("hal")
    assert not take(home)["crew"].has_news
    assert Message.objects.count() == 2
    assert kinds(Team.objects.get())["message.read"] == 1


def test_a_broadcast_is_one_message_with_a_copy_for_each(home: Home) -> None:
    home.config(member("hal"), member("iris"))
    home.inbox("hal", row("team-lead", "All stop", 1))
    take(home)
    home.inbox("iris", row("team-lead", "All stop", 1, read=True))
    news = take(home)["crew"].mail
    assert (news.stored, news.added) == (0, 1)
    message = Message.objects.get()
    assert message.kind == "broadcast"
    assert {d.recipient.name: bool(d.read_at) for d in message.deliveries.all()} == {
        "hal": False, "iris": True,
    }  # fmt: skip
    before = everything()
    take(home)
    assert everything() == before


def test_only_the_difference_comes_the_next_time(crew: Home) -> None:
    take(crew)
    team = Team.objects.get(slug="crew")
    seq = team.seq
    crew.task(2, "Paint the wall", owner="iris", blockedBy=["1"], activeForm="Painting",
              status="in_progress", minutes=9)  # fmt: skip
    crew.task(4, "Hang the door", blockedBy=["2"], minutes=10)
    crew.config(member("hal", planModeRequired=True), member("iris", color="green"), member("joe"))
    taken = take(crew)["crew"]
    assert (taken.cards.created, taken.cards.changed) == ([4], [2])
    new = team.events.filter(seq__gt=seq).order_by("seq")
    assert [(e.kind, e.task) for e in new] == [
        ("member.joined", None), ("task.observed", 4), ("task.observed", 2),
    ]  # fmt: skip
    changed = new[2]
    assert changed.data["changed"] == ["status"]
    assert (changed.data["from"], changed.data["column"]) == ("todo", "in_progress")
    assert Dependency.objects.get(blocked__number=4).blocker.number == 2


def test_what_was_changed_here_stays_until_the_file_says_something_new(crew: Home) -> None:
    take(crew)
    team = Team.objects.get(slug="crew")
    leader = team.members.get(role="leader")
    edit_task(leader, 2, subject="Paint it green", owner="hal")
    take(crew)
    wall = Task.objects.with_people().get(team=team, number=2)
    assert (wall.subject, str(wall.owner)) == ("Paint it green", "hal")
    crew.task(2, "Paint the wall", owner="iris", status="in_progress", blockedBy=["1"],
              activeForm="Painting")  # fmt: skip
    take(crew)
    wall.refresh_from_db()
    assert (wall.subject, str(wall.owner), wall.status) == ("Paint it green", "hal", "in_progress")


def test_a_status_from_outside_never_wipes_the_review(crew: Home) -> None:
    take(crew)
    team = Team.objects.get(slug="crew")
    leader = team.members.get(role="leader")
    Member.objects.filter(pk=leader.pk).update(kind="human")
    approve(Member.objects.get(pk=leader.pk), 1)
    crew.task(1, "Lay the floor", status="in_progress", owner="hal", blocks=["2"], minutes=9)
    take(crew)
    floor = Task.objects.get(team=team, number=1)
    assert (floor.review_state, floor.status, floor.column.value) == (
        "approved", "in_progress", "approved",
    )  # fmt: skip
    assert floor.has_conflict


def test_a_board_file_gives_review_reviewer_and_order(home: Home) -> None:
    home.config(member("hal"), member("iris"))
    for number in (1, 2, 3):
        home.task(number, f"Card {number}")
    remarks = [{"id": "c1", "author": "iris", "text": "Look", "createdAt": at(3)}]
    home.task(4, "Judged", status="completed", owner="hal", needsClarification="user",
              comments=remarks)  # fmt: skip
    home.task(5, "Passed", status="completed")
    put(home.folder / "kanban-state.json", {
        "teamName": "crew", "reviewers": ["iris"], "columnOrder": {"todo": ["3", "1"]},
        "tasks": {"4": {"column": "review", "reviewer": "iris", "movedAt": at(4)},
                  "5": {"column": "approved", "movedAt": at(5)}},
    })  # fmt: skip
    take(home)
    team = Team.objects.get(slug="crew")
    todo = Task.objects.filter(team=team).in_column("todo")
    assert [task.number for task in todo] == [3, 1, 2]
    judged = Task.objects.with_people().get(team=team, number=4)
    assert (judged.column.value, str(judged.reviewer), judged.review_round) == ("review", "iris", 1)
    assert judged.needs_input == "human"
    assert judged.comment_count == 1
    remark = judged.comments.get()
    assert (remark.author.name, remark.body) == ("iris", "Look")
    assert Task.objects.get(team=team, number=5).column.value == "approved"


def event(kind: str, minutes: float, **more: Any) -> dict[str, Any]:
    return {"id": f"e{minutes}", "type": kind, "timestamp": at(minutes), **more}


ASKED = event("review_requested", 3, to="review", reviewer="iris", actor="hal")
REFUSED = event("review_changes_requested", 4, to="needsFix", actor="iris", note="The corner.")
AGAIN = event("review_requested", 8, to="review", reviewer="iris", actor="hal")
PASSED = event("review_approved", 9, to="approved", actor="iris", note="Approved")


def rounds(number: int) -> list[tuple[Any, ...]]:
    rows = Review.objects.with_people().filter(task__team__slug="crew", task__number=number)
    return [
        (row.round, str(row.reviewer), str(row.requested_by), row.outcome, str(row.decided_by),
         row.note) for row in rows
    ]  # fmt: skip


def test_rounds_of_review_are_taken_over_with_their_words(home: Home) -> None:
    home.config(member("hal"), member("iris"))
    history = [ASKED, REFUSED, event("status_changed", 5, to="pending")]
    home.task(1, "Judged", status="pending", owner="hal", historyEvents=history)
    home.task(2, "Plain")
    take(home)
    first = (1, "iris", "hal", "changes", "iris", "The corner.")
    assert rounds(1) == [first]
    history += [event("status_changed", 6, to="in_progress"), AGAIN]
    home.task(1, "Judged", status="completed", owner="hal", historyEvents=history, minutes=8)
    take(home)
    assert rounds(1) == [first, (2, "iris", "hal", "", "None", "")]
    assert Review.objects.open().get().round == 2
    home.task(1, "Judged", status="completed", owner="hal", historyEvents=[*history, PASSED],
              minutes=9)  # fmt: skip
    take(home)
    take(home)
    assert rounds(1) == [first, (2, "iris", "hal", "approved", "iris", "Approved")]
    assert rounds(2) == []
    card = Task.objects.get(team__slug="crew", number=1)
    assert (card.review_state, card.review_round) == ("approved", 2)


def test_a_review_without_a_history_is_one_round(home: Home) -> None:
    home.config(member("hal"), member("iris"))
    home.task(4, "Judged", status="completed", owner="hal")
    home.task(5, "Passed", status="completed", owner="hal")
    put(home.folder / "kanban-state.json", {"teamName": "crew", "reviewers": [], "tasks": {
        "4": {"column": "review", "reviewer": "iris", "movedAt": at(4)},
        "5": {"column": "approved", "movedAt": at(5)},
    }})  # fmt: skip
    take(home)
    assert rounds(4) == [(1, "iris", "None", "", "None", "")]
    assert rounds(5) == [(1, "None", "None", "approved", "None", "")]


def test_a_review_outside_after_one_of_ours_is_the_next_round(home: Home) -> None:
    user = User.objects.create(username="alice", is_superuser=True)
    home.config(member("hal"), member("iris"))
    home.task(1, "Judged", status="completed", owner="hal")
    take(home)
    alice = seat_of(user, "crew")
    request_review(alice, 1)
    withdraw_review(alice, 1)
    home.task(1, "Judged", status="completed", owner="hal", historyEvents=[ASKED], minutes=8)
    take(home)
    assert [row[0] for row in rounds(1)] == [1, 2]
    assert Review.objects.open().get().round == 2
    withdraw_review(alice, 1)
    request_review(alice, 1)
    assert Review.objects.open().get().round == 3


def todo_numbers(team: Team) -> list[int]:
    return [task.number for task in Task.objects.filter(team=team).in_column("todo")]


def test_a_later_order_of_the_board_file_is_followed_once(home: Home) -> None:
    user = User.objects.create(username="alice", is_superuser=True)
    home.config(member("hal"))
    for number in (1, 2, 3, 4):
        home.task(number, f"Card {number}")
    board = {"teamName": "crew", "reviewers": [], "tasks": {}}
    put(home.folder / "kanban-state.json", {**board, "columnOrder": {"todo": ["3", "1"]}})
    take(home)
    team = Team.objects.get(slug="crew")
    assert todo_numbers(team) == [3, 1, 2, 4]
    put(home.folder / "kanban-state.json", {**board, "columnOrder": {"todo": ["4", "2", "99"]}})
    take(home)
    assert todo_numbers(team) == [4, 2, 3, 1]
    moved = team.events.filter(kind="task.moved")
    assert [event.data["task"] for event in moved.order_by("seq")] == [4, 2]
    position_task(seat_of(user, "crew"), 1, before=4)
    take(home)
    assert todo_numbers(team) == [1, 4, 2, 3]
    put(home.folder / "kanban-state.json", board)
    take(home)
    assert todo_numbers(team) == [1, 4, 2, 3]
    transition_team(seat_of(user, "crew"), "completed")
    put(home.folder / "kanban-state.json", {**board, "columnOrder": {"todo": ["3"]}})
    take(home)
    assert todo_numbers(team) == [1, 4, 2, 3]


def test_a_member_who_agreed_to_stop_is_terminated_and_comes_back_when_it_writes(
    home: Home,
) -> None:
    home.config(member("hal"))
    home.inbox("team-lead", row("hal", SHUTDOWN, 3))
    take(home)
    hal = Member.objects.get(name="hal")
    assert hal.presence() is Presence.TERMINATED
    assert hal.left_at is None
    home.inbox("team-lead")
    take(home)
    hal.refresh_from_db()
    assert hal.presence() is Presence.TERMINATED
    home.inbox("team-lead", row("hal", "I am back", 9))
    take(home)
    hal.refresh_from_db()
    assert hal.terminated_at is None
    assert kinds(hal.team)["session.ended"] == kinds(hal.team)["session.started"] == 1


def test_a_member_who_vanishes_from_the_config_has_stopped_and_keeps_what_is_known(
    home: Home,
) -> None:
    home.config(member("hal"), member("iris"))
    home.inbox("team-lead", row("hal", "Done.", 3))
    take(home)
    home.config(member("iris"))
    take(home)
    hal, iris = Member.objects.get(name="hal"), Member.objects.get(name="iris")
    assert hal.terminated_at is not None
    assert (hal.model, hal.left_at) == ("claude-sonnet", None)
    assert iris.terminated_at is None
    before = everything()
    take(home)
    assert everything() == before


def test_a_soft_removed_member_has_an_ended_seat(home: Home) -> None:
    home.config(member("hal"))
    gone = {"name": "joe", "agentType": "reviewer", "removedAt": 1772445600000}
    put(home.folder / "members.meta.json", {"version": 1, "members": [gone]})
    take(home)
    assert Member.objects.get(name="joe").left_at is not None


def test_an_inbox_that_nobody_reads_is_kept_as_an_ended_seat(home: Home) -> None:
    home.config(member("hal"))
    home.inbox("nobody", row("hal", "Anyone?", 1))
    taken = take(home)["crew"]
    nobody = Member.objects.get(name="nobody")
    assert nobody.left_at is not None
    assert nobody.metadata["claude"]["phantom"] is True
    assert Delivery.objects.get().recipient == nobody
    assert taken.seats == 2
    home.config(member("hal"), member("nobody"))
    take(home)
    nobody.refresh_from_db()
    assert (nobody.left_at, nobody.role) == (None, "member")


def test_more_members_than_a_team_may_have_raise_its_limit(home: Home) -> None:
    home.config(*(member(f"agent-{number}") for number in range(14)))
    take(home)
    assert Team.objects.get().max_members == 15


def test_administrators_lead_what_was_imported(home: Home) -> None:
    alice = User.objects.create(username="alice", is_superuser=True)
    home.config(member("hal"), member("alice"))
    take(home)
    seat = seat_of(alice, "crew")
    assert (seat.role, seat.kind) == ("leader", "human")
    assert set(seat.team.members.seated().values_list("name", flat=True)) == {
        "team-lead", "hal", "alice", "alice-2",
    }  # fmt: skip
    before = everything()
    take(home)
    assert everything() == before


def test_free_text_owners_stay_text(home: Home) -> None:
    home.task(1, "Odd", owner="codex-1 (wB:p2)")
    home.task(2, "Plain", owner="codex-2")
    take(home)
    odd, plain = Task.objects.with_people().order_by("number")
    assert (odd.owner, odd.metadata["claude"]["owner"]) == (None, "codex-1 (wB:p2)")
    assert str(plain.owner) == "codex-2"


def test_tasks_without_a_team_make_one(home: Home) -> None:
    home.task(7, "Alone")
    put(home.work / ".highwatermark", "12")
    take(home)
    team = Team.objects.get(slug="crew")
    assert list(team.tasks.values_list("number", flat=True)) == [7]
    assert team.task_watermark == 12


def test_folders_of_solo_sessions_are_no_teams(tmp_path: Path) -> None:
    home = Home(tmp_path, "3b22f6a2-8179-4ae8-b430-861f97e74884")
    home.task(1, "Alone")
    assert take(home) == {}


def test_ids_that_are_no_numbers_get_the_next_ones(home: Home) -> None:
    home.task("0af3-uuid", "First", blocks=["2"])
    home.task(2, "Second")
    home.task("007", "Third")
    take(home)
    cards = {c.subject: c for c in Task.objects.all()}
    assert cards["Second"].number == 2
    assert {cards["First"].number, cards["Third"].number} == {3, 4}
    assert cards["First"].metadata["claude"]["id"] == "0af3-uuid"
    assert Dependency.objects.get().blocker == cards["First"]
    assert Team.objects.get().task_watermark == 4


def test_a_number_that_was_given_here_is_not_given_twice(crew: Home) -> None:
    take(crew)
    team = Team.objects.get(slug="crew")
    ours = create_task(team.members.get(role="leader"), "Ours")
    crew.task(4, "Theirs")
    take(crew)
    theirs = Task.objects.get(team=team, subject="Theirs")
    assert (ours.number, theirs.number) == (4, 5)
    assert theirs.metadata["claude"]["id"] == "4"
    assert not take(crew)["crew"].has_news


def test_circles_from_outside_are_left_out_and_told(home: Home) -> None:
    home.task(1, "A", blockedBy=["3"])
    home.task(2, "B", blockedBy=["1", "2", "99"])
    home.task(3, "C", blockedBy=["2"])
    taken = take(home)["crew"]
    assert Dependency.objects.count() == 2
    assert (2, 2) in taken.cards.circles
    assert len(taken.cards.circles) == 2
    assert not take(home)["crew"].has_news


def test_an_edge_to_a_task_that_comes_later_is_made_then(home: Home) -> None:
    home.task(2, "B", blockedBy=["1"])
    take(home)
    assert not Dependency.objects.exists()
    home.task(1, "A")
    take(home)
    assert Dependency.objects.get().blocked.number == 2
    home.task(2, "B")
    take(home)
    assert not Dependency.objects.exists()
    assert kinds(Team.objects.get())["task.unblocked"] == 1


def test_unfinished_work_whose_file_is_gone_goes_to_the_trash(home: Home) -> None:
    home.task(1, "Given up")
    home.task(2, "Finished", status="completed")
    take(home)
    (home.work / "1.json").unlink()
    (home.work / "2.json").unlink()
    taken = take(home)["crew"] if home.config(member("hal")) else None
    assert taken is not None
    assert taken.cards.gone == [1, 2]
    given_up, finished = Task.objects.order_by("number")
    assert (given_up.column.value, finished.column.value) == ("trash", "done")
    assert not take(home)["crew"].has_news
    home.task(1, "Given up")
    home.task(2, "Another one")
    take(home)
    assert Task.objects.get(number=1).column.value == "todo"
    assert Task.objects.get(subject="Another one").number == 3


def test_torn_wrong_and_unknown_files_stop_nothing_and_are_told_once(crew: Home) -> None:
    put(crew.work / "8.json", '{"id": "8", "subject": "Half')
    put(crew.work / "9.json", {"id": "9", "subject": "Odd", "status": "someday"})
    put(crew.work / "10.json", "[]")
    put(crew.folder / "inboxes" / "iris.json", '{"not": "a list"}')
    crew.inbox("joe", row("hal", "Fine", 1), {"text": "no sender"}, 7)
    taken = take(crew)["crew"]
    assert {problem.code for problem in taken.problems} == {
        "torn", "task_status_unknown", "wrong_shape", "bad_rows",
    }  # fmt: skip
    assert Task.objects.count() == 3
    team = Team.objects.get(slug="crew")
    assert kinds(team)["files.skipped"] == 5
    assert {row["path"] for row in team.files.problems} >= {"tasks/crew/8.json"}
    crew.task(8, "Whole")
    assert take(crew)["crew"].cards.created == [8]
    team.files.refresh_from_db()
    assert "tasks/crew/8.json" not in {row["path"] for row in team.files.problems}


def test_links_that_lead_out_are_not_followed(crew: Home, tmp_path: Path) -> None:
    secret = put(tmp_path / "secret" / "1.json", {"subject": "Secret", "status": "pending"})
    (crew.work / "11.json").symlink_to(secret)
    (crew.path / "tasks" / "linked").symlink_to(secret.parent)
    (crew.folder / "inboxes" / "spy.json").symlink_to(
        put(tmp_path / "secret" / "rows.json", [row("hal", "Secret", 1)])
    )
    taken = take(crew)
    assert not Task.objects.filter(subject="Secret").exists()
    assert not Message.objects.filter(body="Secret").exists()
    assert {problem.code for problem in taken["crew"].problems} == {"outside"}
    assert taken["linked"].refused


@pytest.mark.parametrize(
    "name", ["../../etc", "a/b", "x\0y", "n" * 300, " spaced out ", "Ünï", "."]
)
def test_names_cannot_escape(home: Home, name: str) -> None:
    home.config(member(name), name=name, description="\ud800")
    home.task(1, name, owner=name, blockedBy=[name])
    take(home)
    team = Team.objects.get()
    assert team.slug == "crew"
    for seat in team.members.seated():
        assert seat.name.replace("-", "").replace(".", "").replace("_", "").isalnum()
        assert len(seat.name) <= 64
    before = everything()
    take(home)
    assert everything() == before
    assert sorted(path.name for path in home.path.iterdir()) == ["tasks", "teams"]


def test_a_folder_may_be_called_anything(tmp_path: Path) -> None:
    for name in ("New", "new", "Ünder Göing", "--", "a" * 200):
        Home(tmp_path, name).task(1, "Card")
    take(tmp_path)
    slugs = set(Team.objects.values_list("slug", flat=True))
    assert slugs == {"new-2", "new-3", "under-going", "team", "a" * 64}


def test_the_team_of_another_product_is_refused(crew: Home) -> None:
    put(crew.path / "teams" / "foreign" / "config.json",
        {"team": "x", "lead": "y", "members": [{"agent": "z"}]})  # fmt: skip
    taken = take(crew)["foreign"]
    assert "another product" in taken.refused
    assert Team.objects.count() == 1


def test_a_team_made_anew_in_the_same_folder_is_another_team(crew: Home) -> None:
    take(crew)
    crew.config(member("hal"), createdAt=1779999999000)
    take(crew)
    assert set(Team.objects.values_list("slug", flat=True)) == {"crew", "crew-2"}
    assert not take(crew)["crew"].has_news


def test_a_copy_of_a_team_is_the_same_team(crew: Home, tmp_path: Path) -> None:
    take(crew)
    shutil.copytree(crew.path, tmp_path / "copy")
    assert not take(tmp_path / "copy")["crew"].has_news
    assert Team.objects.count() == 1


def test_a_team_that_was_disbanded_here_stays_so(crew: Home) -> None:
    take(crew)
    team = Team.objects.get(slug="crew")
    transition_team(team.members.get(role="leader"), "disbanded")
    before = everything()
    assert "disbanded" in take(crew)["crew"].refused
    assert everything() == before


def test_a_deleted_team_comes_as_an_archive(crew: Home) -> None:
    crew.config(member("hal"), deletedAt=at(60))
    take(crew)
    assert Team.objects.get().state == "archived"


def test_settings_made_here_survive_the_next_import(crew: Home) -> None:
    take(crew)
    team = Team.objects.get(slug="crew")
    change_team(team.members.get(role="leader"), name="The Crew", max_members=40)
    take(crew)
    team.refresh_from_db()
    assert (team.name, team.max_members) == ("The Crew", 40)


def test_what_people_are_written_reaches_the_leaders_who_are_people(home: Home) -> None:
    User.objects.create(username="alice", is_superuser=True)
    home.config(member("hal"))
    home.inbox("user", row("hal", "May I?", 1))
    take(home)
    assert Delivery.objects.get().recipient.name == "alice"


def test_an_unknown_structure_is_kept_as_it_is(home: Home) -> None:
    home.config(member("hal"))
    home.inbox("hal", row("team-lead", {"type": "brand_new", "deep": {"x": "\0"}}, 1))
    take(home)
    message = Message.objects.get()
    assert message.kind == "message"
    assert message.payload == {"type": "brand_new", "deep": {"x": ""}}
    assert "brand_new" in message.body


def test_the_command_sums_up(crew: Home, capsys: pytest.CaptureFixture[str]) -> None:
    put(crew.work / "8.json", "{")
    call_command("import_claude", str(crew.path))
    first = capsys.readouterr().out
    assert "crew: new, at /teams/crew/" in first
    assert "3 members; 3 new cards, 0 changed; 3 new messages, 0 now read" in first
    assert "skipped tasks/crew/8.json: " in first
    call_command("import_claude", str(crew.path))
    assert "crew: nothing new, at /teams/crew/" in capsys.readouterr().out


def test_the_command_refuses_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="There is no directory"):
        call_command("import_claude", str(tmp_path / "nowhere"))
    with pytest.raises(CommandError, match="holds neither teams nor tasks"):
        call_command("import_claude", str(tmp_path))
    (tmp_path / "teams").mkdir()
    with pytest.raises(CommandError, match="There are no Claude Code teams"):
        call_command("import_claude", str(tmp_path))


def test_a_home_that_may_not_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "teams" / "crew").mkdir(parents=True)
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    (tmp_path / "teams").chmod(0)
    try:
        with pytest.raises(CommandError, match="may not be read"):
            call_command("import_claude", str(tmp_path))
    finally:
        (tmp_path / "teams").chmod(0o755)


def test_a_task_keeps_what_it_has_no_field_for(home: Home) -> None:
    home.task(1, "x" * 250, metadata={"ticket": 9}, sprint="4")
    take(home)
    card = Task.objects.get()
    assert len(card.subject) == 200
    facts = card.metadata["claude"]
    assert (facts["metadata"], facts["more"]) == ({"ticket": 9}, {"sprint": "4"})
    assert facts["subject"] == "x" * 250
    assert json.dumps(card.metadata)
