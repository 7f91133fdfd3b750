"""From a click at the desk to the author's waiting call, beside a bare message to the same call.

    python tests/benchmarks/decision.py [ROUNDS]

An agent waits on its inbox over REST. Prints, in turns on the same server, how long after the POST
of a decision in the admin, and after the POST of a plain message, that wait has its answer.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlencode

sys.path[0] = str(Path(__file__).resolve().parents[2])

from tests.benchmarks.harness import ROOT, Client, Server, percentile, report, start_server, usage

SEED = """
import json
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from apps.reviews.actions import propose_plan
from apps.teams.actions import add_member, create_team, create_token, transition_team
from apps.teams.models import Member, User
user = User.objects.create_superuser("alice")
team = create_team(user, "bench", require_plan_approval=False)
seat = lambda name: Member.objects.select_related("team").get(team=team, name=name)
transition_team(seat("alice"), "active")
for name in ("hal", "iris"):
    add_member(seat("alice"), name)
tokens = [create_token(seat("alice"), name)[1] for name in ("hal", "iris")]
plans = [propose_plan(seat("hal"), f"Plan {n}", "Why.", ["One"]).pk for n in range(%d)]
store = SessionStore()
store[SESSION_KEY] = str(user.pk)
store[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
store[HASH_SESSION_KEY] = user.get_session_auth_hash()
store.save()
csrf = f"{settings.CSRF_COOKIE_NAME}={'b' * 32}"
cookie = f"{settings.SESSION_COOKIE_NAME}={store.session_key}; {csrf}"
print(json.dumps({"tokens": tokens, "plans": plans, "cookie": cookie}))
"""
API = "/api/v1/teams/bench"


def seed(server: Server, rounds: int) -> dict[str, list[str]]:
    """The team, its agents' tokens, the plans and the login at the desk."""
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "-v", "0", "-c", SEED % rounds],
        cwd=ROOT, env={**os.environ, **server.env}, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    found: dict[str, list[str]] = json.loads(done.stdout.splitlines()[-1])
    return found


def bearer(token: str) -> str:
    return f"Authorization: Bearer {token}\r\nContent-Type: application/json\r\n"


async def woken(waiter: Client, sender: Client, token: str, request: bytes, expect: int) -> float:
    """Milliseconds from sending `request` until the author's wait is answered."""
    loop = asyncio.get_running_loop()
    ended: list[float] = []

    async def wait() -> None:
        answer = await waiter.get(f"{API}/inbox?unread=true&wait=20", headers=bearer(token))
        ended.append(loop.time())
        assert answer.status == 200, answer.body
        assert json.loads(answer.body)["items"]

    waiting = asyncio.create_task(wait())
    await asyncio.sleep(0.05)
    start = loop.time()
    answer = await sender.ask(request)
    assert answer.status == expect, (answer.status, answer.body[:300])
    await waiting
    await waiter.post(f"{API}/inbox/read-all", b"{}", headers=bearer(token))
    return (ended[0] - start) * 1000


async def measure(server: Server, rounds: int) -> list[dict[str, object]]:
    """Decisions and messages in turns."""
    found = seed(server, rounds)
    hal, iris = found["tokens"]
    waiter, desk = await Client.connect(server.url), await Client.connect(server.url)
    form = urlencode({"decision": "approve", "version": 1, "stage": 0}).encode()
    browser = (
        f"Cookie: {found['cookie']}\r\nX-CSRFToken: {'b' * 32}\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n"
    )
    note = json.dumps({"to": ["hal"], "body": "Hello."}).encode()
    decided, told = [], []
    for plan in found["plans"]:
        address = f"/admin/reviews/plan/{plan}/decide/"
        request = desk.request(address, "POST", headers=browser, body=form)
        decided.append(await woken(waiter, desk, hal, request, 302))
        request = desk.request(f"{API}/messages", "POST", headers=bearer(iris), body=note)
        told.append(await woken(waiter, desk, hal, request, 201))
    return [row("a decision at the desk", decided), row("a plain message", told)]


def row(what: str, times: list[float]) -> dict[str, object]:
    """Percentiles, the first few left out as warming up."""
    warm = times[5:]
    return {"what": what, "p50 ms": percentile(warm, 50), "p95 ms": percentile(warm, 95)}


def main(rounds: int) -> None:
    """Serve, seed, measure."""
    with start_server() as server:
        with usage(server.pid) as cores:
            rows = asyncio.run(measure(server, rounds))
        report(f"To the author's waiting call, {rounds} times", rows)
        print(f"  cores: server {cores.server:.2f}, others {cores.others:.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
