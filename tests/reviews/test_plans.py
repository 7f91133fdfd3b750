from __future__ import annotations

from collections.abc import Callable

import pytest

from apps.core.errors import Conflict, DomainError, Invalid, NotAllowed, NotFound
from apps.messaging.models import Message
from apps.reviews.actions import (
    create_plan,
    decide_at_desk,
    decide_plan,
    propose_plan,
    report_step,
    revise_plan,
    submit_plan,
    withdraw_plan,
)
from apps.reviews.models import Plan, PlanDecision
from apps.tasks.actions import claim_task, create_task, delete_task
from apps.tasks.models import Task
from apps.teams.actions import end_seat, seat_staff
from apps.teams.models import Event, Member, Team, User
from tests.conftest import Cast, person

Journal = Callable[[], list[str]]
STEPS = ["Measure", {"title": "Prefetch", "detail": "In one query."}, "Remove the helper"]


def refused(
    code: str, call: Callable[[], object], kind: type[DomainError] = Conflict
) -> DomainError:
    with pytest.raises(kind) as caught:
        call()
    assert caught.value.code == code
    return caught.value


def stages(cast: Cast, *names: str) -> None:
    cast.team.approval_stages = list(names)
    cast.team.save(update_fields=["approval_stages"])


def staff_seat(cast: Cast, name: str = "mallory") -> Member:
    user = person(name)
    user.is_staff = user.is_superuser = True
    user.save(update_fields=["is_staff", "is_superuser"])
    return seat_staff(User.objects.get(pk=user.pk), cast.team)


def last_event(kind: str) -> Event:
    return Event.objects.filter(kind=kind).order_by("-seq")[0]


def test_a_plan_is_proposed_and_approved(cast: Cast, journal: Journal) -> None:
    task = create_task(cast.alice, "Split the cart totals")
    start = len(journal())
    plan = propose_plan(cast.hal, "Split  totals", "Because *slow*.", STEPS, task=task.number)
    assert (plan.state, plan.version, plan.title) == ("pending_review", 1, "Split totals")
    assert [(s.index, s.title, s.detail, s.state) for s in plan.current.steps.all()] == [
        (0, "Measure", "", "todo"),
        (1, "Prefetch", "In one query.", "todo"),
        (2, "Remove the helper", "", "todo"),
    ]
    decided = decide_plan(cast.alice, plan.pk, " Approve ", version=1, note=" Go. ")
    assert decided.state == "approved"
    assert decided.current.outcome == "approved"
    task.refresh_from_db()
    assert (task.planned_by, task.plan_steps, task.plan_done) == (cast.hal, 3, 0)
    assert journal()[start:] == [
        "message.sent",
        "plan.submitted",
        "plan.approved",
        "message.read",
        "message.sent",
    ]
    fact = last_event("plan.approved")
    assert (fact.task, fact.actor) == (task.number, cast.alice)
    assert fact.data["final"] is True
    assert fact.data["stage"] == "leader"


def test_those_who_decide_are_asked_and_the_author_is_answered(cast: Cast) -> None:
    plan = propose_plan(cast.hal, "Split totals", "Why.", STEPS)
    asked = Message.objects.get(kind="plan_approval_request")
    assert list(asked.deliveries.values_list("recipient__name", flat=True)) == ["alice"]
    assert asked.payload is not None
    assert asked.payload["plan_id"] == plan.pk
    assert "1. Measure" in asked.payload["plan_content"]
    assert "2. Prefetch: In one query." in asked.payload["plan_content"]
    decide_plan(cast.alice, plan.pk, "rejected", version=1, note="No cache.")
    told = Message.objects.get(kind="plan_approval_response")
    assert told.payload is not None
    assert told.payload["request_id"] == asked.payload["request_id"]
    assert (told.payload["approved"], told.payload["feedback"]) == (False, "No cache.")
    assert told.reply_to == asked
    assert list(told.deliveries.values_list("recipient__name", flat=True)) == ["hal"]


