"""`manage.py export_team SLUG FILE`: a whole team as one JSON document."""

from __future__ import annotations

import json
import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError

from apps.api.interchange import export_team
from apps.core.errors import DomainError


class Command(BaseCommand):
    """Write a team to a file, while the site runs."""

    help = "Write a team with all that belongs to it, but no tokens, to a file for import_team."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which team, by its address, and the file to make."""
        parser.add_argument("slug", help="the team's address, as in /teams/<address>/")
        parser.add_argument("file", help="the file to write; - means standard output")

    def handle(self, *args: Any, slug: str, file: str, **options: Any) -> None:
        """A document that is not whole never bears the name asked for."""
        try:
            document = export_team(slug)
        except DomainError as error:
            raise CommandError(" ".join(filter(None, (error.message, error.hint)))) from None
        text = json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False)
        if file == "-":
            self.stdout.write(text)
            return
        try:
            _write(Path(file), text)
        except OSError as error:
            raise CommandError(f"Cannot write {file}: {error.strerror}.") from error
        counts = {name: len(document[name]) for name in ("members", "tasks", "messages", "events")}
        self.stdout.write(f"{', '.join(f'{n} {name}' for name, n in counts.items())} in {file}.")


def _write(file: Path, text: str) -> None:
    """What a team says is for nobody else on this machine to read."""
    part = file.with_name(f".{file.name}.part")
    descriptor = os.open(part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as target:
        target.write(text + "\n")
    part.replace(file)
