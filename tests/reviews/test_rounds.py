from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from apps.core.errors import Conflict, DomainError, Invalid, NotAllowed, NotFound
from apps.messaging.models import Delivery, Message
from apps.reviews.actions import (
    approve,
    reopen,
    replace_reviewer,
    request_changes,
    request_review,
    resolve_conflict,
    withdraw_review,
)
from apps.reviews.models import Review
from apps.reviews.models.review import is_late
from apps.tasks.actions import add_blocker, complete_task, create_task, delete_task, start_task
from apps.tasks.blockers import blockers_of
from apps.tasks.models import Task
from apps.tasks.moves import MOVES, Column, ReviewState, Status
from apps.teams.models import Event, Member
from tests.conftest import Cast
from tests.reviews.conftest import MakeTask

Journal = Callable[[], list[str]]

VERBS: dict[str, Callable[[Member, int], Task]] = {
    "request-review": request_review,
    "approve": approve,
    "request-changes": request_changes,
    "withdraw-review": withdraw_review,
    "reopen": reopen,
}
PLACES: dict[Column, tuple[str, str]] = {
    Column.TODO: ("pending", "none"),
    Column.IN_PROGRESS: ("in_progress", "none"),
    Column.REVIEW: ("completed", "review"),
    Column.DONE: ("completed", "none"),
    Column.APPROVED: ("completed", "approved"),
    Column.TRASH: ("deleted", "none"),
}
# Where a verb finds the card already where it leads: nothing happens.
ALREADY = {
    ("request-review", Column.REVIEW),
    ("approve", Column.APPROVED),
    ("withdraw-review", Column.DONE),
    ("reopen", Column.DONE),
}


def put(task: Task, column: Column) -> None:
    status, state = PLACES[column]
    Task.objects.filter(pk=task.pk).update(
        status=status, review_state=state, review_round=1 if state == "review" else 0
    )


def last_event(cast: Cast) -> Event:
    return Event.objects.filter(team=cast.team).order_by("-seq")[0]


def refused(
    code: str, call: Callable[[], object], kind: type[DomainError] = Conflict
) -> DomainError:
    with pytest.raises(kind) as caught:
        call()
    assert caught.value.code == code
    assert caught.value.message
    return caught.value


@pytest.mark.parametrize("column", PLACES)
@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_from_every_column(
    verb: str, column: Column, cast: Cast, done: MakeTask, journal: Journal
) -> None:
    task = done()
    put(task, column)
    before = len(journal())
    if column in MOVES[verb].sources:
        assert VERBS[verb](cast.alice, task.number).column == MOVES[verb].to
        assert journal()[before].startswith("review.")
        return
    if (verb, column) in ALREADY:
        assert VERBS[verb](cast.alice, task.number).column == column
    else:
        error = refused("wrong_state", lambda: VERBS[verb](cast.alice, task.number))
        assert f"#{task.number}" in error.message
    assert journal()[before:] == []
    assert Task.objects.get(pk=task.pk).column == column


@pytest.mark.parametrize("column", [Column.REVIEW, Column.APPROVED])
@pytest.mark.parametrize("status", ["pending", "in_progress"])
@pytest.mark.parametrize("verb", ["approve", "request-changes", "withdraw-review", "reopen"])
def test_work_that_goes_on_is_not_judged(
    verb: str, status: str, column: Column, cast: Cast, done: MakeTask, journal: Journal
) -> None:
    task = done()
    put(task, column)
    Task.objects.filter(pk=task.pk).update(status=status)
    before = journal()
    error = refused("wrong_state", lambda: VERBS[verb](cast.alice, task.number))
    assert "goes on" in error.message
    assert "Resolve" in error.hint
    assert journal() == before


