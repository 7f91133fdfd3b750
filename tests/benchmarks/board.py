"""What a process costs before anything happens, with many sockets, and a board of 5,000 cards.

    python tests/benchmarks/board.py

Prints the time from starting `manage.py up` to the first page, memory idle and with 1,000 open
boards, and for 5,000 cards the server's time of a warm board page beside a page with no cards.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.benchmarks import harness
from tests.benchmarks.harness import ROOT, Client, cpu_seconds, free_port, report, rss_mb
from tests.benchmarks.live import Crowd, seed

SOCKETS = 1000
READS = 40


def start_to_first_page(first: bool) -> tuple[float, float]:
    """Seconds until `up` answers its login page, and its memory then."""
    with tempfile.TemporaryDirectory(prefix="bench-") as home:
        waits = [_start(home) for _ in range(1 if first else 2)]
    return waits[-1]


def _start(home: str) -> tuple[float, float]:
    port = free_port()
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "manage.py", "up", "--port", str(port)],
        cwd=ROOT, env={**os.environ, "DATA_DIR": home}, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/login/").read()
                break
            except OSError:
                time.sleep(0.02)
        taken = time.perf_counter() - start
        time.sleep(2)
        return taken, rss_mb(process.pid)
    finally:
        harness.stop(process)


async def big_board(server: harness.Server) -> list[dict[str, object]]:
    """Server CPU of one warm page: a board of 5,000 cards beside a page without any."""
    team = seed(server.env, 5000, "spread")
    client = await Client.connect(server.url)
    rows = []
    for name, path in (("teams page", "/teams/"), ("board of 5,000 cards", "/teams/bench/")):
        await client.get(path, headers=team["login"])
        waits, before = [], cpu_seconds(server.pid)
        for _ in range(READS):
            start = time.perf_counter()
            answer = await client.get(path, headers=team["login"])
            waits.append((time.perf_counter() - start) * 1000)
            assert answer.status == 200, answer.status
        rows.append({
            "": name, "server CPU ms": (cpu_seconds(server.pid) - before) * 1000 / READS,
            "p50 ms": harness.percentile(waits, 50), "kB": len(answer.body) / 1000,
        })  # fmt: skip
    crowd = Crowd()
    idle = rss_mb(server.pid)
    path = f"/ws/teams/bench/?after={team['seq']}&view=board"
    joined = await crowd.join(server.url, path, SOCKETS, team["login"])
    full = rss_mb(server.pid)
    crowd.leave()
    print(f"\n{SOCKETS} boards joined in {joined:.1f} s: {idle:.0f} MB before, {full:.0f} MB after")
    return rows


def main() -> None:
    rows = []
    for name, first in (("first start (makes the database)", True), ("second start", False)):
        taken, memory = start_to_first_page(first)
        rows.append({"": name, "to first page s": taken, "idle MB": memory})
    report("manage.py up", rows)
    with harness.start_server() as server:
        report(f"One warm page, {READS} reads", asyncio.run(big_board(server)))


if __name__ == "__main__":
    main()
