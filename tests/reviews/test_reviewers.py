from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from apps.reviews.actions import approve, request_review
from apps.reviews.reviewers import next_reviewer, rank
from apps.teams.models import Member
from tests.conftest import Cast
from tests.reviews.conftest import MakeTask


def test_the_next_one_is_shown_before_it_happens(cast: Cast, done: MakeTask) -> None:
    for index in range(6):
        task = done(f"Card {index}")
        shown = next_reviewer(task)
        assert request_review(cast.hal, task.number).reviewer == shown


def test_the_least_loaded_comes_first_then_the_longest_not_chosen(
    cast: Cast, done: MakeTask
) -> None:
    chosen = []
    for index in range(4):
        task = request_review(cast.hal, done(f"Card {index}").number)
        assert task.reviewer is not None
        chosen.append(task.reviewer.name)
    assert chosen == ["alice", "bob", "iris", "alice"]
    # Bob is free again; Iris was chosen later than he, but both carry one or none.
    second = cast.team.tasks.get(subject="Card 1")
    approve(cast.bob, second.number)
    following = request_review(cast.hal, done("Card 5").number).reviewer
    assert following == cast.bob


def test_never_the_owner_an_observer_or_the_absent(cast: Cast, done: MakeTask) -> None:
    task = done(owner=cast.bob)
    Member.objects.filter(pk=cast.vera.pk).update(granted=["review"])
    Member.objects.filter(pk=cast.alice.pk).update(denied=["review"])
    Member.objects.filter(pk=cast.hal.pk).update(terminated_at=timezone.now())
    assert next_reviewer(task) == cast.iris
    Member.objects.filter(pk=cast.iris.pk).update(left_at=timezone.now())
    assert next_reviewer(task) is None
    assert request_review(cast.bob, task.number).reviewer is None


def test_ranking_is_a_total_order(cast: Cast) -> None:
    now = timezone.now()
    seats = [cast.alice, cast.bob, cast.hal, cast.iris]
    load = {cast.alice.pk: 2, cast.bob.pk: 1, cast.hal.pk: 1}
    chosen = {cast.bob.pk: now, cast.hal.pk: now - timedelta(days=1)}
    expected = [cast.iris, cast.hal, cast.bob, cast.alice]
    assert rank(seats, load, chosen) == expected
    assert rank(reversed(seats), load, chosen) == expected
