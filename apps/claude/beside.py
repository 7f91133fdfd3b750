"""What `up --claude-home` runs beside the server."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)


def follow_beside(*, address: str, options: dict[str, Any], write: Callable[[str], Any]) -> None:
    """Follow the given home in a thread that ends with the process, or import it once."""
    path = options.get("claude_home")
    if not path:
        return
    home = Path(path).expanduser()
    if not home.is_dir():
        write(f"There is no directory {home}; no Claude Code team is followed.")
        return
    work = _import_once if options.get("no_follow") else _follow
    threading.Thread(target=work, args=(home, write), name="claude-follow", daemon=True).start()


def _follow(home: Path, write: Callable[[str], Any]) -> None:
    from apps.claude.follow import Follower
    from apps.claude.running import AlreadyFollowed, only_one

    try:
        with only_one(home):
            Follower(home, tell=write).run(threading.Event())
    except AlreadyFollowed as refused:
        write(str(refused))
    except Exception:  # nobody waits for this thread: whatever ended it, its end is told
        log.exception("Following %s ended.", home)


def _import_once(home: Path, write: Callable[[str], Any]) -> None:
    from django.db import connection

    from apps.claude.intake import take_in_home

    try:
        count = sum(not taken.refused for taken in take_in_home(home))
        write(f"Read {count} Claude Code teams of {home}.")
    except Exception:  # as above
        log.exception("Reading %s failed.", home)
    finally:
        connection.close()
