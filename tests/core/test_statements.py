"""Statements made beforehand, run past Django's cursors where nobody watches them."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from django.core.exceptions import SynchronousOnlyOperation
from django.db import DatabaseError, IntegrityError, ProgrammingError, connection, transaction
from django.db.transaction import TransactionManagementError
from django.db.utils import OperationalError

from apps.core.sqlite.base import marked
from apps.core.statements import fetch, here
from apps.teams.models import Team
from tests.conftest import Cast


def test_rows_come_as_the_database_has_them(cast: Cast) -> None:
    sql = "SELECT slug, %s, '100%%' FROM teams_team WHERE id = %s"
    assert fetch(here(), sql, ["%s ü", cast.team.pk]) == [(cast.team.slug, "%s ü", "100%")]
    assert (
        fetch(here(), "UPDATE teams_team SET name = %s WHERE id = %s RETURNING id", ["", 0]) == []
    )


def test_who_counts_statements_sees_them(cast: Cast, django_assert_num_queries: Any) -> None:
    seen: list[str] = []

    def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        seen.append(sql)
        return execute(sql, params, many, context)

    with django_assert_num_queries(1):
        fetch(here(), "SELECT %s", [1])
    with connection.execute_wrapper(watch):
        fetch(here(), "SELECT %s", [1])
    assert seen == ["SELECT %s"]


def test_errors_are_those_of_django(cast: Cast) -> None:
    with pytest.raises((OperationalError, ProgrammingError)), transaction.atomic():
        fetch(here(), "SELECT nothing FROM teams_team WHERE id = %s", [1])
    with pytest.raises(IntegrityError), transaction.atomic():
        fetch(here(), "UPDATE teams_team SET slug = NULL WHERE id = %s", [cast.team.pk])
    assert Team.objects.get(pk=cast.team.pk).slug == cast.team.slug


def test_a_broken_transaction_takes_no_more(cast: Cast) -> None:
    with transaction.atomic():
        transaction.set_rollback(True)
        with pytest.raises(TransactionManagementError):
            fetch(here(), "SELECT %s", [1])


def test_a_statement_is_marked_for_sqlite() -> None:
    assert marked("SELECT '%%', %s, %s") == "SELECT '%', ?, ?"


def test_the_guards_of_django_stand(cast: Cast) -> None:
    mine, caught = here(), []

    def elsewhere() -> None:
        try:
            fetch(mine, "SELECT %s", [1])
        except DatabaseError as error:
            caught.append(error)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert "can only be used in that same thread" in str(caught[0])

    async def on_the_loop() -> None:
        fetch(mine, "SELECT %s", [1])

    with pytest.raises(SynchronousOnlyOperation):
        asyncio.run(on_the_loop())