def test_what_asked_a_leader_who_decides_at_the_desk_came_by_it(cast: Cast) -> None:
    plan = propose_plan(cast.hal, "Split totals", "Why.")
    user = User.objects.get(pk=cast.alice.user_id)
    decide_at_desk(user, plan.pk, "approve", version=1)
    asked = Message.objects.get(kind="plan_approval_request").deliveries.get()
    assert (asked.via, asked.delivered_at) == ("admin", asked.answered_at)


def test_an_answer_without_a_note_has_no_feedback(cast: Cast) -> None:
    plan = propose_plan(cast.hal, "Split totals", "Why.")
    decide_plan(cast.alice, plan.pk, "approve", version=1)
    told = Message.objects.get(kind="plan_approval_response")
    assert "feedback" not in (told.payload or {})


def test_a_request_made_elsewhere_is_not_made_twice(cast: Cast) -> None:
    plan = propose_plan(cast.hal, "Elsewhere", "Body.", request_id="plan-77")
    asked = plan.current.asked
    plan = revise_plan(cast.hal, plan.pk, body="Other.", request_id="plan-78", asked=asked)
    assert Message.objects.filter(kind="plan_approval_request").count() == 1
    decide_plan(cast.alice, plan.pk, "approve", version=2)
    told = Message.objects.get(kind="plan_approval_response")
    assert told.payload is not None
    assert told.payload["request_id"] == "plan-78"


@pytest.mark.parametrize("word", ["maybe", "", "approve it", "yes"])
def test_other_words_decide_nothing(word: str, cast: Cast) -> None:
    plan = propose_plan(cast.hal, "Split totals", "Why.")
    with pytest.raises(Invalid, match="approve"):
        decide_plan(cast.alice, plan.pk, word, version=1)
    assert not PlanDecision.objects.exists()


def test_drafts_are_their_authors(cast: Cast, journal: Journal) -> None:
    plan = create_plan(cast.hal, "Later", "Some day.")
    assert (plan.state, plan.version) == ("draft", 1)
    assert list(Plan.objects.visible_to(cast.alice)) == []
    assert list(Plan.objects.visible_to(cast.hal)) == [plan]
    refused(
        "plan_not_found", lambda: decide_plan(cast.alice, plan.pk, "approve", version=1), NotFound
    )
    edited = revise_plan(cast.hal, plan.pk, steps=["One"])
    assert (edited.state, edited.version, edited.step_count) == ("draft", 1, 1)
    submit_plan(cast.hal, plan.pk)
    before = journal()
    assert submit_plan(cast.hal, plan.pk).state == "pending_review"
    assert journal() == before
    assert before == ["plan.drafted", "plan.drafted", "message.sent", "plan.submitted"]


def test_a_rejected_plan_comes_back_as_a_new_version(cast: Cast, journal: Journal) -> None:
    plan = propose_plan(cast.hal, "Split totals", "Cache.", STEPS)
    decide_plan(cast.alice, plan.pk, "reject", version=1, note="No cache.")
    refused("wrong_state", lambda: submit_plan(cast.hal, plan.pk))
    revised = revise_plan(cast.hal, plan.pk, body="No cache.")
    assert (revised.version, revised.state, revised.step_count) == (2, "pending_review", 3)
    assert [(v.number, v.outcome) for v in revised.versions.all()] == [(1, "rejected"), (2, "")]
    decide_plan(cast.alice, plan.pk, "approve", version=2)
    assert Plan.objects.get(pk=plan.pk).state == "approved"
    assert [k for k in journal() if not k.startswith("message.")] == [
        "plan.submitted",
        "plan.rejected",
        "plan.submitted",
        "plan.approved",
    ]


def test_an_earlier_version_is_never_decided_again(cast: Cast, journal: Journal) -> None:
    plan = propose_plan(cast.hal, "Split totals", "One.")
    revise_plan(cast.hal, plan.pk, body="Two.")
    before, messages = journal(), Message.objects.count()
    error = refused("superseded", lambda: decide_plan(cast.alice, plan.pk, "approve", version=1))
    assert (error.details["version"], "was superseded" in error.message) == (2, True)
    error = refused("superseded", lambda: decide_plan(cast.alice, plan.pk, "approve", version=3))
    assert "Version 3 does not exist" in error.message
    assert (journal(), Message.objects.count()) == (before, messages)
    assert plan.versions.get(number=1).outcome == "superseded"


