"""`manage.py import_claude PATH`: take over the teams of a Claude Code directory, once."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError

from apps.claude.formats import home_problems
from apps.claude.intake import Taken, take_in_home
from apps.claude.origins import shown_path

MOST_PROBLEMS = 20


class Command(BaseCommand):
    """Read every team, say what came of it."""

    help = "Read the Claude Code teams of a directory such as ~/.claude, once; again is harmless."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The directory that holds `teams` and `tasks`."""
        parser.add_argument("path", metavar="PATH", help="the directory, for example ~/.claude")

    def handle(self, *args: Any, **options: Any) -> None:
        """Take over each team and print a summary; CommandError where there is none."""
        home = checked_home(options["path"])
        found = False
        for taken in take_in_home(home):
            found = True
            self.stdout.write("\n".join(summary(taken, home)))
        if not found:
            raise CommandError(f"There are no Claude Code teams in {home}.")


def checked_home(path: str) -> Path:
    """The directory that was named; CommandError says why it cannot be one."""
    if "\0" in path:
        raise CommandError("The path has a NUL in it.")
    home = Path(path).expanduser()
    if not home.is_dir():
        raise CommandError(f"There is no directory {home}.")
    if not (home / "teams").is_dir() and not (home / "tasks").is_dir():
        hint = f" Did you mean {home / '.claude'}?" if (home / ".claude").is_dir() else ""
        raise CommandError(f"{home} holds neither teams nor tasks of Claude Code.{hint}")
    if problems := home_problems(home):
        raise CommandError(f"{problems[0].path}: {problems[0].sentence}")
    return home


def summary(taken: Taken, home: Path) -> list[str]:
    """What was read of one team and what was skipped and why, line by line."""
    if taken.refused or taken.files is None:
        return [f"{taken.folder}: skipped. {taken.refused}", *_skipped(taken, home)]
    team, cards, mail = taken.files.team, taken.cards, taken.mail
    state = "new" if taken.is_new else "known" if taken.has_news else "nothing new"
    head = f"{taken.folder}: {state}, at /teams/{team.slug}/"
    parts = [
        f"{taken.seats} members",
        f"{len(cards.created)} new cards, {len(cards.changed)} changed",
        f"{mail.stored} new messages, {mail.read} now read",
    ]
    lines = [head, "  " + "; ".join(parts)] if taken.has_news else [head]
    if cards.gone:
        lines.append(f"  the files of {_numbers(cards.gone)} are gone")
    for blocker, blocked in cards.circles:
        lines.append(f"  left out: #{blocked} waits for #{blocker}, which closes a circle")
    return [*lines, *_skipped(taken, home)]


def _skipped(taken: Taken, home: Path) -> list[str]:
    shown = [
        f"  skipped {shown_path(problem.path, home)}: {problem.sentence}"
        for problem in taken.problems[:MOST_PROBLEMS]
    ]
    more = len(taken.problems) - len(shown)
    return [*shown, f"  and {more} more files with problems"] if more else shown


def _numbers(numbers: list[int]) -> str:
    return ", ".join(f"#{number}" for number in numbers[:20]) + (" …" if len(numbers) > 20 else "")
