"""REST reads and writes per second, each beside a no-op of the same run.

    python tests/benchmarks/rest.py [SECONDS]

The floors: 800 reads of one task a second, 500 boards of 200 cards. Prints the server's CPU time
per request; exits with 1 where a floor is not reached, and says so where others used the machine.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.benchmarks import harness
from tests.benchmarks.harness import Client, Load, Usage, hammer, manage, report, start_server
from tests.benchmarks.live import seed

CARDS = 200
CLIENTS = 8
FLOORS = {"one task": 800, "board": 500}
Request = Callable[[Client, int], bytes]


def requests(team: dict[str, Any], token: str) -> dict[str, Request]:
    """What is measured, by name; the first is the no-op that the others are compared with."""
    base, head = f"/api/v1/teams/{team['slug']}", f"Authorization: Bearer {token}\r\n"
    said = json.dumps({"body": "On it"}).encode()

    def get(path: str, more: str = "") -> Request:
        return lambda client, _: client.request(path, headers=head + more)

    return {
        "no-op": lambda client, _: client.request("/healthz"),
        "one task": get(f"{base}/tasks/7"),
        "200 tasks in turn": lambda client, n: client.request(
            f"{base}/tasks/{1 + n % CARDS}", headers=head
        ),
        "board": get(f"{base}/board"),
        "list of 50": get(f"{base}/tasks?limit=50"),
        "me": get("/api/v1/me"),
        "inbox": get(f"{base}/inbox"),
        "events": get(f"{base}/events?limit=50"),
        "briefing": get(f"{base}/briefing"),
        "comment (write)": lambda client, n: client.request(
            f"{base}/tasks/{1 + n % CARDS}/comments", "POST", body=said,
            headers=head + "Content-Type: application/json\r\n",
        ),
    }  # fmt: skip


async def measure(
    server: harness.Server, request: Request, seconds: float, status: int
) -> tuple[Load, Usage]:
    """Load the server with one kind of request, after a moment to warm up."""
    await hammer(server.url, request, clients=CLIENTS, seconds=0.3, status=status)
    with harness.usage(server.pid) as used:
        load = await hammer(server.url, request, clients=CLIENTS, seconds=seconds, status=status)
    return load, used


async def main(seconds: float) -> int:
    with start_server({"API_RATE": "1000000"}) as server:
        team = seed(server.env, CARDS, "spread")
        token = manage(server.env, "create_token", team["slug"], "agent-0").split()[-1]
        rows, rates = [], {}
        for name, request in requests(team, token).items():
            status = 201 if "write" in name else 200
            load, used = await measure(server, request, seconds, status)
            if load.refused or not load.latencies:
                raise RuntimeError(f"{load.refused} wrong answers to {name}:\n{server.log}")
            rates[name] = load.per_second
            rows.append({
                "": name, "requests/s": load.per_second, "floor": FLOORS.get(name, ""),
                "p50 ms": load.ms(50), "p95 ms": load.ms(95),
                "CPU ms": used.server / load.per_second * 1000,
                "no-op ÷ this": rates["no-op"] / load.per_second,
                "others' cores": used.others,
            })  # fmt: skip
        report(f"REST, SQLite, {CLIENTS} clients, {seconds:g} s each", rows)
    if any(row["others' cores"] > 0.15 for row in rows):
        print("\nOthers used the machine meanwhile; compare CPU ms and the ratios, not the rates.")
    return int(any(rates[name] < floor for name, floor in FLOORS.items()))


if __name__ == "__main__":
    sys.exit(asyncio.run(main(float(sys.argv[1]) if len(sys.argv) > 1 else 3.0)))
