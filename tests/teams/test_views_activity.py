"""The journal as people read it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.teams import events
from apps.teams.actions import create_team
from apps.teams.journal import PER_PAGE
from apps.teams.models import Member
from tests.conftest import Cast, make_cast

Login = Callable[[str], Client]
PATH = "/teams/checkout/activity/"


def record(actor: Member, kind: str, times: int = 1, **data: Any) -> None:
    with transaction.atomic():
        for _ in range(times):
            events.record(actor, kind, **data)


def numbers(page: str) -> list[int]:
    return [int(seq) for seq in re.findall(r'data-seq="(\d+)" data-kind', page)]


def kinds(page: str) -> list[str]:
    return re.findall(r'data-kind="([a-z_.]+)"', page)


def test_everybody_in_the_team_reads_it(cast: Cast, login: Login) -> None:
    record(cast.hal, "task.claimed", task=7, column="in_progress")
    for name in ("alice", "bob", "vera"):
        page = login(name).get(PATH).content.decode()
        assert (
            '<b>hal</b> claimed <a class="task-ref" href="/teams/checkout/tasks/7/">#7</a>' in page
        )
        assert numbers(page) == sorted(numbers(page), reverse=True)


def test_strangers_do_not(cast: Cast, login: Login) -> None:
    assert login("mallory").get(PATH).status_code == 404
    assert Client().get(PATH)["Location"] == f"/login/?next={PATH}"


def test_older_pages_repeat_and_skip_nothing(cast: Cast, login: Login) -> None:
    record(cast.hal, "task.claimed", PER_PAGE * 2, task=1, column="todo")
    client, path, seen = login("bob"), PATH, []
    for _ in range(5):
        page = client.get(path).content.decode()
        seen += numbers(page)
        older = re.search(r'href="(\?before=\d+)">Older', page)
        if older is None:
            break
        record(cast.iris, "comment.added", task=1, comment=1)  # news must not shift old pages
        path = PATH + older[1]
    assert seen == list(range(max(seen), 0, -1))


def test_filters(cast: Cast, login: Login) -> None:
    record(cast.hal, "task.claimed", task=1, column="todo")
    record(cast.iris, "task.created", task=2, column="todo", subject="x")
    record(cast.iris, "comment.added", task=2, comment=1)
    client = login("bob")
    assert kinds(client.get(f"{PATH}?kind=comment").content.decode()) == ["comment.added"]
    iris = client.get(f"{PATH}?member=IRIS").content.decode()
    assert kinds(iris) == ["comment.added", "task.created"]
    both = client.get(f"{PATH}?member=iris&kind=task").content.decode()
    assert kinds(both) == ["task.created"]
    nobody = client.get(f"{PATH}?member=rae").content.decode()
    assert "No line of the journal matches" in nobody


@pytest.mark.parametrize(
    "query", ["before=x", "before=-1", "before=²", f"before={'9' * 40}", "kind=%00", "member=%00"]
)
def test_nonsense_in_the_address_does_no_harm(cast: Cast, login: Login, query: str) -> None:
    assert login("bob").get(f"{PATH}?{query}").status_code == 200


def test_furniture_and_chatter_show_where_one_asks(cast: Cast, login: Login) -> None:
    record(cast.hal, "message.sent", message=1, of="message", to=["bob"], cc=[])
    record(cast.hal, "message.sent", message=2, of="idle_notification", to=["bob"], noise=True)
    record(cast.bob, "message.read", count=2)
    client = login("bob")
    everything = kinds(client.get(PATH).content.decode())
    assert everything[0] == "message.sent"
    assert everything.count("message.sent") == 1
    asked = kinds(client.get(f"{PATH}?kind=message").content.decode())
    assert asked == ["message.read", "message.sent", "message.sent"]


def test_only_the_newest_page_follows_live(cast: Cast, login: Login) -> None:
    client = login("bob")
    first = client.get(f"{PATH}?kind=member").content.decode()
    assert f'hx-get="{PATH}?kind=member"' in first
    assert "news-activity from:body" in first
    assert "news-activity" not in client.get(f"{PATH}?before=3").content.decode()


def test_what_members_wrote_is_escaped(cast: Cast, login: Login) -> None:
    evil = "<img src=x onerror=alert(1)>"
    record(cast.hal, "task.created", task=1, column="todo", subject=evil)
    page = login("bob").get(PATH).content.decode()
    assert "<img" not in page
    assert "&lt;img" in page


def test_all_my_teams_together(cast: Cast, login: Login) -> None:
    other = make_cast("search")
    create_team(cast.mallory, "heist")
    record(cast.hal, "task.claimed", PER_PAGE, task=1, column="todo")
    record(other.iris, "task.claimed", 3, task=2, column="todo")
    client = login("bob")
    page = client.get("/activity/").content.decode()
    assert "/teams/search/tasks/2/" in page
    assert "/teams/checkout/tasks/1/" in page
    older = re.search(r'href="(\?before=\d+)">Older', page)
    assert older is not None
    both = page + client.get(f"/activity/{older[1]}").content.decode()
    assert len(kinds(both)) == cast.team.events.count() + other.team.events.count()
    assert "heist" not in both
    assert kinds(client.get("/activity/?kind=team").content.decode())[0] == "team.moved"
    assert Client().get("/activity/")["Location"] == "/login/?next=/activity/"


def test_the_page_costs_the_same_for_many(
    cast: Cast, login: Login, django_assert_num_queries: Any
) -> None:
    client = login("bob")
    client.get(PATH)
    with CaptureQueriesContext(connection) as few:
        client.get(PATH)
    for actor in (cast.hal, cast.iris, cast.alice):
        record(actor, "task.claimed", PER_PAGE, task=1, column="todo")
    with django_assert_num_queries(len(few)):
        client.get(PATH)
    assert len(few) <= 18