def test_withdrawn_is_revised_and_not_decided(cast: Cast, journal: Journal) -> None:
    plan = propose_plan(cast.hal, "Split totals", "One.")
    assert withdraw_plan(cast.hal, plan.pk).state == "draft"
    before = journal()
    assert withdraw_plan(cast.hal, plan.pk).state == "draft"
    assert journal() == before
    assert before[-1] == "plan.withdrawn"
    refused("wrong_state", lambda: submit_plan(cast.hal, plan.pk))
    assert Plan.objects.visible_to(cast.alice).get() == plan
    assert revise_plan(cast.hal, plan.pk, body="Two.").version == 2
    decide_plan(cast.alice, plan.pk, "approve", version=2)
    refused("wrong_state", lambda: withdraw_plan(cast.hal, plan.pk))
    refused("wrong_state", lambda: revise_plan(cast.hal, plan.pk, body="Three."))


def test_a_decision_answers_what_asked_for_it(cast: Cast, journal: Journal) -> None:
    stages(cast, "leader", "staff")
    staff = staff_seat(cast)
    Member.objects.filter(pk=cast.bob.pk).update(role="leader")
    plan = propose_plan(cast.hal, "Split totals", "One.")
    start = len(journal())
    decide_plan(cast.alice, plan.pk, "approve", version=1)
    assert journal()[start:] == ["plan.approved", "message.read", "message.sent"]
    first, second = Message.objects.filter(kind="plan_approval_request")
    assert (second.reply_to, second.thread) == (first, first)
    assert first.deliveries.get(recipient=cast.alice).step == "answered"
    assert first.deliveries.get(recipient=cast.bob).step == "sent"
    assert second.deliveries.get().step == "sent"
    decide_plan(staff, plan.pk, "approve", version=1, stage=1)
    assert second.deliveries.get().step == "answered"


def test_the_second_decision_learns_who_was_first(cast: Cast, journal: Journal) -> None:
    Member.objects.filter(pk=cast.bob.pk).update(role="leader")
    plan = propose_plan(cast.hal, "Split totals", "One.")
    decide_plan(cast.alice, plan.pk, "approve", version=1)
    before, messages = journal(), Message.objects.count()
    error = refused("already_decided", lambda: decide_plan(cast.bob, plan.pk, "reject", version=1))
    assert error.message == "alice has already approved this plan."
    assert error.hint == "It stands."
    assert error.details["decided_by"] == "alice"
    assert (journal(), Message.objects.count()) == (before, messages)


def test_nobody_decides_their_own(cast: Cast) -> None:
    plan = propose_plan(cast.alice, "My own", "One.")
    refused("own_plan", lambda: decide_plan(cast.alice, plan.pk, "approve", version=1), NotAllowed)
    assert not Message.objects.filter(kind="plan_approval_request").exists()


def test_without_the_right(cast: Cast) -> None:
    plan = propose_plan(cast.hal, "Split totals", "One.")
    for member in (cast.bob, cast.vera, cast.iris):
        refused(
            "not_allowed",
            lambda member=member: decide_plan(member, plan.pk, "approve", version=1),
            NotAllowed,
        )
    Member.objects.filter(pk=cast.alice.pk).update(denied=["decide_plans"])
    refused(
        "not_allowed", lambda: decide_plan(cast.alice, plan.pk, "approve", version=1), NotAllowed
    )
    Member.objects.filter(pk=cast.bob.pk).update(granted=["decide_plans"])
    assert decide_plan(cast.bob, plan.pk, "approve", version=1).state == "approved"


