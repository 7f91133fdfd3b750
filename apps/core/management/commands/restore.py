"""`manage.py restore FILE`."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError

from apps.core import archive
from apps.core.errors import DomainError
from apps.core.migrating import migrate


class Command(BaseCommand):
    """Replace everything by what a backup holds; open pages load anew by themselves."""

    help = "Replace everything by a backup, whole or not at all; the site may run meanwhile."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The file to read, and a yes said beforehand."""
        parser.add_argument("file", type=Path)
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *args: Any, file: Path, yes: bool, **options: Any) -> None:
        """Ask unless told not to; then it is one transaction."""
        if not yes and not self._agreed():
            raise CommandError("Nothing was changed.")
        migrate()
        try:
            with file.open("rb") as source:
                counts = archive.read(source)
        except DomainError as error:
            raise CommandError(f"{error.message} {error.hint}") from error
        except OSError as error:
            raise CommandError(f"Cannot read {file}: {error.strerror}.") from error
        self.stdout.write(f"{sum(counts.values())} rows restored.")

    def _agreed(self) -> bool:
        try:
            return input("Everything there is now will be replaced. Type yes: ") == "yes"
        except EOFError:  # nobody sits at this terminal
            raise CommandError("Nothing was changed. Say --yes where nobody can answer.") from None
