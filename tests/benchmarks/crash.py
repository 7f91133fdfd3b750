"""The server is killed in the middle of writes, again and again: what was acknowledged is there.

    python tests/benchmarks/crash.py [TIMES]

Prints how many writes were acknowledged, how many of them are missing afterwards, and how many
numbers the journal lacks; both should be 0.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.server.browser import Login, post, seeded
from tests.servers import Site, new_site

WRITERS = 4
AFTER = """
import json
from apps.teams.models import Event, Team
from apps.tasks.models import Task
team = Team.objects.get(slug="bench")
seqs = set(Event.objects.filter(team=team).values_list("seq", flat=True))
print(json.dumps({
    "subjects": list(Task.objects.filter(team=team).values_list("subject", flat=True)),
    "gaps": len(set(range(1, team.seq + 1)) - seqs),
}))
"""


@dataclass
class Outcome:
    """What writers were told, what of it is missing, and the journal's missing numbers."""

    acknowledged: int
    missing: int
    gaps: int


def crash(home: Path, times: int) -> Outcome:
    """Kill a server under load `times` times and look at what is left."""
    told: list[str] = []
    with new_site(home) as site:
        login = seeded(site, 0)
        for number in range(times):
            threads = [
                threading.Thread(target=_write, args=(site.url, login, told, f"{number}-{who}"))
                for who in range(WRITERS)
            ]
            for thread in threads:
                thread.start()
            time.sleep(random.uniform(0.2, 0.6))
            _kill(site)
            for thread in threads:
                thread.join()
            site.start()
        after = json.loads(site.shell(AFTER))
    return Outcome(len(told), len(set(told) - set(after["subjects"])), after["gaps"])


def _kill(site: Site) -> None:
    process = site.processes.pop()
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    site.urls.clear()


def _write(url: str, login: Login, told: list[str], name: str) -> None:
    """Create cards until the server is gone; remember those that it acknowledged."""
    number = 0
    while True:
        subject = f"{name}-{number}"
        try:
            status = post(url, "/teams/bench/tasks/new/", login, subject=subject)
        except (OSError, http.client.HTTPException):
            return
        if status >= 400:
            raise RuntimeError(f"The server answered {status}.")
        told.append(subject)
        number += 1


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        print(crash(Path(folder), int(sys.argv[1]) if len(sys.argv) > 1 else 50))
