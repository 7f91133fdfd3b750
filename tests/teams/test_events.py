"""The journal: numbers without gaps in the order of commits, whatever happens at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from apps.core.actions import action
from apps.teams import events
from apps.teams.actions import lock_team
from apps.teams.models import Event, Member, Team
from tests.conftest import Cast, make_cast
from tests.together import together

Journal = Callable[[], list[str]]


@action
def note(actor: Member, *kinds: str, fail: str = "") -> None:
    """Record these kinds, and fail after them where asked to."""
    lock_team(actor)
    for kind in kinds:
        events.record(actor, kind)
    if fail:
        raise ValueError(fail)


@action
def note_around(actor: Member, kind: str) -> None:
    """An action that goes on when one inside it fails."""
    with pytest.raises(ValueError, match="no"):
        note(actor, "lost.a", "lost.b", fail="no")
    note(actor, kind)


def seqs(team: Team) -> list[int]:
    return list(Event.objects.filter(team=team).order_by("seq").values_list("seq", flat=True))


def head(team: Team) -> int:
    return Team.objects.get(pk=team.pk).seq


def test_a_line(cast: Cast) -> None:
    event = events.record(cast.hal, "task.moved", task=7, column="todo")
    event.refresh_from_db()
    assert (event.team, event.actor, event.kind) == (cast.team, cast.hal, "task.moved")
    assert (event.seq, event.task, event.data) == (
        head(cast.team), 7, {"task": 7, "column": "todo"},
    )  # fmt: skip


def test_the_data_of_a_line_may_have_any_name(cast: Cast) -> None:
    facts: dict[str, Any] = {"kind": "a", "actor": "b", "from": "c"}
    event = events.record(cast.hal, "x.y", **facts)
    assert event.data == facts


def test_each_team_counts_for_itself(cast: Cast) -> None:
    other = make_cast("payment")
    for actor in (cast.hal, other.hal, cast.hal):
        note(actor, "x.y")
    for team in (cast.team, other.team):
        assert seqs(team) == list(range(1, head(team) + 1))


def test_a_rollback_leaves_no_gap(cast: Cast, journal: Journal) -> None:
    with pytest.raises(ValueError, match="no"):
        note(cast.hal, "lost.a", "lost.b", fail="no")
    note(cast.hal, "kept.a")
    note_around(cast.hal, "kept.b")
    assert journal() == ["kept.a", "kept.b"]  # the fixture looks for gaps


@pytest.mark.django_db(transaction=True)
def test_only_an_action_writes() -> None:
    cast = make_cast()
    with pytest.raises(transaction.TransactionManagementError):
        events.record(cast.hal, "x.y")
    assert seqs(cast.team) == list(range(1, head(cast.team) + 1))


# Reading on


def test_reading_on_after_a_number(cast: Cast, django_assert_num_queries: Any) -> None:
    start = head(cast.team)
    note(cast.hal, "a.a", "b.b", "a.a", "c.c")
    note(make_cast("payment").hal, "a.a")
    with django_assert_num_queries(1):
        found = events.after(cast.team, start)
        assert [(e.kind, e.actor and e.actor.name) for e in found] == [
            ("a.a", "hal"), ("b.b", "hal"), ("a.a", "hal"), ("c.c", "hal"),
        ]  # fmt: skip
    assert [event.seq for event in found] == [start + 1, start + 2, start + 3, start + 4]
    assert [e.seq for e in events.after(cast.team, start, limit=2)] == [start + 1, start + 2]
    by_kind = events.after(cast.team, start, kinds=["a.a", "c.c"])
    assert [e.seq for e in by_kind] == [start + 1, start + 3, start + 4]
    assert events.after(cast.team, start + 4) == []
    assert events.after(cast.team, start + 99) == []


# Pruning


def age(team: Team, upto: int, days: int) -> None:
    """Make the lines up to a number that old."""
    past = timezone.now() - timedelta(days=days)
    Event.objects.filter(team=team, seq__lte=upto).update(at=past)


def test_pruning_keeps_the_numbers(cast: Cast) -> None:
    note(cast.hal, *(["x.y"] * 10))
    last = head(cast.team)
    age(cast.team, last - 3, days=9)
    deleted = events.prune(cast.team, before=timezone.now() - timedelta(days=7))
    assert deleted == last - 3
    assert seqs(cast.team) == [last - 2, last - 1, last]
    note(cast.hal, "x.z")
    assert seqs(cast.team)[-1] == last + 1
    assert events.prune(cast.team, before=timezone.now() - timedelta(days=7)) == 0


def test_the_floor_is_the_lowest_cursor_that_misses_nothing(cast: Cast) -> None:
    assert events.floor(cast.team) == 0
    last = head(cast.team)
    age(cast.team, last - 2, days=9)
    events.prune(cast.team, before=timezone.now() - timedelta(days=7))
    floor = events.floor(cast.team)
    assert floor == last - 2
    assert [event.seq for event in events.after(cast.team, floor)] == [last - 1, last]


def test_the_last_line_stays_in_any_case(cast: Cast) -> None:
    last = head(cast.team)
    team = Team.objects.get(pk=cast.team.pk)
    events.prune(team, before=timezone.now() + timedelta(days=1))
    assert seqs(team) == [last]
    assert events.floor(team) == last - 1


def test_pruning_goes_from_the_start_only(cast: Cast) -> None:
    note(cast.hal, "x.y", "x.y", "x.y")
    last = head(cast.team)
    past = timezone.now() - timedelta(days=9)
    Event.objects.filter(team=cast.team, seq=last - 1).update(at=past)
    assert events.prune(cast.team, before=timezone.now() - timedelta(days=7)) == 0


def test_an_empty_journal_can_be_followed(db: None) -> None:
    team = Team.objects.create(slug="bare")
    assert events.floor(team) == 0
    assert events.after(team, 0) == []
    assert events.prune(team, before=timezone.now()) == 0


# Telling


@pytest.mark.django_db(transaction=True)
def test_listeners_hear_after_the_commit_and_never_of_a_rollback() -> None:
    cast = make_cast()
    heard: list[tuple[int, int]] = []
    undo = events.listen(lambda team: heard.append((team, len(seqs(cast.team)))))
    try:
        with pytest.raises(ValueError, match="no"):
            note(cast.hal, "lost.a", fail="no")
        assert heard == []
        with transaction.atomic():
            note(cast.hal, "x.y")
            assert heard == []
        assert heard == [(cast.team.pk, head(cast.team))]
    finally:
        undo()
    note(cast.hal, "x.y")
    assert len(heard) == 1


@pytest.mark.django_db(transaction=True)
def test_a_listener_that_fails_stops_nobody(caplog: Any) -> None:
    cast = make_cast()
    heard: list[int] = []

    def fail(team: int) -> None:
        raise RuntimeError("deaf")

    undo = [events.listen(fail), events.listen(heard.append)]
    try:
        note(cast.hal, "x.y")
    finally:
        for each in undo:
            each()
    assert heard == [cast.team.pk]
    assert "deaf" in caplog.text
    assert seqs(cast.team)[-1] == head(cast.team)


# At once


@pytest.mark.django_db(transaction=True)
def test_numbers_have_no_gaps_when_many_write_and_some_fail() -> None:
    casts = [make_cast(), make_cast("payment")]
    start = [head(cast.team) for cast in casts]

    def write(index: int) -> Callable[[], None]:
        actor = Member.objects.get(pk=casts[index % 2].hal.pk)

        def run() -> None:
            for turn in range(6):
                try:
                    note(actor, f"t{index}.{turn}", "x.y", fail="no" if turn % 3 == 1 else "")
                except ValueError:
                    continue

        return run

    assert together([write(index) for index in range(12)]) == []
    for cast, before in zip(casts, start, strict=True):
        found = events.after(cast.team, before)
        assert [event.seq for event in found] == list(range(before + 1, before + 1 + 6 * 4 * 2))
        assert head(cast.team) == found[-1].seq
        for index in range(12):
            mine = [event.kind for event in found if event.kind.startswith(f"t{index}.")]
            assert mine == sorted(mine)


def note_often(actor: Member) -> None:
    for _ in range(15):
        note(actor, "x.y")


@pytest.mark.django_db(transaction=True)
def test_who_reads_on_meanwhile_never_skips_a_number() -> None:
    """A later number that commits first would be read, and the earlier one never again."""
    cast = make_cast()
    start, stop = head(cast.team), threading.Event()
    seen: list[int] = []

    def follow() -> None:
        try:
            while not stop.wait(0.001) or events.after(cast.team, (seen or [start])[-1]):
                seen.extend(event.seq for event in events.after(cast.team, (seen or [start])[-1]))
        finally:
            connection.close()

    reader = threading.Thread(target=follow)
    reader.start()
    actor_keys = [cast.hal.pk, cast.iris.pk, cast.bob.pk, cast.alice.pk]
    actors = [Member.objects.get(pk=key) for key in actor_keys]
    try:
        together([partial(note_often, actor) for actor in actors])
    finally:
        stop.set()
        reader.join(30)
    assert seen == list(range(start + 1, start + 61))
