"""`manage.py up`: the whole site in one process, made ready at the first run."""

from __future__ import annotations

import socket
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError
from django.db import connection
from django.utils.module_loading import import_string

from apps.core import ports
from apps.core.migrating import migrate

GREETING = """
  Agent Teams is up at {address}
"""
FIRST = """
  No administrator yet. Open this link once to make the first one:
  {address}{path}
"""


class Command(BaseCommand):
    """Set up what is missing, then serve until Ctrl-C."""

    help = "Set up the data directory and the database, then serve the site until Ctrl-C."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The options of `interfaces`: where to listen, what to show, what to follow."""
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
        parser.add_argument("--port", type=int, default=8000, help="0 takes any free port")
        parser.add_argument("--demo", action="store_true", help="add a team whose agents work")
        parser.add_argument("--claude-home", default=settings.CLAUDE_HOME, metavar="PATH",
                            help="follow the Claude Code teams of this directory")  # fmt: skip
        parser.add_argument("--no-follow", action="store_true",
                            help="read --claude-home once instead of following it")  # fmt: skip

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve; returns when the process was asked to stop."""
        host, port = options["host"], _free_port(options["host"], options["port"])
        migrate()
        address = settings.PUBLIC_URL or f"http://{_name(host)}:{port}"
        self._greet(address)
        connection.close()
        for part in ports.beside_the_server:
            part(address=f"http://{_name(host)}:{port}", options=options, write=self.stdout.write)
        serve(host, port)
        self.stdout.write("Stopped.")

    def _greet(self, address: str) -> None:
        self.stdout.write(GREETING.format(address=address + "/"))
        for path in ports.first_run_paths():
            self.stdout.write(FIRST.format(address=address, path=path))
        self.stdout.flush()


def serve(host: str, port: int) -> None:
    """Run daphne in this process until a signal stops it."""
    from daphne.endpoints import build_endpoint_description_strings
    from daphne.server import Server  # chooses the reactor, so never before it is needed

    Server(
        application=import_string(settings.ASGI_APPLICATION),
        endpoints=build_endpoint_description_strings(host=host, port=port),
        websocket_timeout=-1,
        server_name="agent-teams",
    ).run()


def _free_port(host: str, port: int) -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError) as error:
            why = getattr(error, "strerror", "") or "a port is a number up to 65535"
            raise CommandError(
                f"Cannot listen on {host}:{port}: {why}. Choose another one with --host or --port."
            ) from None
        return int(probe.getsockname()[1])


def _name(host: str) -> str:
    """What to type in a browser on this machine for an address to listen on."""
    if host in ("0.0.0.0", "::", ""):  # noqa: S104
        return "localhost"
    return f"[{host}]" if ":" in host else host
