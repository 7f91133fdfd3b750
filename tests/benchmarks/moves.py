"""Moves over HTTP by many at once, and one card that everybody wants.

    python tests/benchmarks/moves.py [SECONDS]

Prints moves a second and the slowest for 8 and 32 clients beside a request that does nothing
(`/healthz`) of the same run; then what came of 100 claims of one task at the same moment, and of
16 people moving one card 30 times while three boards watch.
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.benchmarks import harness
from tests.benchmarks.harness import Client, hammer, report
from tests.benchmarks.live import seed
from tests.benchmarks.websockets_raw import Socket, open_socket

HTMX = "HX-Request: true\r\nX-Live: live\r\n"  # as a board that follows live asks
CARD = re.compile(rb'data-task="1" data-in="(\w+)"')


async def moves(server: harness.Server, team: dict[str, Any], clients: int, seconds: float) -> Any:
    """Each client starts and releases cards of its own, in turn."""
    turns: Counter[int] = Counter()
    mine: dict[int, int] = {}

    def request(client: Client, number: int) -> bytes:
        own = mine.setdefault(id(client), 10 + len(mine))
        turns[own] += 1
        verb = "start" if turns[own] % 2 else "release"
        path = f"/teams/bench/tasks/{own}/{verb}/"
        return client.request(path, "POST", headers=team["login"] + HTMX)

    return await hammer(server.url, request, clients=clients, seconds=seconds, status=204)


async def race(server: harness.Server, team: dict[str, Any]) -> Counter[int]:
    """100 people claim one task at once; how many were answered with which status."""
    clients = [await Client.connect(server.url) for _ in range(100)]
    asked = [
        client.ask(client.request("/teams/bench/tasks/2/claim/", "POST", headers=login + HTMX))
        for client, login in zip(clients, team["logins"], strict=True)
    ]
    answers = await asyncio.gather(*asked)
    for client in clients:
        client.close()
    return Counter(answer.status for answer in answers)


async def tug(server: harness.Server, team: dict[str, Any], rounds: int = 30) -> tuple[int, int]:
    """16 people pull card 1 about; rounds after which some watching page was not the database."""
    seen: dict[int, bytes] = {}

    def heard(socket: Socket, payload: bytes) -> None:
        if found := CARD.findall(payload):
            seen[id(socket)] = found[-1]

    path = f"/ws/teams/bench/?after={team['seq']}&view=board"
    pages = [await open_socket(server.url, path, heard, headers=team["login"]) for _ in range(3)]
    clients = [await Client.connect(server.url) for _ in range(16)]
    verbs = ["start", "release"]
    different = 0
    for number in range(rounds):
        await asyncio.gather(*(
            client.ask(client.request(
                f"/teams/bench/tasks/1/{verbs[(number + index) % 2]}/", "POST",
                headers=team["login"],
            ))
            for index, client in enumerate(clients)
        ))  # fmt: skip
        await asyncio.sleep(0.3)
        page = await clients[0].get("/teams/bench/", headers=team["login"])
        truth = CARD.search(page.body)
        assert truth is not None
        different += any(seen.get(id(socket), truth[1]) != truth[1] for socket in pages)
    return rounds, different


async def main(seconds: float) -> None:
    with harness.start_server() as server:
        team = seed(server.env, 60, "todo", 100)
        rows = []
        for clients in (8, 32):
            nothing = await hammer(
                server.url, lambda c, n: c.request("/healthz"), clients=clients, seconds=seconds
            )
            load = await moves(server, team, clients, seconds)
            rows.append({
                "": f"{clients} clients", "moves/s": load.per_second, "p50 ms": load.ms(50),
                "slowest ms": load.ms(100), "refused": load.refused,
                "no-op/s": nothing.per_second,
                "no-op ÷ move": nothing.per_second / load.per_second,
            })  # fmt: skip
        report(f"Moves over HTTP, SQLite, {seconds:.0f} s each", rows)
        print("\n100 claims of one task at once:", dict(await race(server, team)))
        rounds, different = await tug(server, team)
        print(f"16 people move one card, {rounds} rounds: {different} ended unlike the database")


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]) if len(sys.argv) > 1 else 5.0))
