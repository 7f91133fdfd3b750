"""How soon a changed file of Claude Code is on an open board, and a move in the file.

    python tests/benchmarks/claude_follow.py [TEAMS] [SAMPLES]

The floor is the server's own way: a move over HTTP until the same open board has it. Then the CPU
that idle following takes, and the reading of an inbox of 1,000 rows.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from apps.claude.formats import read_inbox
from tests.benchmarks.harness import Client, cpu_seconds, percentile, report
from tests.benchmarks.websockets_raw import Socket, open_socket
from tests.claude.trees import Home, member, put, row
from tests.servers import Site, new_site

LOGIN = """
import json
from tests.benchmarks.seed import login
from apps.teams.models import Team, User
from apps.teams.actions.adopting import adopt_teams
user = User.objects.create_superuser("bench", password=None)
adopt_teams(user)
print(json.dumps({"login": login(user), "seq": Team.objects.get(slug="crew-000").seq,
                  "teams": Team.objects.count()}))
"""
IDLE_SECONDS = 10
CARDS = 30


def make(path: Path, teams: int) -> Home:
    """Teams with cards and talk; the first one is measured."""
    for number in range(teams):
        home = Home(path, f"crew-{number:03}")
        home.config(member("hal", team=home.team), member("iris", team=home.team))
        for card in range(1, CARDS + 1):
            home.task(card, f"Card {card}")
        for name in ("team-lead", "hal", "iris"):
            home.inbox(name, *(row("iris", f"Line {i} to {name}.", i) for i in range(100)))
    return Home(path, "crew-000")


class Board:
    """An open board; `until(mark)` is done when a message with `mark` came."""

    def __init__(self) -> None:
        self.mark = b""
        self.came: asyncio.Future[float] | None = None

    def heard(self, socket: Socket, payload: bytes) -> None:
        if self.came and not self.came.done() and self.mark in payload:
            self.came.set_result(time.perf_counter())

    def expect(self, mark: bytes) -> asyncio.Future[float]:
        self.mark = mark
        self.came = asyncio.get_running_loop().create_future()
        return self.came


async def measure(site: Site, home: Home, samples: int) -> dict[str, list[float]]:
    """Milliseconds of each way: over HTTP, from file to board, from board to file."""
    found = json.loads(site.shell(LOGIN))
    print(f"{found['teams']} teams are followed.")
    client, board = await Client.connect(site.url), Board()
    path = f"/ws/teams/crew-000/?after={found['seq']}&view=board"
    socket = await open_socket(site.url, path, board.heard, headers=found["login"])
    ways: dict[str, list[float]] = {"http": [], "in": [], "out": []}
    for number in range(samples):
        card = 1 + number % CARDS
        came = board.expect(b"Renamed %d." % number)
        start = time.perf_counter()
        rename(home, card, f"Renamed {number}.")
        ways["in"].append((await asyncio.wait_for(came, 20) - start) * 1000)
        await asyncio.sleep(0.05)
        verb, status = (("start", "in_progress"), ("release", "pending"))[number // CARDS % 2]
        came = board.expect(b'data-task="%d"' % card)
        start = time.perf_counter()
        go = client.request(f"/teams/crew-000/tasks/{card}/{verb}/", "POST", headers=found["login"])
        answer = await client.ask(go)
        assert answer.status < 400, (answer.status, answer.body[:200])
        ways["http"].append((await asyncio.wait_for(came, 20) - start) * 1000)
        while home.read_task(card)["status"] != status:
            await asyncio.sleep(0.005)
        ways["out"].append((time.perf_counter() - start) * 1000)
        await asyncio.sleep(0.1)
    socket.close()
    client.close()
    return ways


def rename(home: Home, card: int, subject: str) -> None:
    """As an agent does it: the file read, changed, written."""
    put(home.work / f"{card}.json", {**home.read_task(card), "subject": subject})


def idle(site: Site) -> float:
    """Percent of one core that the process takes while nothing happens."""
    pid = site.processes[0].pid
    start = cpu_seconds(pid)
    time.sleep(IDLE_SECONDS)
    return (cpu_seconds(pid) - start) / IDLE_SECONDS * 100


def reading(path: Path) -> float:
    """Milliseconds to read an inbox of 1,000 rows, the best of five."""
    home = Home(path, "long")
    home.inbox("hal", *(row("iris", f"Line {i}. " * 20, i) for i in range(1000)))
    times = []
    for _ in range(5):
        start = time.perf_counter()
        read_inbox(home.inbox_path("hal"))
        times.append((time.perf_counter() - start) * 1000)
    return min(times)


def main(teams: int, samples: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="claude-bench-") as folder:
        home = make(Path(folder) / "claude", teams)
        long = reading(Path(folder) / "other")
        (Path(folder) / "data").mkdir()
        with new_site(Path(folder) / "data", processes=0) as site:
            site.manage("migrate", "--verbosity", "0")
            plain = new_start(site)
            site.start("--claude-home", str(home.path))
            wait_for_teams(site, teams)
            time.sleep(3)
            cpu = idle(site)
            ways = asyncio.run(measure(site, home, samples))
    floor = percentile(ways["http"], 95)
    names = {"http": "a move over HTTP, to the board", "in": "a changed file, to the board",
             "out": "a move, to the file"}  # fmt: skip
    report(f"{teams} teams followed", [
        {"": names[key], "p50 ms": percentile(ways[key], 50), "p95 ms": percentile(ways[key], 95),
         "max ms": max(ways[key]), "ratio p95": percentile(ways[key], 95) / floor}
        for key in ("http", "in", "out")
    ])  # fmt: skip
    report("beside that", [
        {"": "idle CPU without following, % of a core", "value": plain, "target": 0.0},
        {"": "idle CPU while following, % of a core", "value": cpu, "target": plain + 1.0},
        {"": "reading 1,000 rows, ms", "value": long, "target": 50.0},
    ])  # fmt: skip


def new_start(site: Site) -> float:
    """The idle CPU of a server that follows nothing."""
    site.start()
    time.sleep(3)
    cpu = idle(site)
    process = site.processes.pop()
    site.urls.pop()
    process.terminate()
    process.wait(10)
    return cpu


def wait_for_teams(site: Site, teams: int) -> None:
    """Return once the first look is over."""
    code = "from apps.claude.models import TeamFiles; print(TeamFiles.objects.count())"
    while int(site.shell(code)) < teams:
        time.sleep(0.2)


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:3]]
    main(*(given or [20, 60]))
