"""The agents of the demonstration as a process beside the server: they know only its address."""

from __future__ import annotations

import atexit
import json
import subprocess
import sys
from collections.abc import Callable
from typing import IO, Any, cast

from django.conf import settings
from django.db import connection

from apps.core.errors import DomainError


def demonstrate(*, address: str, options: dict[str, Any], write: Callable[[str], Any]) -> None:
    """With `--demo`: make sure of the team, and start its agents.

    They come once the server answers, and go when this process ends, however it ends: their
    standard input closes then.
    """
    if not options["demo"]:
        return
    from apps.mcp.demo import story, team

    try:
        tokens = team.ensure()
    except DomainError as error:
        write(f"  No demonstration: {error.message}\n")
        return
    finally:
        connection.close()
    write(f"  The demonstration's team: {address}/teams/{story.SLUG}/\n")
    crew = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "apps.mcp.demo.crew", address],
        cwd=settings.BASE_DIR,
        stdin=subprocess.PIPE,
        text=True,
    )
    stdin = cast(IO[str], crew.stdin)
    stdin.write(json.dumps(tokens) + "\n")
    stdin.flush()
    atexit.register(stdin.close)
