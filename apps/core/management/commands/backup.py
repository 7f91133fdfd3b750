"""`manage.py backup FILE`."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError

from apps.core import archive


class Command(BaseCommand):
    """Write everything into one file, while the site runs."""

    help = "Write every row and every uploaded file into one archive; the site may run meanwhile."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The file to make."""
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        """An archive that is not whole never bears the name asked for."""
        part = file.with_name(f".{file.name}.part")
        try:
            descriptor = os.open(part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as target:
                counts = archive.write(target)
            part.replace(file)
        except OSError as error:
            raise CommandError(f"Cannot write {file}: {error.strerror}.") from error
        self.stdout.write(f"{sum(counts.values())} rows in {file}.")
