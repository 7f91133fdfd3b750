"""One move reaches every open board: how soon, against a bare broadcast of the same bytes.

    python tests/benchmarks/live.py [BOARDS] [MOVES]

Prints, for the floor, daphne and uvicorn, the time from sending the move to each board having it,
the time in which the boards joined, the memory before and after, and the ratios of one run.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.benchmarks import harness
from tests.benchmarks.harness import Client, free_port, percentile, report, rss_mb
from tests.benchmarks.websockets_raw import Socket, open_socket

JOINING_AT_ONCE = 50
WARM_UP = 2


class Crowd:
    """N open boards; `everyone` is done when each heard a message that `matters`."""

    def __init__(self) -> None:
        self.sockets: list[Socket] = []
        self.times: list[float] = []
        self.last = b""
        self.mark = b""
        self.everyone: asyncio.Future[None] | None = None

    def heard(self, socket: Socket, payload: bytes) -> None:
        if self.everyone is None or self.mark not in payload:
            return
        self.times.append(time.perf_counter())
        self.last = payload
        if len(self.times) >= len(self.sockets) and not self.everyone.done():
            self.everyone.set_result(None)

    async def join(self, url: str, path: str, count: int, headers: str) -> float:
        """Open `count` boards; how long that took in seconds."""
        start = time.perf_counter()
        gate = asyncio.Semaphore(JOINING_AT_ONCE)

        async def one() -> None:
            async with gate:
                self.sockets.append(await open_socket(url, path, self.heard, headers=headers))

        await asyncio.gather(*(one() for _ in range(count)))
        return time.perf_counter() - start

    async def tell(self, mark: bytes, go: Any) -> list[float]:
        """Do `go`; milliseconds until each board heard a message with `mark`."""
        self.times, self.mark = [], mark
        self.everyone = asyncio.get_running_loop().create_future()
        start = time.perf_counter()
        await go
        async with asyncio.timeout(30):
            await self.everyone
        return [(at - start) * 1000 for at in self.times]

    def leave(self) -> None:
        for socket in self.sockets:
            socket.close()


def row(name: str, joined: float, waits: list[float], more: dict[str, Any]) -> dict[str, Any]:
    return {
        "": name, "joined s": joined, "p50 ms": percentile(waits, 50),
        "p99 ms": percentile(waits, 99), "max ms": max(waits), **more,
    }  # fmt: skip


async def measure_floor(boards: int, moves: int, payload: bytes) -> dict[str, Any]:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("floor.py")), str(port)]
    )
    url = f"http://127.0.0.1:{port}"
    try:
        await asyncio.sleep(0.5)
        crowd = Crowd()
        joined = await crowd.join(url, "/", boards, "")
        sender = await Client.connect(url)
        waits: list[float] = []
        for number in range(moves):
            body = payload + f"<!--{number}-->".encode()
            go = sender.ask(sender.request("/", "POST", body=body))
            waits += await crowd.tell(f"<!--{number}-->".encode(), go)
            await asyncio.sleep(0.05)
        crowd.leave()
    finally:
        harness.stop(process)
    return row("bare asyncio broadcast", joined, waits, {})


def seed(env: dict[str, str], cards: int, column: str, people: int = 0) -> dict[str, Any]:
    script = str(Path(__file__).with_name("seed.py"))
    done = subprocess.run(
        [sys.executable, script, str(cards), column, str(people)],
        env={**os.environ, **env}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


async def measure(
    server: harness.Server, name: str, boards: int, moves: int
) -> tuple[dict[str, Any], bytes]:
    team = seed(server.env, 200, "spread")
    first = await Client.connect(server.url)
    page = await first.get("/teams/bench/", headers=team["login"])
    assert page.status == 200, page.status
    idle = rss_mb(server.pid)
    crowd = Crowd()
    path = f"/ws/teams/bench/?after={team['seq']}&view=board"
    joined = await crowd.join(server.url, path, boards, team["login"])
    full = rss_mb(server.pid)
    waits: list[float] = []
    verbs = ["start", "release"]
    sizes = []
    for number in range(WARM_UP + moves):
        move = f"/teams/bench/tasks/{5 * (1 + number // 2 % 30)}/{verbs[number % 2]}/"
        go = first.ask(first.request(move, "POST", headers=team["login"]))
        mark = b'data-task="%d"' % (5 * (1 + number // 2 % 30))
        heard = await crowd.tell(mark, go)
        if number < WARM_UP:  # the first ones load templates, which a running site has done
            continue
        waits += heard
        sizes.append(len(crowd.last))
        await asyncio.sleep(0.05)
    last = crowd.last
    crowd.leave()
    more = {"idle MB": idle, f"{boards} MB": full, "bytes": sum(sizes) // len(sizes)}
    return row(name, joined, waits, more), last


def main(boards: int, moves: int) -> None:
    rows = []
    payload = b""
    for kind in ("daphne", "uvicorn"):
        with harness.start_server(server=kind) as server:
            measured, payload = asyncio.run(measure(server, kind, boards, moves))
            rows.append(measured)
    floor = asyncio.run(measure_floor(boards, moves, payload))
    for measured in rows:
        measured["p99 ÷ floor"] = measured["p99 ms"] / floor["p99 ms"]
    report(f"One move → {boards} open boards, {moves} moves", [floor, *rows])


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    main(*[*given, *(500, 40)[len(given) :]])