def test_a_round_tells_its_story(cast: Cast, done: MakeTask, journal: Journal) -> None:
    task = done()
    number = task.number
    start = len(journal())
    task = request_review(cast.hal, number, "bob")
    assert (task.column, task.review_round, task.reviewer) == (Column.REVIEW, 1, cast.bob)
    assert last_event(cast).kind == "message.sent"
    task = request_changes(cast.bob, number, "Test the empty cart.")
    assert (task.status, task.review_state) == (Status.PENDING, ReviewState.NEEDS_FIX)
    assert (task.owner, task.reviewer, task.review_requested_at) == (cast.hal, None, None)
    assert start_task(cast.hal, number).review_state == ReviewState.NONE
    complete_task(cast.hal, number)
    task = request_review(cast.hal, number, "bob")
    assert task.review_round == 2
    task = approve(cast.bob, number, "Good.")
    assert task.column == Column.APPROVED
    assert [kind for kind in journal()[start:] if not kind.startswith("message.")] == [
        "review.requested",
        "review.changes_requested",
        "task.started",
        "task.completed",
        "review.requested",
        "review.approved",
    ]
    rounds = list(Review.objects.filter(task=task).with_people())
    assert [(r.round, r.outcome, r.note) for r in rounds] == [
        (1, "changes", "Test the empty cart."),
        (2, "approved", "Good."),
    ]
    assert all(r.decided_by == cast.bob and r.requested_by == cast.hal for r in rounds)
    assert rounds[0].as_data()["decided_by"] == "bob"


def test_events_carry_the_card(cast: Cast, done: MakeTask) -> None:
    task = done()
    request_review(cast.hal, task.number, "bob")
    event = Event.objects.get(team=cast.team, kind="review.requested")
    assert event.task == task.number
    assert event.data == {
        "task": task.number,
        "column": "review",
        "from": "done",
        "round": 1,
        "reviewer": "bob",
    }
    request_changes(cast.bob, task.number, "More tests.")
    event = Event.objects.get(team=cast.team, kind="review.changes_requested")
    assert event.data["note"] == "More tests."
    assert (event.data["from"], event.data["column"]) == ("review", "todo")


def test_the_reviewer_and_the_owner_are_told(cast: Cast, done: MakeTask) -> None:
    task = done()
    request_review(cast.hal, task.number, "iris")
    asked = Message.objects.get(kind="review_request")
    assert list(asked.deliveries.values_list("recipient__name", flat=True)) == ["iris"]
    assert asked.payload == {
        "task_id": str(task.number),
        "subject": task.subject,
        "reviewer": "iris",
        "round": 1,
    }
    request_changes(cast.iris, task.number, "Name it better.")
    told = Message.objects.get(kind="review_response")
    assert told.sender == cast.iris
    assert list(told.deliveries.values_list("recipient__name", flat=True)) == ["hal"]
    assert told.payload is not None
    assert (told.payload["approved"], told.payload["note"]) == (False, "Name it better.")
    assert "Name it better." in told.body
    assert "request a review again" in told.body


def test_changes_without_a_text_still_say_what_to_do(cast: Cast, done: MakeTask) -> None:
    task = done()
    request_review(cast.hal, task.number)
    request_changes(cast.alice, task.number)
    told = Message.objects.get(kind="review_response")
    assert "note" not in (told.payload or {})
    assert f"Start #{task.number} again" in told.body


def test_a_second_approval_changes_nothing(cast: Cast, done: MakeTask, journal: Journal) -> None:
    task = done()
    request_review(cast.hal, task.number)
    first = approve(cast.alice, task.number)
    before, messages = journal(), Message.objects.count()
    again = approve(cast.bob, task.number, "Me too.")
    assert (again.column, again.version) == (Column.APPROVED, first.version)
    assert journal() == before
    assert Message.objects.count() == messages
    assert Review.objects.get(task=task).decided_by == cast.alice


def test_done_is_approved_in_one_step_and_kept_as_a_round(cast: Cast, done: MakeTask) -> None:
    task = approve(cast.alice, done().number, "Fine.")
    assert (task.column, task.review_round) == (Column.APPROVED, 1)
    review = Review.objects.get(task=task)
    assert (review.outcome, review.requested_by, review.decided_by) == (
        "approved",
        cast.alice,
        cast.alice,
    )


@pytest.mark.parametrize("judge", [approve, request_changes])
def test_a_verdict_answers_what_asked_for_it(
    judge: Callable[..., Task], cast: Cast, done: MakeTask, journal: Journal
) -> None:
    task = done()
    request_review(cast.hal, task.number, "iris")
    replace_reviewer(cast.alice, task.number, "bob")
    start = len(journal())
    judge(cast.bob, task.number)
    assert journal()[start + 1 :] == ["message.read", "message.sent"]
    steps = Delivery.objects.filter(message__kind="review_request").order_by("pk")
    assert [(c.recipient.name, c.step) for c in steps] == [("iris", "sent"), ("bob", "answered")]


