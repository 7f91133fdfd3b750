"""Signs of life, and help."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.urls import URLResolver, get_resolver

from apps.core.help import TOPICS
from apps.reviews.actions import propose_plan
from apps.tasks.actions import create_task
from apps.teams.actions import transition_team
from tests.conftest import Cast


def test_the_process_is_alive_without_a_database() -> None:
    answer = Client().get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok\n")


def test_ready_with_a_database(db: None) -> None:
    answer = Client().get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["database"] == "ok"


def test_not_ready_without_a_database(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise OperationalError("password of somebody")

    with monkeypatch.context() as broken:
        broken.setattr(connection, "cursor", fail)
        answer = Client().get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["database"] == "does not answer (OperationalError)"


def test_not_ready_without_the_redis_that_is_set(db: None, settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    answer = Client().get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"database": "ok", "redis": "does not answer (ConnectionError)"}


def test_redis_is_not_used_without_an_address(db: None, settings: Any) -> None:
    settings.REDIS_URL = ""
    assert Client().get("/readyz").json() == {"database": "ok", "redis": "not used"}


def test_the_address_of_a_form_says_that_it_is_no_page(cast: Cast, login: Any) -> None:
    answer = login("alice").get("/teams/checkout/invitations/")
    assert (answer.status_code, answer["Allow"]) == (405, "POST")
    assert "There is no page at this address" in answer.content.decode()


def addresses(patterns: list[Any], before: str = "") -> Iterator[str]:
    for one in patterns:
        address = before + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from addresses(one.url_patterns, address)
        elif not address.startswith(("admin/", "api/", "^api/")):
            yield "/" + address


def test_no_address_opens_as_a_bare_part_of_a_page(cast: Cast, login: Any) -> None:
    task = create_task(cast.alice, "First")
    plan = propose_plan(cast.hal, "Plan", "Why.", task=task.number)
    there = {"slug": "checkout", "number": task.number, "plan_id": plan.pk,
             "seat": cast.hal.pk, "column": "todo", "topic": "agents"}  # fmt: skip
    client = login("alice")
    seen = 0
    for address in addresses(get_resolver().url_patterns):
        path = re.sub(r"<\w+:(\w+)>", lambda found: str(there.get(found[1], 1)), address)
        answer = client.get(path)
        if answer.status_code == 200 and answer.headers["Content-Type"].startswith("text/html"):
            assert b"</html>" in answer.content, path
            seen += 1
    assert seen > 25


@pytest.mark.parametrize(
    ("path", "page"),
    [("/digest/", "/"), ("/frame/", "/"),
     ("/teams/checkout/column/done/", "/teams/checkout/#column-done"),
     ("/teams/checkout/column/done/?owner=hal&x=1", "/teams/checkout/?owner=hal#column-done")],
)  # fmt: skip
def test_a_part_opened_by_itself_leads_to_its_page(path: str, page: str, login: Any) -> None:
    client = login("alice")
    assert client.get(path).headers["Location"] == page
    assert b"<html" not in client.get(path, headers={"HX-Request": "true"}).content


def test_a_frame_that_came_anew_keeps_the_mark_of_its_team(login: Any) -> None:
    client, path = login("alice"), "/teams/checkout/"
    for _ in range(3):
        frame = client.get(path, headers={"HX-Request": "true"} if "frame" in path else {})
        side = frame.content.decode().partition('id="side"')[2].partition("</nav>")[0]
        assert 'href="/teams/checkout/" aria-current="true"' in side
        path = re.search(r'hx-get="([^"]+)"', side)[1]  # type: ignore[index]
        assert path == "/frame/?team=checkout"


@pytest.mark.parametrize(
    ("path", "who"),
    [("tasks/new/", "bob"), ("messages/new/", "bob"), ("plans/new/", "bob"),
     ("shutdown/?name=hal", "alice")],
)  # fmt: skip
def test_no_form_opens_for_who_may_not_send_it(path: str, who: str, cast: Cast, login: Any) -> None:
    assert login(who).get(f"/teams/checkout/{path}").status_code == 200
    assert login("vera").get(f"/teams/checkout/{path}").status_code == 403
    transition_team(cast.alice, "completed")
    transition_team(cast.alice, "archived")
    assert login(who).get(f"/teams/checkout/{path}").status_code == 409


def test_the_icon_is_where_browsers_look() -> None:
    assert Client().get("/favicon.ico")["Location"] == "/static/favicon.svg"


@pytest.mark.parametrize("slug", TOPICS)
def test_every_topic_reads_with_and_without_an_account(slug: str, login: Any, db: None) -> None:
    for client in (Client(), login("bob")):
        answer = client.get(f"/help/{slug}/")
        page = answer.content.decode()
        assert answer.status_code == 200
        assert TOPICS[slug].title in page
        assert 'class="panel panel-body prose"' in page


def test_the_index_lists_every_topic(db: None) -> None:
    page = Client().get("/help/").content.decode()
    assert set(re.findall(r'href="/help/([\w-]+)/"', page)) == set(TOPICS)


def test_an_unknown_topic_is_not_found(db: None) -> None:
    assert Client().get("/help/nothing/").status_code == 404


def test_links_in_the_help_lead_somewhere(login: Any) -> None:
    client = login("bob")
    for slug in TOPICS:
        page = client.get(f"/help/{slug}/").content.decode()
        body = page.partition('class="panel panel-body prose"')[2].partition("</article>")[0]
        for link in re.findall(r'href="(/[^"]*)"', body):
            assert client.get(link, follow=True).status_code == 200, link


def test_no_page_is_kept_by_the_browser(login: Callable[[str], Client]) -> None:
    client = login("alice")
    for path in ("/teams/checkout/", "/help/", "/nothing-here/"):
        assert client.get(path).headers["Cache-Control"] == "private, no-store"
    part = client.get("/teams/checkout/", headers={"HX-Request": "true", "HX-Target": "board"})
    assert part.headers["Cache-Control"] == "private, no-store"
    assert "no-store" not in client.get("/healthz").headers.get("Cache-Control", "")