def test_unknown_plan_and_another_teams(cast: Cast) -> None:
    from tests.conftest import make_cast

    plan = propose_plan(cast.hal, "Split totals", "One.")
    other = make_cast("docs")
    for actor, number in ((cast.alice, 9_999), (other.alice, plan.pk)):
        refused(
            "plan_not_found",
            lambda actor=actor, number=number: decide_plan(actor, number, "approve", version=1),
            NotFound,
        )


def test_two_stages_in_turn(cast: Cast, journal: Journal) -> None:
    stages(cast, "leader", "staff")
    staff = staff_seat(cast)
    task = create_task(cast.alice, "Split")
    plan = propose_plan(cast.hal, "Split totals", "One.", task=task.number)
    start = len(journal())
    error = refused("wrong_stage", lambda: decide_plan(staff, plan.pk, "approve", version=1))
    assert "a leader" in error.message
    plan = decide_plan(cast.alice, plan.pk, "approve", version=1, stage=0)
    assert (plan.state, plan.stage, plan.stage_name) == ("pending_review", 1, "staff")
    assert Task.objects.get(pk=task.pk).planned_by is None
    assert not Message.objects.filter(kind="plan_approval_response").exists()
    asked = Message.objects.filter(kind="plan_approval_request").latest("pk")
    assert list(asked.deliveries.values_list("recipient__name", flat=True)) == [staff.name]
    refused("wrong_stage", lambda: decide_plan(cast.alice, plan.pk, "approve", version=1))
    error = refused(
        "already_decided", lambda: decide_plan(cast.alice, plan.pk, "approve", version=1, stage=0)
    )
    assert "alice" in error.message
    plan = decide_plan(staff, plan.pk, "approve", version=1, stage=1)
    assert plan.state == "approved"
    assert Task.objects.get(pk=task.pk).planned_by == cast.hal
    facts = Event.objects.filter(kind="plan.approved").order_by("seq")
    assert [(f.data["stage"], f.data["final"]) for f in facts] == [
        ("leader", False),
        ("staff", True),
    ]
    assert facts[0].data["next"] == "staff"
    assert [k for k in journal()[start:] if not k.startswith("message.")] == [
        "plan.approved",
        "plan.approved",
    ]


def test_who_has_left_asks_nobody(cast: Cast) -> None:
    Team.objects.update(approval_stages=["leader", "member"])
    plan = propose_plan(cast.hal, "Split totals", "Why.")
    end_seat(cast.alice, "hal")
    seen = Message.objects.count()
    decide_plan(cast.alice, plan.pk, "approve", version=1)
    decide_plan(cast.bob, plan.pk, "approve", version=1)
    (asked,) = Message.objects.order_by("pk")[seen:]
    assert (asked.kind, asked.sender) == ("plan_approval_request", cast.alice)
    assert Plan.objects.get().state == "approved"


def test_one_rejection_rejects(cast: Cast) -> None:
    stages(cast, "leader", "staff")
    staff = staff_seat(cast)
    plan = propose_plan(cast.hal, "Split totals", "One.")
    decide_plan(cast.alice, plan.pk, "approve", version=1)
    plan = decide_plan(staff, plan.pk, "reject", version=1, note="Not now.")
    assert plan.state == "rejected"
    revised = revise_plan(cast.hal, plan.pk, body="Two.")
    assert (revised.stage, revised.stage_name) == (0, "leader")


def test_who_holds_two_rights_names_the_second_stage(cast: Cast) -> None:
    stages(cast, "leader", "staff")
    user = cast.people["alice"]
    user.is_staff = user.is_superuser = True
    user.save(update_fields=["is_staff", "is_superuser"])
    alice = Member.objects.select_related("team").get(pk=cast.alice.pk)
    plan = propose_plan(cast.hal, "Split totals", "One.")
    decide_plan(alice, plan.pk, "approve", version=1)
    error = refused("already_decided", lambda: decide_plan(alice, plan.pk, "approve", version=1))
    assert error.details["stage"] == 1
    assert decide_plan(alice, plan.pk, "approve", version=1, stage=1).state == "approved"


