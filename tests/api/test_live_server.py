"""REST against real server processes: waiting, limits, and a client made of the document alone."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.servers import Site, new_site

pytestmark = pytest.mark.server

SEED = """
from apps.teams.actions import add_member, create_team, transition_team, create_token
from apps.teams.models import User
alice = User.objects.create_user("alice", password=None)
team = create_team(alice, "checkout")
lead = team.members.get(name="alice")
lead.team = team
for name in ("hal", "iris"):
    add_member(lead, name)
transition_team(lead, "active")
print(" ".join(create_token(lead, name)[1] for name in ("alice", "hal", "iris")))
"""


class Generated:
    """A client whose methods are the operations of an OpenAPI document."""

    def __init__(self, url: str, token: str, slug: str) -> None:
        self.url, self.token, self.slug = url, token, slug
        self.calls = 0
        with urllib.request.urlopen(f"{url}/api/v1/openapi.json") as answer:  # noqa: S310
            doc = json.load(answer)
        self.operations = {
            one["operationId"]: (method.upper(), path, one)
            for path, methods in doc["paths"].items()
            for method, one in methods.items()
        }

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method, path, one = self.operations[name]

        def call(**given: Any) -> Any:
            given.setdefault("slug", self.slug)
            query, headers, where = {}, {}, path
            for parameter in one["parameters"]:
                if parameter["name"] not in given:
                    assert not parameter["required"], parameter["name"]
                    continue
                name = parameter["name"]
                value = given.pop(name)
                if parameter["in"] == "path":
                    where = where.replace(f"{{{name}}}", str(value))
                else:
                    (query if parameter["in"] == "query" else headers)[name] = value
            given.pop("slug", None)
            body = json.dumps(given).encode() if "requestBody" in one and given else None
            if query:
                where += "?" + urllib.parse.urlencode(query, doseq=True)
            status, answer = self.send(method, where, body, headers)
            assert str(status) in one["responses"], (name, status)
            assert status < 400, answer
            return answer

        return call

    def send(
        self, method: str, path: str, body: bytes | None = None, headers: Any = None
    ) -> tuple[int, Any]:
        """Any request; its status and what its JSON says."""
        self.calls += 1
        request = urllib.request.Request(self.url + path, body, method=method)  # noqa: S310
        request.add_header("Authorization", f"Bearer {self.token}")
        request.add_header("Content-Type", "application/json")
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        try:
            with urllib.request.urlopen(request, timeout=70) as answer:  # noqa: S310
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Two processes over the same data, with a team of a leader and two agents."""
    home: Path = tmp_path_factory.mktemp("rest")
    with new_site(home, processes=2) as running:
        running.env["TOKENS"] = running.shell(SEED)
        yield running


@pytest.fixture
def clients(site: Site) -> list[Generated]:
    """Alice, hal and iris, who talk to different processes."""
    tokens = site.env["TOKENS"].split()
    return [
        Generated(site.urls[number % 2], token, "checkout") for number, token in enumerate(tokens)
    ]


class Waiter:
    """A call that waits in a thread of its own."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self.answer: Any = None
        self.seconds = 0.0
        self._thread = threading.Thread(target=self._run, args=(call,))
        self._thread.start()
        time.sleep(0.6)

    def _run(self, call: Callable[[], Any]) -> None:
        start = time.monotonic()
        self.answer = call()
        self.seconds = time.monotonic() - start

    def result(self) -> Any:
        """What it was answered, once it was."""
        self._thread.join(30)
        assert not self._thread.is_alive()
        return self.answer


def test_a_wait_ends_with_the_news_and_not_before(clients: list[Generated]) -> None:
    alice, hal, iris = clients
    last = hal.list_events(limit=200)["last"]
    while news := hal.list_events(after=last, limit=200)["items"]:
        last = news[-1]["seq"]
    events = Waiter(lambda: hal.list_events(after=last, wait=20))
    inbox = Waiter(lambda: iris.get_inbox(wait=20))
    quiet = Waiter(lambda: hal.get_inbox(**{"wait": 2, "from": "iris"}))
    sent = alice.send_message(to=["iris"], body="Hello")
    assert events.result()["items"][0]["kind"] == "message.sent"
    assert [message["id"] for message in inbox.result()["items"]] == [sent["id"]]
    assert max(events.seconds, inbox.seconds) < 10
    assert quiet.result()["items"] == []
    assert 2 <= quiet.seconds < 10


def test_a_revoked_token_ends_its_wait(clients: list[Generated]) -> None:
    alice, hal, _ = clients
    fresh = alice.create_token(name="hal")
    other = Generated(hal.url, fresh["secret"], "checkout")
    path = "/api/v1/teams/checkout/inbox?wait=30"
    waiting = Waiter(lambda: other.send("GET", path))
    alice.revoke_token(token_id=fresh["id"])
    status, answer = waiting.result()
    assert (status, answer["error"]["code"]) == (401, "token_revoked")
    assert waiting.seconds < 15


def test_a_body_that_is_too_large_is_refused(clients: list[Generated]) -> None:
    body = json.dumps({"subject": "x" * 2_000_000}).encode()
    status, answer = clients[1].send("POST", "/api/v1/teams/checkout/tasks", body)
    assert (status, answer["error"]["code"]) == (413, "too_large")


def test_the_standard_job_takes_eight_calls_at_most(clients: list[Generated]) -> None:
    alice, hal, _ = clients
    number = alice.create_task(subject="Write the parser", priority="critical")["number"]
    hal.calls = 0
    briefing = hal.get_briefing()
    assert briefing["next_step"]["action"] in ("submit_plan", "check_inbox")
    steps = ["Read the grammar", "Write it"]
    plan = hal.submit_new_plan(task=number, title="Parser", steps=steps)
    after = alice.list_events(limit=200)["last"]
    decided = Waiter(lambda: hal.list_events(after=after, kind="plan.approved", wait=30))
    alice.decide_plan(plan_id=plan["id"], decision="approve", version=1)
    assert decided.result()["items"][0]["data"]["plan"] == plan["id"]
    hal.claim_task(number=number)
    hal.report_step(plan_id=plan["id"], index=0, state="done")
    hal.complete_task(number=number)
    task = hal.request_review(number=number)
    assert (task["column"], task["plan"]["done"]) == ("review", 1)
    assert hal.calls <= 8
    assert alice.approve(number=task["number"], note="Well done")["column"] == "approved"


def test_two_agents_race_for_tasks_through_two_processes(clients: list[Generated]) -> None:
    alice, hal, iris = clients
    for client in ("hal", "iris"):
        alice.change_member(name=client, plan_mode_required=False)
    made = {alice.create_task(subject=f"Race {number}")["number"] for number in range(30)}
    done: dict[int, list[int]] = {0: [], 1: []}

    def work(index: int, client: Generated) -> None:
        while True:
            path = "/api/v1/teams/checkout/tasks/claim-next"
            status, task = client.send("POST", path)
            if status == 409 and task["error"]["code"] == "nothing_ready":
                return
            assert status == 200, task
            client.complete_task(number=task["number"])
            done[index].append(task["number"])

    threads = [threading.Thread(target=work, args=pair) for pair in enumerate((hal, iris))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(done[0] + done[1]) == sorted(made)
    assert len(set(done[0] + done[1])) == len(made)
