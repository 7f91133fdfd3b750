"""Django in the benchmark's own process, over a database of its own; import it before any app."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "teams_site.settings")
_home = tempfile.TemporaryDirectory(prefix="bench-")
os.environ.setdefault("DATA_DIR", _home.name)

import django

django.setup()

from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.benchmarks.harness import percentile


def measure(what: str, act: Callable[[], object], *, reads: int = 30) -> dict[str, object]:
    """A row for `report`: milliseconds of `act`, warm, and how many queries it makes."""
    for _ in range(3):
        act()
    with CaptureQueriesContext(connection) as taken:
        act()
    queries = len(taken)  # later requests empty the log
    times, start_cpu = [], time.process_time()
    for _ in range(reads):
        start = time.perf_counter()
        act()
        times.append((time.perf_counter() - start) * 1000)
    return {
        "what": what,
        "p50 ms": percentile(times, 50),
        "p95 ms": percentile(times, 95),
        "cpu ms": (time.process_time() - start_cpu) * 1000 / len(times),
        "queries": queries,
    }
