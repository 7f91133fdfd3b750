from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from apps.tasks import actions, charts, flow_reading
from apps.tasks.charts import STACK, Day
from apps.tasks.flow_reading import Flow, read_flow
from apps.tasks.models import Task
from apps.tasks.moves import BOARD
from apps.teams.models import Event, Member, Team

DAY = timedelta(days=1)


def a_day(*counts: int, completed: int = 0, approved: int = 0) -> Day:
    return Day(datetime(2031, 5, 5, tzinfo=UTC).date(), list(counts), completed, approved)


def history(alice: Member, hal: Member) -> None:
    """#1 was claimed three days ago and completed yesterday, #2 runs, #3 is to do."""
    for subject in ("First", "Second", "Third"):
        actions.create_task(alice, subject)
    actions.claim_task(hal, 1)
    actions.complete_task(hal, 1)
    actions.claim_task(hal, 2)
    now = read_flow(alice.team, 7).now
    Team.objects.filter(pk=alice.team_id).update(created_at=now - 20 * DAY)
    journal = Event.objects.filter(team=alice.team)
    journal.update(at=now - 5 * DAY)
    journal.filter(task=1, kind="task.claimed").update(at=now - 3 * DAY)
    journal.filter(task=1, kind="task.completed").update(at=now - DAY)
    journal.filter(task=2, kind="task.claimed").update(at=now - 2 * DAY)
    Task.objects.filter(number=2).update(started_at=now - 2 * DAY)


def read(team: Team, days: int) -> Flow:
    return read_flow(Team.objects.get(pk=team.pk), days)


def test_the_stack_is_the_board() -> None:
    assert set(STACK) == set(BOARD)


def test_areas_are_stacked_from_the_bottom() -> None:
    found = dict(charts.areas([a_day(1, 0, 0, 0, 1), a_day(2, 0, 0, 0, 2)]))
    assert found["approved"] == (
        "0,75.00 5,75.00 15,50.00 20,50.00 20,100.00 15,100.00 5,100.00 0,100.00"
    )
    assert found["todo"].startswith("0,50.00 5,50.00 15,0.00 20,0.00 ")
    assert dict(charts.areas([a_day(0, 0, 0, 0, 0)]))["todo"].startswith("0,100.00 ")


def test_bars_are_as_high_as_the_busiest_day_allows() -> None:
    slots = charts.slots([a_day(completed=4, approved=1), a_day()])
    assert [(slot.completed.height, slot.approved.height) for slot in slots] == [(100, 25), (0, 0)]
    assert slots[1].completed.x > slots[0].approved.x + slots[0].approved.width


def test_a_week_of_a_team(alice: Member, hal: Member, team: Team) -> None:
    history(alice, hal)
    found = read(team, 7)
    days = charts.daily(found)

    assert len(days) == 7
    assert [day.counts for day in days] == [
        [0, 0, 0, 0, 0], [0, 0, 0, 0, 3], [0, 0, 0, 0, 3], [0, 0, 0, 1, 2], [0, 0, 0, 2, 1],
        [0, 1, 0, 1, 1], [0, 1, 0, 1, 1],
    ]  # fmt: skip
    assert [day.completed for day in days] == [0, 0, 0, 0, 0, 1, 0]
    assert [(row.member.name, row.worked, row.completed) for row in charts.by_member(found)] == [
        ("hal", 4 * 86_400, 1)
    ]
    (first, second), left_out = charts.lanes(found)
    assert left_out == 0
    assert (first.card.number, first.work, first.review) == (1, 2 * 86_400, 0)
    assert (second.card.number, second.work) == (2, 2 * 86_400)
    assert charts.lanes(found, 1) == ([first], 1)
    assert [(one.card.number, one.share) for one in charts.under_way(found)] == [(2, "100.0%")]
    assert charts.numbers(found) == (1, 0, 2 * 86_400, None, None, 0)


def test_what_began_before_the_days_shown_is_known_from_the_card(
    alice: Member, hal: Member, team: Team
) -> None:
    history(alice, hal)
    now = read(team, 7).now
    Event.objects.filter(team=team).update(at=now - 15 * DAY)
    Task.objects.filter(number=2).update(started_at=now - 15 * DAY)

    found = read(team, 7)

    assert found.events == []
    assert not found.is_cut
    assert [(one.task, one.until) for one in found.work] == [(2, None)]
    assert {tuple(day.counts) for day in charts.daily(found)} == {(0, 1, 0, 1, 1)}
    (lane,), _ = charts.lanes(found)
    assert lane.spans[0].x == "0.00%"
    assert lane.spans[0].width == "100.00%"


def test_a_pruned_journal_says_where_it_begins(alice: Member, hal: Member, team: Team) -> None:
    history(alice, hal)
    Event.objects.filter(team=team, task=None).delete()
    Event.objects.filter(team=team, kind="task.created").delete()
    found = read(team, 14)
    assert found.is_cut
    assert found.start == found.events[0].at
    assert charts.daily(found)[0].counts == [0, 0, 0, 1, 2]


def test_too_long_a_journal_is_cut_too(
    alice: Member, hal: Member, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    history(alice, hal)
    monkeypatch.setattr(flow_reading, "MOST_EVENTS", 2)
    found = read(team, 14)
    assert found.is_cut
    assert len(found.events) == 2


def test_questions_and_reviews_open_now(alice: Member, hal: Member, team: Team) -> None:
    history(alice, hal)
    actions.ask(hal, 2, "Which one?")
    found = read(team, 7)
    assert [(one.card.number, one.kind) for one in charts.under_way(found)] == [
        (2, "work"),
        (2, "waiting"),
    ]
    assert charts.numbers(found).open_waits == 1
    assert [one.what for one in found.waits] == ["question"]
    assert [(row.member.name, row.answered) for row in charts.by_member(found)] == [("hal", 0)]
