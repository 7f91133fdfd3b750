"""`manage.py doctor`."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError

from apps.core.doctor import examine


class Command(BaseCommand):
    """Say what is well, what is not, and how to mend it."""

    help = "Check database, Redis, permissions and, through the public address, site and websocket."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The address that people use."""
        parser.add_argument("--url", default=settings.PUBLIC_URL, help="default: PUBLIC_URL")

    def handle(self, *args: Any, url: str, **options: Any) -> None:
        """A line for each check; exit code 1 where something is not well."""
        ill = 0
        for finding in examine(url):
            ill += not finding.is_well
            mark = "ok  " if finding.is_well else "WRONG"
            self.stdout.write(f"{mark:6}{finding.what}: {finding.seen}")
            if not finding.is_well:
                self.stdout.write(f"      → {finding.mend}")
        if not url:
            self.stdout.write("      Add --url http://… to check the site as people reach it.")
        if ill:
            raise CommandError(f"{ill} to mend.")
