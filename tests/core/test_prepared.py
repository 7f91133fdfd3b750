from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import JSONField, Value
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from apps.core.prepared import NUMBER, TEXT, Prepared
from apps.teams.models import Member, Team
from tests.conftest import Cast, make_cast


@pytest.fixture
def seats() -> Prepared[Member]:
    return Prepared(Member, lambda all_: all_.filter(team_id=NUMBER).exclude(kind="system"))


def test_the_objects_are_those_of_the_query(cast: Cast, seats: Prepared[Member]) -> None:
    make_cast("elsewhere")
    expected = list(Member.objects.filter(team=cast.team).exclude(kind="system"))
    for _ in range(2):
        found = seats.objects(cast.team.pk)
        assert found == expected
        assert [vars(a) | {"_state": 0} for a in found] == [
            vars(b) | {"_state": 0} for b in expected
        ]
    assert seats.objects(10**9) == []


def test_they_are_saved_like_any_other(cast: Cast, seats: Prepared[Member]) -> None:
    member = seats.objects(cast.team.pk)[0]
    member.metadata = {"a": 1}
    member.save(update_fields=["metadata"])
    assert Member.objects.get(pk=member.pk).metadata == {"a": 1}


def test_what_is_selected_beside_them_is_loaded(
    cast: Cast, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    named = Prepared(Member, lambda seats: seats.filter(name=TEXT).select_related("team", "user"))
    with django_assert_num_queries(2):
        (alice,) = named.objects("alice")
        (hal,) = named.objects("hal")
        assert (alice.team, alice.user) == (cast.team, cast.people["alice"])
        assert (hal.team.slug, hal.user) == ("checkout", None)


def test_rows_hold_values_and_not_what_the_database_keeps(cast: Cast) -> None:
    soon = timezone.now() + timedelta(days=1)
    Member.objects.filter(pk=cast.hal.pk).update(left_at=soon, granted=["review"])
    one = Prepared(
        Member,
        lambda all_: all_.filter(pk=NUMBER).values_list("name", "granted", "left_at",
                                                        "plan_mode_required"),
    )  # fmt: skip
    assert one.rows(cast.hal.pk) == [["hal", ["review"], soon, False]]


@pytest.mark.parametrize("kept", [[], {}, None, ["a"], {"a": []}, "[]", "", 0])
def test_documents_are_read_whatever_they_hold(cast: Cast, kept: Any) -> None:
    Member.objects.filter(pk=cast.hal.pk).update(metadata=Value(kept, JSONField()))
    found = Prepared(Member, lambda all_: all_.filter(pk=NUMBER).values_list("metadata", "left_at"))
    mine, other = found.rows(cast.hal.pk), found.rows(cast.hal.pk)
    assert mine == [[kept, None]]
    assert not isinstance(kept, list | dict) or mine[0][0] is not other[0][0]


def test_columns_left_out_are_deferred(cast: Cast, django_assert_num_queries: Any) -> None:
    slim = Prepared(Member, lambda all_: all_.filter(pk=NUMBER).only("name"))
    with django_assert_num_queries(1):
        (member,) = slim.objects(cast.hal.pk)
        assert member.name == "hal"
    with django_assert_num_queries(1):
        assert member.role == "member"


def test_a_lock_is_kept_on_databases_that_have_one(cast: Cast) -> None:
    locked = Prepared(Team, lambda all_: all_.filter(pk=NUMBER).select_for_update())
    with transaction.atomic():
        assert locked.objects(cast.team.pk) == [cast.team]
        sql = locked._compiled[connection.vendor].sql
    assert ("FOR UPDATE" in sql) == (connection.vendor != "sqlite")


def test_threads_share_what_was_compiled(transactional_db: None) -> None:
    cast = make_cast()
    names = Prepared(Member, lambda all_: all_.filter(pk=NUMBER).values_list("name", "joined_at"))

    def ask(pk: int) -> list[list[Any]]:
        try:
            return names.rows(pk)
        finally:
            connection.close()

    members = [cast.alice, cast.bob, cast.hal, cast.iris] * 3
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(ask, [member.pk for member in members]))
    assert found == [[[member.name, member.joined_at]] for member in members]
