"""The database brought up to date by one process at a time, however many start at once."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection

from apps.core import env

TURN = 7_312_940_551  # any number that no other program locks in this database


def migrate() -> None:
    """Run the migrations that are due, after whoever else is at it in another process."""
    env.private(settings.DATA_DIR)
    try:
        connection.ensure_connection()
    except OperationalError as error:
        raise CommandError(f"The database does not answer: {str(error).strip()}") from error
    with _turn_in_database() if connection.vendor == "postgresql" else _turn_on_disk():
        call_command("migrate", verbosity=0, interactive=False)


@contextmanager
def _turn_in_database() -> Iterator[None]:
    """Processes on several machines share nothing but the database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [TURN])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [TURN])


@contextmanager
def _turn_on_disk() -> Iterator[None]:
    with (settings.DATA_DIR / "migrate.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