def test_stages_stay_as_they_were_at_submission(cast: Cast) -> None:
    plan = propose_plan(cast.hal, "Split totals", "One.")
    stages(cast, "leader", "staff", "review")
    assert decide_plan(cast.alice, plan.pk, "approve", version=1).state == "approved"


def test_a_permission_as_a_stage(cast: Cast) -> None:
    stages(cast, "review")
    plan = propose_plan(cast.hal, "Split totals", "One.")
    refused(
        "not_allowed", lambda: decide_plan(cast.vera, plan.pk, "approve", version=1), NotAllowed
    )
    assert decide_plan(cast.iris, plan.pk, "approve", version=1).state == "approved"


def test_a_staff_user_is_seated_and_decides(cast: Cast) -> None:
    staff = staff_seat(cast)
    assert (staff.role, staff.permissions) == ("observer", frozenset({"decide_plans"}))
    plan = propose_plan(cast.hal, "Split totals", "One.")
    assert decide_plan(staff, plan.pk, "approve", version=1).state == "approved"


@pytest.mark.parametrize("state", ["forming", "paused", "completed", "archived", "disbanded"])
def test_what_the_team_state_allows(state: str, cast: Cast) -> None:
    plan = propose_plan(cast.hal, "Split totals", "One.", STEPS)
    draft = create_plan(cast.hal, "Later", "Two.")
    type(cast.team).objects.filter(pk=cast.team.pk).update(state=state)
    for call in (
        lambda: propose_plan(cast.hal, "New", "Body."),
        lambda: create_plan(cast.hal, "New", "Body."),
        lambda: submit_plan(cast.hal, draft.pk),
        lambda: revise_plan(cast.hal, plan.pk, body="Other."),
    ):
        refused("team_not_active", call)
    if state == "paused":
        assert decide_plan(cast.alice, plan.pk, "approve", version=1).state == "approved"
        assert report_step(cast.hal, plan.pk, 0, "done").state == "done"
        return
    refused("team_not_active", lambda: decide_plan(cast.alice, plan.pk, "approve", version=1))
    refused("team_not_active", lambda: withdraw_plan(cast.hal, plan.pk))
    assert not PlanDecision.objects.exists()
    assert not Plan.objects.pending().exists()


def test_what_a_plan_needs(cast: Cast) -> None:
    wrong = {
        "title": lambda: propose_plan(cast.hal, "  ", "Body."),
        "steps": lambda: propose_plan(cast.hal, "Title"),
        "body": lambda: propose_plan(cast.hal, "Title", "x" * 64_001),
        "task": lambda: propose_plan(cast.hal, "Title", "Body.", task=77),
    }
    for field, call in wrong.items():
        with pytest.raises(Invalid) as caught:
            call()
        assert field in caught.value.fields
    for steps in (
        [""],
        [{"detail": "no title"}],
        ["x" * 201],
        ["x"] * 101,
        [{"title": "a", "detail": "x" * 4001}],
    ):
        with pytest.raises(Invalid) as caught:
            propose_plan(cast.hal, "Title", "Body.", steps)
        assert "steps" in caught.value.fields
    assert not Plan.objects.exists()


@pytest.mark.parametrize("text", ["a\0b", "half \ud800 of a pair"])
def test_what_no_database_keeps_is_refused(text: str, cast: Cast, journal: Journal) -> None:
    plan = propose_plan(cast.hal, "Split totals", "Why.")
    before = journal()
    for call in (
        lambda: decide_plan(cast.alice, plan.pk, "approve", version=1, note=text),
        lambda: propose_plan(cast.hal, text, "Why."),
        lambda: propose_plan(cast.hal, "Title", text),
        lambda: propose_plan(cast.hal, "Title", "Why.", [text]),
        lambda: propose_plan(cast.hal, "Title", "Why.", [{"title": "One", "detail": text}]),
    ):
        with pytest.raises(Invalid) as refusal:
            call()
        assert "characters that are not text" in str(refusal.value.fields)
    assert journal() == before
    assert Plan.objects.get().is_pending


