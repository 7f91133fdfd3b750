"""The cast: Alice leads, Bob works, Vera observes, Mallory is a stranger; Hal, Iris are agents."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from asgiref.sync import SyncToAsync
from django.db import connection, connections
from django.test import Client
from execnet import XSpec
from pytest_django import DjangoDbBlocker

from apps.core import env
from apps.core.front import shared
from apps.teams.actions import add_member, create_team, seat_person, transition_team
from apps.teams.models import Event, Member, Team, User


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Two processes for the whole suite; what is named runs in this one, as `--pdb` wants it."""
    return 2 if config.args_source is config.ArgsSource.TESTPATHS else 0


def pytest_xdist_setupnodes(specs: list[XSpec]) -> None:
    """Each process, with the servers that it starts, has its own data and its own Redis keys."""
    data, redis = os.environ.get("DATA_DIR") or "data", os.environ.get("REDIS_URL")
    for index, spec in enumerate(specs):
        spec.env["DATA_DIR"] = str(Path(data).absolute() / spec.id)
        if redis:
            number = env.redis_database(redis) + index
            spec.env["REDIS_URL"] = urlsplit(redis)._replace(path=f"/{number}").geturl()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests come last: what drives the browser keeps an event loop in this thread."""
    items.sort(key=lambda item: "tests/browser/" in item.nodeid)
    # Processes are told by its id which test to run: of several with one id, they would run one.
    if several := [name for name, count in Counter(i.nodeid for i in items).items() if count > 1]:
        raise pytest.UsageError(f"Several tests have one id: {', '.join(several)}")


def empty_tables_row_by_row() -> None:
    """After tests with transactions of their own: to truncate, PostgreSQL makes each table anew."""
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute("SHOW is_superuser")
        if cursor.fetchone() != ("on",):
            return

    def emptied(ops: Any, style: Any, tables: list[str], **options: bool) -> list[str]:
        named = [ops.quote_name(table) for table in tables]
        return [
            "SET LOCAL session_replication_role = replica",  # asks for no order among them
            *(f"DELETE FROM {name}" for name in named),  # noqa: S608
        ]

    type(connection.ops).sql_flush = emptied  # type: ignore[method-assign]


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Before the test database goes, the threads that live on let go of it."""
    with django_db_blocker.unblock():
        empty_tables_row_by_row()
    yield
    if shared.cache_info().currsize:
        shared().pool.close()
    SyncToAsync.single_thread_executor.submit(connections.close_all).result()


def person(name: str) -> User:
    """An account with a password that tests need not hash."""
    user, _ = User.objects.get_or_create(username=name, defaults={"password": "!"})
    return user


@dataclass
class Cast:
    """A team and its seats by name; `people` are the accounts."""

    team: Team
    alice: Member
    bob: Member
    vera: Member
    hal: Member
    iris: Member
    mallory: User
    people: dict[str, User] = field(default_factory=dict)


def make_cast(slug: str = "checkout", *, active: bool = True) -> Cast:
    """A fresh team with everybody seated; the people keep their accounts between teams."""
    people = {name: person(name) for name in ("alice", "bob", "vera", "mallory")}
    team = create_team(people["alice"], slug, name=slug.title(), require_plan_approval=False)
    alice = team.members.get(name="alice")
    alice.team = team
    bob = seat_person(team, people["bob"], role="member")
    vera = seat_person(team, people["vera"], role="observer")
    hal, iris = (add_member(alice, name, agent_type="general-purpose") for name in ("hal", "iris"))
    if active:
        transition_team(alice, "active")
    members = (alice, bob, vera, hal, iris)
    seats = [Member.objects.select_related("team").get(pk=member.pk) for member in members]
    return Cast(seats[0].team, *seats, mallory=people["mallory"], people=people)


@pytest.fixture
def cast(db: None) -> Cast:
    return make_cast()


@pytest.fixture
def team(cast: Cast) -> Team:
    return cast.team


@pytest.fixture
def alice(cast: Cast) -> Member:
    return cast.alice


@pytest.fixture
def bob(cast: Cast) -> Member:
    return cast.bob


@pytest.fixture
def vera(cast: Cast) -> Member:
    return cast.vera


@pytest.fixture
def hal(cast: Cast) -> Member:
    return cast.hal


@pytest.fixture
def iris(cast: Cast) -> Member:
    return cast.iris


@pytest.fixture
def mallory(cast: Cast) -> User:
    return cast.mallory


@pytest.fixture
def login(cast: Cast) -> Callable[[str], Client]:
    """A browser logged in as one of the people."""

    def as_person(name: str) -> Client:
        client = Client()
        client.force_login(cast.people[name])
        return client

    return as_person


@pytest.fixture
def journal(cast: Cast) -> Callable[[], list[str]]:
    """The kinds recorded since the fixture was asked for, in order; no number may be missing."""
    start = Team.objects.get(pk=cast.team.pk).seq

    def kinds() -> list[str]:
        rows = list(Event.objects.filter(team=cast.team, seq__gt=start).order_by("seq"))
        assert [row.seq for row in rows] == list(range(start + 1, start + 1 + len(rows)))
        return [row.kind for row in rows]

    return kinds
