"""`manage.py import_team FILE`: a team from the document that `export_team` made."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, NoReturn

from django.core.management import BaseCommand, CommandError

from apps.api.interchange import import_team
from apps.core.errors import DomainError


class Command(BaseCommand):
    """Take over a team whole or not at all, while the site runs."""

    help = "Take over a team from a file made by export_team, whole or not at all."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The file, and another address for the team."""
        parser.add_argument("file", help="the file to read; - means standard input")
        parser.add_argument("--slug", default="", help="another address than the document's")

    def handle(self, *args: Any, file: str, slug: str, **options: Any) -> None:
        """Say where the team is now; a refusal is a sentence on stderr and exit code 1."""
        document = _read(file)
        try:
            team = import_team(document, slug=slug)
        except DomainError as error:
            raise CommandError(" ".join(filter(None, (error.message, error.hint)))) from None
        self.stdout.write(f"{team.name} is at /teams/{team.address}/")
        if not team.members.seated().exclude(user=None).exists():
            self.stdout.write("Nobody here sits in it; an administrator can take a seat.")


def _read(file: str) -> Any:
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
        return json.loads(text, parse_constant=_no_number)
    except OSError as error:
        raise CommandError(f"Cannot read {file}: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise CommandError(f"{file} is not JSON: {error}.") from None


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is not a number")
