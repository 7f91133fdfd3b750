"""Real servers, with agents in processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import IO, cast

import pytest

from tests.servers import ROOT, Site, new_site

pytestmark = pytest.mark.server

TASKS = 60
RACER = """
import asyncio, json, sys
import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

async def main(url, token, mode):
    done = []
    headers = {"Authorization": "Bearer " + token}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=60) as http,
        Client(streamable_http_client(url + "/mcp", http_client=http), mode=mode) as client,
    ):
        while True:
            claimed = await client.call_tool("claim_task", {})
            if claimed.is_error:
                break
            number = claimed.structured_content["task"]["number"]
            finished = await client.call_tool("finish_task", {"number": number})
            assert not finished.is_error, finished
            done.append(number)
    print(json.dumps(done))

asyncio.run(main(*sys.argv[1:]))
"""
CALL = """
import asyncio, json, sys
import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

async def main(url, token, tool, arguments):
    headers = {"Authorization": "Bearer " + token}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=60) as http,
        Client(streamable_http_client(url + "/mcp", http_client=http)) as client,
    ):
        answer = await client.call_tool(tool, json.loads(arguments))
        assert not answer.is_error, answer
        print(json.dumps(answer.structured_content))

asyncio.run(main(*sys.argv[1:]))
"""
NOTHING_LEFT = "No task is ready for you: To do is empty.\n"
SEED = """
from apps.teams.actions import add_member, create_team, create_token, transition_team
from apps.teams.models import User
from apps.tasks.actions import create_task
team = create_team(User.objects.create_user("alice"), "race", require_plan_approval=False)
alice = team.members.get(name="alice")
for name in ("hal", "iris"):
    add_member(alice, name)
transition_team(alice, "active")
for number in range(%d):
    create_task(alice, f"Card {number}")
print(*(create_token(alice, name)[1] for name in ("hal", "iris")))
"""


def seed(site: Site, tasks: int) -> list[str]:
    """The tokens of hal and iris in a team with so many tasks."""
    return site.shell(SEED % tasks).split()


def test_two_agents_race_through_two_servers_and_each_task_is_done_once(tmp_path: Path) -> None:
    with new_site(tmp_path, processes=2) as site:
        racers = [
            subprocess.Popen(
                [sys.executable, "-c", RACER, url, token, mode], stdout=subprocess.PIPE, text=True
            )
            for url, token, mode in zip(
                site.urls, seed(site, TASKS), ("auto", "legacy"), strict=True
            )
        ]
        done = [json.loads(racer.communicate(timeout=120)[0]) for racer in racers]
    assert Counter(done[0] + done[1]) == Counter(range(1, TASKS + 1))
    assert all(done)


def test_a_message_through_one_server_ends_the_wait_at_another(tmp_path: Path) -> None:
    with new_site(tmp_path, processes=2) as site:
        hal, iris = seed(site, 0)
        waiting = subprocess.Popen(
            [sys.executable, "-c", CALL, site.urls[0], hal, "check_inbox", '{"wait": 30}'],
            stdout=subprocess.PIPE,
            text=True,
        )
        time.sleep(2)
        start = time.monotonic()
        message = json.dumps({"to": "hal", "body": "Stop."})
        subprocess.run(
            [sys.executable, "-c", CALL, site.urls[1], iris, "send_message", message],
            check=True, capture_output=True,
        )  # fmt: skip
        answer = json.loads(waiting.communicate(timeout=30)[0])
        assert time.monotonic() - start < 10
    assert [said["body"] for said in answer["messages"]] == ["Stop."]


def test_the_worker_of_the_help_works(tmp_path: Path) -> None:
    with new_site(tmp_path) as site:
        token = seed(site, 2)[0]
        worker = subprocess.Popen(
            [sys.executable, ROOT / "templates/help/worker.py"],
            env={**os.environ, "TEAMS_URL": site.url, "TEAMS_TOKEN": token},
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            said = list(iter(cast(IO[str], worker.stdout).readline, NOTHING_LEFT))
        finally:
            worker.kill()
            worker.communicate()
        columns = site.shell(
            "from apps.tasks.models import Task;"
            "print({task.column.value for task in Task.objects.all()})"
        )
    assert said[0].startswith("You are hal")
    assert sum(line.startswith("Working on") for line in said) == 2
    assert columns == "{'review'}"


def test_the_demonstration_moves_and_goes_with_its_server(tmp_path: Path) -> None:
    with new_site(tmp_path, processes=0) as site:
        site.start("--demo")
        count = "from apps.teams.models import Event; print(Event.objects.count())"
        before = int(site.shell(count))
        deadline = time.monotonic() + 40
        while int(site.shell(count)) < before + 3:
            assert time.monotonic() < deadline, "nothing moved"
            time.sleep(0.2)
        agents = subprocess.run(
            ["pgrep", "-f", f"apps.mcp.demo.crew {site.url}"], capture_output=True, text=True,
            check=True,
        ).stdout.split()  # fmt: skip
        assert len(agents) == 1
        site.processes[0].kill()
        site.processes[0].wait()
        deadline = time.monotonic() + 10
        while Path(f"/proc/{agents[0]}").exists():
            assert time.monotonic() < deadline, "the agents outlived their server"
            time.sleep(0.1)
