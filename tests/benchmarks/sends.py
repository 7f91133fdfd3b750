"""Messages through the full HTTP stack, beside requests that do nothing.

    python tests/benchmarks/sends.py [SECONDS]

Prints sends a second, their percentiles and what was refused for 1 and 8 clients, each an agent
with a token of its own, and the ratio to `/healthz` of the same run. Both take turns, second by
second, with the floor: a server of its own whose front serves an empty view with one middleware.
Where the aim of 800 sends a second comes from, the floor made 3,450; the last column tells how many
sends this run would be there.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.benchmarks import harness
from tests.benchmarks.harness import Client, Load, hammer, report

SEED = """
import django

django.setup()

from apps.teams.actions import add_member, create_team, create_token, transition_team
from apps.teams.models import User

user = User.objects.create_user("bench")
team = create_team(user, "bench", max_members=50, require_plan_approval=False)
leader = team.members.get(name="bench")
transition_team(leader, "active")
for number in range(8):
    agent = add_member(leader, f"agent-{number}")
    print(create_token(leader, agent.name)[1])
"""


def seed(env: dict[str, str]) -> list[str]:
    """An active team with eight agents; their tokens."""
    done = subprocess.run(
        [sys.executable, "-c", SEED],
        cwd=harness.ROOT,
        env={**os.environ, **env, "DJANGO_SETTINGS_MODULE": "teams_site.settings"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.split()


FLOOR, AIM = 3_450, 800
FRONT = "tests.benchmarks.request_path:application"


async def main(seconds: int) -> None:
    body = json.dumps({"to": ["bench"], "body": "The parser is done; see #1."}).encode()
    with (
        harness.start_server() as server,
        harness.start_server({"REQUEST_PATH": "front"}, application=FRONT) as bare,
    ):
        tokens = seed(server.env)
        rows = []
        for clients in (1, 8):
            mine: dict[int, str] = {}

            def send(client: Client, number: int, mine: dict[int, str] = mine) -> bytes:
                token = mine.setdefault(id(client), tokens[len(mine) % len(tokens)])
                headers = f"Authorization: Bearer {token}\r\nContent-Type: application/json\r\n"
                path = "/api/v1/teams/bench/messages"
                return client.request(path, "POST", headers=headers, body=body)

            load, nothing, floor = Load(0), Load(0), Load(0)
            others = []
            for _ in range(seconds):
                with harness.usage(server.pid) as usage:
                    load += await hammer(server.url, send, clients=clients, seconds=1, status=201)
                others.append(usage.others)
                nothing += await hammer(server.url, asks("/healthz"), clients=clients, seconds=1)
                floor += await hammer(bare.url, asks("/nothing"), clients=16, seconds=1)
            rows.append({
                "": f"{clients} clients", "sends/s": load.per_second, "p50 ms": load.ms(50),
                "p99 ms": load.ms(99), "slowest ms": load.ms(100), "refused": load.refused,
                "no-op ÷ send": nothing.per_second / load.per_second, "floor/s": floor.per_second,
                f"at {FLOOR:,}": load.per_second / floor.per_second * FLOOR,
                "others": sum(others) / seconds,
            })  # fmt: skip
        report(f"Messages over HTTP, SQLite, {seconds} s each; the aim is {AIM} at {FLOOR:,}", rows)


def asks(path: str) -> Callable[[Client, int], bytes]:
    """Requests for one page."""
    return lambda client, _: client.request(path)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 8))