def test_who_may_judge(cast: Cast, done: MakeTask) -> None:
    task = done()
    request_review(cast.hal, task.number, "bob")
    error = refused("not_reviewer", lambda: approve(cast.iris, task.number), NotAllowed)
    assert "bob reviews it" in error.message
    refused("not_reviewer", lambda: request_changes(cast.iris, task.number), NotAllowed)
    refused("not_allowed", lambda: approve(cast.vera, task.number), NotAllowed)
    refused("not_allowed", lambda: request_changes(cast.vera, task.number), NotAllowed)
    assert approve(cast.alice, task.number).column == Column.APPROVED


def test_an_agent_does_not_approve_what_nobody_gave_it(cast: Cast, done: MakeTask) -> None:
    task = done()
    error = refused("not_reviewer", lambda: approve(cast.iris, task.number), NotAllowed)
    assert "a person reviews it" in error.message
    for judge in (approve, request_changes):
        refused("own_task", lambda judge=judge: judge(cast.hal, task.number), NotAllowed)
    assert Task.objects.get(pk=task.pk).column == Column.DONE


def test_a_reviewer_who_has_judged_is_told_that_the_card_moved_on(
    cast: Cast, done: MakeTask
) -> None:
    task = request_review(cast.hal, done().number, "iris")
    request_changes(cast.iris, task.number, "Test it.")
    error = refused("not_reviewer", lambda: request_changes(cast.iris, task.number), NotAllowed)
    assert error.message.endswith("it is not in review.")


def test_own_work_is_approved_only_where_the_team_allows_it(
    cast: Cast, done: MakeTask, journal: Journal
) -> None:
    task = done(owner=cast.bob)
    before = journal()
    refused("own_task", lambda: approve(cast.bob, task.number), NotAllowed)
    request_review(cast.bob, task.number)
    refused("own_task", lambda: approve(cast.bob, task.number), NotAllowed)
    assert Task.objects.get(pk=task.pk).column == Column.REVIEW
    assert "review.approved" not in journal()[len(before) :]
    cast.team.allow_self_approval = True
    cast.team.save(update_fields=["allow_self_approval"])
    assert approve(cast.bob, task.number).column == Column.APPROVED


def test_who_may_ask_withdraw_and_reopen(cast: Cast, done: MakeTask) -> None:
    task = done()
    for call in (request_review, withdraw_review, reopen, resolve_conflict, replace_reviewer):
        refused("not_allowed", lambda call=call: call(cast.vera, task.number), NotAllowed)
    # The owner may ask even without the right to review.
    Member.objects.filter(pk=cast.hal.pk).update(denied=["review"])
    assert request_review(cast.hal, task.number, "bob").column == Column.REVIEW
    refused("not_allowed", lambda: withdraw_review(cast.hal, task.number), NotAllowed)


def test_reopening_keeps_the_approval_in_the_history(cast: Cast, done: MakeTask) -> None:
    task = approve(cast.alice, done().number)
    task = reopen(cast.bob, task.number)
    assert (task.column, task.reviewer) == (Column.DONE, None)
    review = Review.objects.get(task=task)
    assert (review.outcome, review.reopened_by) == ("approved", cast.bob)
    assert approve(cast.alice, task.number).review_round == 2


def test_an_approved_card_is_not_requested_again(cast: Cast, done: MakeTask) -> None:
    task = approve(cast.alice, done().number)
    error = refused("wrong_state", lambda: request_review(cast.hal, task.number))
    assert "already approved" in error.message
    assert error.hint == "Reopen it first."


def test_an_approved_card_whose_work_goes_on_is_resolved_first(cast: Cast, done: MakeTask) -> None:
    task = approve(cast.alice, done().number)
    Task.objects.filter(pk=task.pk).update(status="in_progress")
    error = refused("wrong_state", lambda: request_review(cast.hal, task.number))
    assert "Resolve the conflict" in error.hint


