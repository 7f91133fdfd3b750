"""What an installation needs to work, checked one by one, each finding with its mend."""

from __future__ import annotations

import asyncio
import base64
import os
import secrets
import ssl
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.cache import cache
from django.core.mail import get_connection
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

CLOCK_SECONDS = 5
WAIT_SECONDS = 5.0


@dataclass(frozen=True)
class Finding:
    """One check: what was looked at, whether it is well, what was seen, and the mend."""

    what: str
    is_well: bool
    seen: str
    mend: str = ""


def examine(url: str = "") -> Iterator[Finding]:
    """Every check in turn; those of the public address only where one is given."""
    for check in (_data_dir, _secret_key, _database, _migrations, _redis, _mail):
        yield _careful(check)
    if url:
        yield _careful(_site, url)
        yield _careful(_websocket, url)


def _careful(check: Callable[..., Finding], *args: str) -> Finding:
    try:
        return check(*args)
    except Exception as error:  # whatever a broken part raises is what we are here to report
        name = check.__name__.strip("_").replace("_", " ")
        mend = f"Check that {args[0]} is the address of the running site." if args else ""
        seen = f"{type(error).__name__}: {error}"
        return Finding(name, False, seen, mend or "See the message.")


def _data_dir() -> Finding:
    path = settings.DATA_DIR
    well = path.is_dir() and os.access(path, os.W_OK | os.X_OK)
    return Finding("data directory", well, str(path), f"Make {path} writable for this user.")


def _secret_key() -> Finding:
    path = settings.DATA_DIR / "secret_key"
    if os.environ.get("SECRET_KEY"):
        return Finding("secret key", True, "from the environment")
    mode = stat.S_IMODE(path.stat().st_mode)
    return Finding("secret key", mode & 0o077 == 0, f"mode {mode:04o}", f"chmod 600 {path}")


def _database() -> Finding:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        seen = connection.vendor
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA quick_check(1)")
            (verdict,) = cursor.fetchone()
            mend = "Restore the last backup."
            return Finding("database", verdict == "ok", f"sqlite, {verdict}", mend)
        return Finding("database", True, seen)


def _migrations() -> Finding:
    executor = MigrationExecutor(connection)
    due = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    seen = f"{due} to run" if due else "all run"
    return Finding("migrations", due == 0, seen, "Run manage.py migrate.")


def _redis() -> Finding:
    if not settings.REDIS_URL:
        return Finding("Redis", True, "not used: one server process")
    word = secrets.token_hex(8)
    cache.set(f"doctor:{word}", word, 10)
    well = cache.get(f"doctor:{word}") == word
    return Finding("Redis", well, settings.REDIS_URL, "Start Redis, or correct REDIS_URL.")


def _mail() -> Finding:
    if not settings.EMAIL_HOST:
        return Finding("e-mail", True, "not used: EMAIL_HOST names no server")
    seen, mend = f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT}", "Correct EMAIL_HOST and its kin."
    try:
        with get_connection(timeout=WAIT_SECONDS):
            return Finding("e-mail", True, seen)
    except OSError as error:  # what smtplib raises, too
        return Finding("e-mail", False, f"{seen}: {error}", mend)


def _site(url: str) -> Finding:
    head = asyncio.run(_ask(url, "GET", "/healthz", {}))
    status = int(head.split(" ", 2)[1])
    headers = _headers(head)
    mend = "Check that the server runs and that the proxy passes requests on to it."
    if status != 200:
        return Finding("site", False, f"/healthz answers {status}", mend)
    off = 0.0
    if date := headers.get("date"):
        off = abs((timezone.now() - parsedate_to_datetime(date)).total_seconds())
    mend = "Set the clocks of both machines by NTP."
    return Finding("site and clock", off <= CLOCK_SECONDS, f"up, clocks {off:.0f} s apart", mend)


def _websocket(url: str) -> Finding:
    key = base64.b64encode(secrets.token_bytes(16)).decode()
    upgrade = {
        "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": key, "Origin": url.rstrip("/"),
    }  # fmt: skip
    head = asyncio.run(_ask(url, "GET", "/ws/me/", upgrade))
    status = int(head.split(" ", 2)[1])
    # Nobody is logged in here, so the site's own refusal is the proof that sockets reach it.
    well = status == 403
    mend = "Let the proxy pass the Upgrade and Connection headers on, and the Host as it came."
    return Finding("websocket", well, f"/ws/me/ answers {status}", mend)


async def _ask(url: str, method: str, path: str, headers: dict[str, str]) -> str:
    address = urlsplit(url)
    secure = address.scheme == "https"
    port = address.port or (443 if secure else 80)
    context: Any = ssl.create_default_context() if secure else None
    lines = [f"{method} {path} HTTP/1.1", f"Host: {address.netloc}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += [] if "Connection" in headers else ["Connection: close"]
    async with asyncio.timeout(WAIT_SECONDS):
        reader, writer = await asyncio.open_connection(address.hostname, port, ssl=context)
        writer.write("\r\n".join([*lines, "", ""]).encode())
        head = await reader.readuntil(b"\r\n\r\n")
        writer.close()
    return head.decode("latin-1")


def _headers(head: str) -> dict[str, str]:
    lines = (line.partition(":") for line in head.split("\r\n")[1:] if line)
    return {name.lower(): value.strip() for name, _, value in lines}
