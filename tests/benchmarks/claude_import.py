"""How long the first import of many Claude Code teams takes, and the next one that finds no news.

    python tests/benchmarks/claude_import.py [TEAMS TASKS MESSAGES]

The floor is reading and parsing the same files without storing anything.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.benchmarks.harness import manage, report
from tests.claude.trees import Home, member, row

SENTENCE = "The form keeps what was typed after an error, and #{} says why it did not before. "
IDLE = {"type": "idle_notification", "from": "agent-1", "idleReason": "available"}
READ = """
import sys, time
from pathlib import Path
from apps.claude.formats import scan, roster
start = time.perf_counter()
trees = scan(Path(sys.argv[1]))
rows = sum(len(rows) for tree in trees for rows in tree.inboxes.values())
print(time.perf_counter() - start, len(trees), rows)
"""


def make(path: Path, teams: int, tasks: int, messages: int) -> None:
    """Homes as Claude Code leaves them: four workers, half of the rows idle or structured."""
    for number in range(teams):
        home = Home(path, f"crew-{number:03}")
        names = [f"agent-{index}" for index in range(1, 5)]
        home.config(*(member(name, team=home.team) for name in names))
        for card in range(1, tasks // teams + 1):
            home.task(card, f"Card {card}: keep what was typed", owner=names[card % 4],
                      description=SENTENCE.format(card) * 10, minutes=card,
                      status=("pending", "in_progress", "completed")[card % 3],
                      blockedBy=[str(card - 1)] if card % 3 == 2 else [])  # fmt: skip
        each = messages // teams // 5
        for index, name in enumerate(["team-lead", *names]):
            rows = [_row(card, names[(card + index) % 4]) for card in range(each)]
            home.inbox(name, *rows)


def _row(number: int, sender: str) -> dict[str, object]:
    text = SENTENCE.format(number % 40 + 1) * 8 if number % 2 else {**IDLE, "n": number}
    return row(sender, text, number / 10, read=number % 3 > 0, color="blue")


def main(teams: int, tasks: int, messages: int) -> None:
    """Write the files, import them twice into an empty database, print the times."""
    with tempfile.TemporaryDirectory(prefix="claude-bench-") as folder:
        home, data = Path(folder) / "home", Path(folder) / "data"
        make(home, teams, tasks, messages)
        env = {"DATA_DIR": str(data)}
        data.mkdir()
        manage(env, "migrate", "--verbosity", "0")
        script = Path(folder) / "floor.py"
        script.write_text(READ)
        floor = _floor(env, script, home)
        times = []
        for _ in range(2):
            start = time.perf_counter()
            manage(env, "import_claude", str(home))
            times.append(time.perf_counter() - start)
    report(f"{teams} teams, {tasks:,} tasks, {messages:,} messages", [
        {"": "reading and parsing only", "seconds": floor, "ratio": 1.0},
        {"": "first import", "seconds": times[0], "ratio": times[0] / floor},
        {"": "second import", "seconds": times[1], "ratio": times[1] / floor},
    ])  # fmt: skip
    print(json.dumps({"target_seconds": 60, "first": times[0], "met": times[0] <= 60}))


def _floor(env: dict[str, str], script: Path, home: Path) -> float:
    done = subprocess.run(
        [sys.executable, str(script), str(home)], cwd=ROOT, check=True, capture_output=True,
        text=True, env={**os.environ, **env, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    return float(done.stdout.split()[0])


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:4]]
    main(*(given or [100, 5_000, 50_000]))
