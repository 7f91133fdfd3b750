"""`manage.py follow_claude PATH`: keep a Claude Code directory and the boards in step."""

from __future__ import annotations

import signal
import threading
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError

from apps.claude.follow import Follower
from apps.claude.management.commands.import_claude import checked_home
from apps.claude.remote import Refused, RemoteFollower
from apps.claude.running import AlreadyFollowed, only_one


class Command(BaseCommand):
    """Follow until a signal comes."""

    help = "Follow the Claude Code teams of a directory such as ~/.claude, both ways, until Ctrl-C."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The directory that holds `teams` and `tasks`."""
        parser.add_argument("path", metavar="PATH", help="the directory, for example ~/.claude")
        parser.add_argument("--server", help="the address of a site on another machine")
        parser.add_argument("--token", help="with --server: the token of a leader there")

    def handle(self, *args: Any, **options: Any) -> None:
        """Follow the directory; CommandError where it cannot be followed."""
        home = checked_home(options["path"])
        stop = threading.Event()
        if options["server"]:
            self._follow_for(home, options)
            return
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        try:
            with only_one(home):
                self.stdout.write(f"Following {home}. Ctrl-C ends it.")
                self.stdout.flush()
                Follower(home, tell=self._tell).run(stop)
        except AlreadyFollowed as refused:
            raise CommandError(str(refused)) from None
        self.stdout.write("Stopped.")

    def _follow_for(self, home: Path, options: dict[str, Any]) -> None:
        """Follow the directory for a site elsewhere; this machine's database is not used."""
        if not options["token"]:
            raise CommandError("--server needs --token, the token of a leader on that site.")
        try:
            RemoteFollower(home, options["server"], options["token"], tell=self._tell).run(
                threading.Event()
            )
        except Refused as refusal:
            raise CommandError(str(refusal)) from None
        except KeyboardInterrupt:
            self.stdout.write("Stopped.")

    def _tell(self, sentence: str) -> None:
        self.stdout.write(sentence)
        self.stdout.flush()