def test_a_named_reviewer_must_be_able_to(cast: Cast, done: MakeTask, journal: Journal) -> None:
    task = done()
    before = journal()
    cases = {"hal": "owns", "vera": "may not review", "irs": "iris", "nobody": "no member"}
    for name, word in cases.items():
        with pytest.raises(Invalid) as caught:
            request_review(cast.hal, task.number, name)
        assert word in caught.value.fields["reviewer"]
    Member.objects.filter(pk=cast.iris.pk).update(terminated_at=timezone.now())
    with pytest.raises(Invalid, match="shut down"):
        request_review(cast.hal, task.number, "iris")
    Member.objects.filter(pk=cast.bob.pk).update(left_at=timezone.now())
    with pytest.raises(Invalid, match="has left"):
        request_review(cast.hal, task.number, "BOB")
    assert journal() == before
    assert not Review.objects.exists()


def test_an_ended_seat_judges_nothing(cast: Cast, done: MakeTask) -> None:
    task = done()
    request_review(cast.hal, task.number, "bob")
    Member.objects.filter(pk=cast.bob.pk).update(left_at=timezone.now())
    refused("seat_ended", lambda: approve(cast.bob, task.number), NotAllowed)


def test_the_review_column_has_a_limit(cast: Cast, done: MakeTask) -> None:
    cast.team.wip_limits = {"review": 1}
    cast.team.save(update_fields=["wip_limits"])
    first, second = done("One"), done("Two")
    request_review(cast.hal, first.number)
    refused("wip_limit", lambda: request_review(cast.hal, second.number))
    assert request_review(cast.hal, first.number).review_round == 1


@pytest.mark.parametrize("state", ["forming", "paused", "completed", "archived", "disbanded"])
def test_what_the_team_state_allows(state: str, cast: Cast, done: MakeTask) -> None:
    asked, waiting, approved = done("One"), done("Two"), done("Three")
    request_review(cast.hal, waiting.number)
    approve(cast.alice, approved.number)
    type(cast.team).objects.filter(pk=cast.team.pk).update(state=state)
    refused("team_not_active", lambda: request_review(cast.hal, asked.number))
    if state == "paused":
        assert approve(cast.alice, waiting.number).column == Column.APPROVED
        assert reopen(cast.alice, approved.number).column == Column.DONE
        return
    for call in (approve, request_changes, withdraw_review, replace_reviewer):
        refused("team_not_active", lambda call=call: call(cast.alice, waiting.number))
    refused("team_not_active", lambda: reopen(cast.alice, approved.number))


def test_another_teams_card_is_not_found(cast: Cast) -> None:
    with pytest.raises(NotFound):
        approve(cast.alice, 99)


@pytest.mark.parametrize("note", ["x" * 4001, "a\0b"])
def test_wrong_notes_are_refused(note: str, cast: Cast, done: MakeTask) -> None:
    task = done()
    with pytest.raises(Invalid):
        approve(cast.alice, task.number, note)
    assert Task.objects.get(pk=task.pk).column == Column.DONE


def test_deleting_a_card_closes_its_round_without_a_word(cast: Cast, done: MakeTask) -> None:
    task = done()
    request_review(cast.hal, task.number)
    assert Review.objects.open().count() == 1
    delete_task(cast.alice, task.number)
    assert Review.objects.open().count() == 0


@pytest.mark.parametrize("status", ["pending", "in_progress"])
def test_a_conflict_is_resolved_in_one_step(
    status: str, cast: Cast, done: MakeTask, journal: Journal
) -> None:
    task = done()
    request_review(cast.hal, task.number)
    assert resolve_conflict(cast.alice, task.number).column == Column.REVIEW
    Task.objects.filter(pk=task.pk).update(status=status)
    before = len(journal())
    task = resolve_conflict(cast.hal, task.number)
    assert task.column == {"pending": Column.TODO, "in_progress": Column.IN_PROGRESS}[status]
    assert journal()[before:] == ["review.withdrawn"]
    assert last_event(cast).data["conflict"] is True
    assert Review.objects.get(task=task).outcome == "withdrawn"


def test_a_conflict_of_an_approved_card_reopens_it(cast: Cast, done: MakeTask) -> None:
    task = approve(cast.alice, done().number)
    Task.objects.filter(pk=task.pk).update(status="in_progress")
    task = resolve_conflict(cast.bob, task.number)
    assert task.column == Column.IN_PROGRESS
    assert Review.objects.get(task=task).reopened_by == cast.bob
    assert last_event(cast).kind == "review.reopened"


