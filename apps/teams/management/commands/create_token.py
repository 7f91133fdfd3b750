"""`manage.py create_token TEAM MEMBER`: a key for a member, for scripts that set agents up."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand, CommandError

from apps.core.errors import DomainError
from apps.teams.access import system_seat
from apps.teams.actions import create_token
from apps.teams.models import Team


class Command(BaseCommand):
    """Print a fresh token and nothing else."""

    help = "Make a token for a member of a team and print it, and nothing else, on stdout."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which team, by its address, and which member, by name."""
        parser.add_argument("team", help="the team's address, as in /teams/<address>/")
        parser.add_argument("member", help="the member's name")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the token; a refusal is a sentence on stderr and exit code 1."""
        try:
            team = Team.objects.at(options["team"])
            _, secret = create_token(system_seat(team), options["member"], label="create_token")
        except DomainError as error:
            raise CommandError(" ".join(filter(None, (error.message, error.hint)))) from None
        self.stdout.write(secret)