def test_observers_plan_nothing(cast: Cast) -> None:
    refused("not_allowed", lambda: propose_plan(cast.vera, "Title", "Body."), NotAllowed)


def test_a_plan_is_for_ones_own_or_nobodys_task(cast: Cast) -> None:
    task = create_task(cast.alice, "Hers", owner="iris")
    refused("task_taken", lambda: propose_plan(cast.hal, "Title", "Body.", task=task.number))
    assert propose_plan(cast.iris, "Title", "Body.", task=task.number).task == task
    delete_task(cast.alice, task.number)
    refused("wrong_state", lambda: propose_plan(cast.iris, "Title", "Body.", task=task.number))


def test_only_the_author_changes_it(cast: Cast) -> None:
    plan = propose_plan(cast.hal, "Title", "Body.", STEPS)
    for call in (
        lambda: revise_plan(cast.iris, plan.pk, body="x"),
        lambda: withdraw_plan(cast.alice, plan.pk),
        lambda: submit_plan(cast.alice, plan.pk),
        lambda: report_step(cast.iris, plan.pk, 0, "done"),
    ):
        refused("not_author", call, NotAllowed)


def test_the_gate_opens_with_the_last_stage(cast: Cast) -> None:
    Member.objects.filter(pk=cast.hal.pk).update(plan_mode_required=True)
    task = create_task(cast.alice, "Split")
    refused("plan_required", lambda: claim_task(cast.hal, task.number))
    plan = propose_plan(cast.hal, "Split totals", "One.", task=task.number)
    refused("plan_required", lambda: claim_task(cast.hal, task.number))
    decide_plan(cast.alice, plan.pk, "approve", version=1)
    assert claim_task(cast.hal, task.number).owner == cast.hal


def test_steps_are_reported_on_the_card(cast: Cast, journal: Journal) -> None:
    task = create_task(cast.alice, "Split")
    plan = propose_plan(cast.hal, "Split totals", "One.", STEPS, task=task.number)
    refused("wrong_state", lambda: report_step(cast.hal, plan.pk, 0, "done"))
    decide_plan(cast.alice, plan.pk, "approve", version=1)
    version = Task.objects.get(pk=task.pk).version
    start = len(journal())
    report_step(cast.hal, plan.pk, 0, "done")
    report_step(cast.hal, plan.pk, 1, "doing")
    report_step(cast.hal, plan.pk, 1, "doing")
    report_step(cast.hal, plan.pk, 2, "skipped")
    task.refresh_from_db()
    assert (task.plan_steps, task.plan_done, task.plan_doing) == (3, 2, "Prefetch")
    assert task.version == version + 3
    assert journal()[start:] == ["plan.step"] * 3
    fact = last_event("plan.step")
    assert (fact.task, fact.data["index"], fact.data["state"]) == (task.number, 2, "skipped")
    for index in (-1, 3):
        refused(
            "step_not_found",
            lambda index=index: report_step(cast.hal, plan.pk, index, "done"),
            NotFound,
        )
    with pytest.raises(Invalid):
        report_step(cast.hal, plan.pk, 0, "finished")


def test_a_replaced_plan_no_longer_moves_the_card(cast: Cast) -> None:
    task = create_task(cast.alice, "Split")
    old = propose_plan(cast.hal, "Old", "One.", STEPS, task=task.number)
    decide_plan(cast.alice, old.pk, "approve", version=1)
    new = propose_plan(cast.hal, "New", "Two.", ["Only one"], task=task.number)
    decide_plan(cast.alice, new.pk, "approve", version=1)
    report_step(cast.hal, old.pk, 0, "done")
    task.refresh_from_db()
    assert (task.plan_steps, task.plan_done) == (1, 0)


def test_deleting_a_team_takes_its_plans(cast: Cast) -> None:
    plan = propose_plan(cast.hal, "Title", "Body.", STEPS)
    decide_plan(cast.alice, plan.pk, "approve", version=1)
    Message.objects.all().delete()
    cast.team.delete()
    assert not Plan.objects.exists()