def test_dependents_follow_the_verdict(cast: Cast, done: MakeTask) -> None:
    blocker = done("First")
    waiting = create_task(cast.alice, "Second", owner="iris")
    add_blocker(cast.alice, waiting.number, blocker.number)
    assert not blockers_of(cast.team, waiting.pk)
    request_review(cast.hal, blocker.number)
    request_changes(cast.alice, blocker.number)
    assert last_event(cast).kind == "message.sent"
    event = Event.objects.get(kind="review.changes_requested")
    assert event.data["affects"] == [waiting.number]
    assert blockers_of(cast.team, waiting.pk) == [blocker.number]


def test_dependents_may_wait_for_the_approval(cast: Cast, done: MakeTask) -> None:
    cast.team.dependencies_wait_for_approval = True
    cast.team.save(update_fields=["dependencies_wait_for_approval"])
    blocker = done("First")
    waiting = create_task(cast.alice, "Second", owner="iris")
    add_blocker(cast.alice, waiting.number, blocker.number)
    version = Task.objects.get(pk=waiting.pk).version
    approve(cast.alice, blocker.number)
    event = Event.objects.get(kind="review.approved")
    assert event.data["affects"] == [waiting.number]
    assert Task.objects.get(pk=waiting.pk).version == version + 1
    ready = Message.objects.get(kind="system_notification")
    assert list(ready.deliveries.values_list("recipient__name", flat=True)) == ["iris"]
    reopen(cast.alice, blocker.number)
    assert Event.objects.get(kind="review.reopened").data["affects"] == [waiting.number]


def test_late_reviews_are_marked_and_replaced(cast: Cast, done: MakeTask) -> None:
    cast.team.review_sla_minutes = 30
    cast.team.save(update_fields=["review_sla_minutes"])
    task = request_review(cast.hal, done().number, "bob")
    assert task.review_requested_at is not None
    assert not is_late(task)
    assert is_late(task, task.review_requested_at + timedelta(minutes=31))
    past = timezone.now() - timedelta(hours=1)
    Task.objects.filter(pk=task.pk).update(review_requested_at=past)
    task = replace_reviewer(cast.alice, task.number, "iris")
    assert task.reviewer == cast.iris
    assert not is_late(task)
    assert Event.objects.get(kind="review.reassigned").data["replaced"] == "bob"
    assert Review.objects.get(task=task).reviewer == cast.iris
    told = Message.objects.filter(kind="review_request").latest("pk")
    assert list(told.deliveries.values_list("recipient__name", flat=True)) == ["iris"]


def test_who_was_replaced_hears_that_another_reviews(cast: Cast, done: MakeTask) -> None:
    task = request_review(cast.hal, done().number, "bob")
    before = Event.objects.count()
    replace_reviewer(cast.alice, task.number, "iris")
    assert list(Event.objects.order_by("pk")[before:].values_list("kind", flat=True)) == [
        "review.reassigned", "message.sent", "message.sent",
    ]  # fmt: skip
    told = Message.objects.get(subject__startswith="iris reviews")
    assert (told.sender, told.tasks) == (cast.alice, [task.number])
    assert [copy.recipient for copy in told.deliveries.all()] == [cast.bob]


def test_who_gave_a_review_away_or_has_gone_is_told_nothing(cast: Cast, done: MakeTask) -> None:
    task = request_review(cast.hal, done().number, "alice")
    replace_reviewer(cast.alice, task.number, "iris")
    Member.objects.filter(pk=cast.iris.pk).update(terminated_at=timezone.now())
    replace_reviewer(cast.alice, task.number, "bob")
    assert not Message.objects.filter(subject__contains="now").exists()


def test_replacing_without_a_name_takes_the_next(cast: Cast, done: MakeTask) -> None:
    task = request_review(cast.hal, done().number, "alice")
    assert replace_reviewer(cast.alice, task.number).reviewer == cast.bob
    Member.objects.exclude(pk__in=[cast.alice.pk, cast.bob.pk]).update(denied=["review"])
    Member.objects.filter(pk=cast.alice.pk).update(denied=["review"])
    refused("no_reviewer", lambda: replace_reviewer(cast.alice, task.number))


def test_the_last_stage_of_a_card_shows_who_approved(cast: Cast, done: MakeTask) -> None:
    task = done()
    request_review(cast.hal, task.number, "bob")
    assert approve(cast.alice, task.number).reviewer == cast.alice
    assert Review.objects.get(task=task).reviewer == cast.bob
