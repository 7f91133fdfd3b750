"""The server's half for a home on another machine: a copy of its files, and the orders for it."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

from apps.claude import formats
from apps.claude.catching import Rows, with_gone_rows
from apps.claude.clocks import note_skew
from apps.claude.formats import Problem, TeamTree, read_team
from apps.claude.health import note_change, note_gone, note_troubles, started, still_looking
from apps.claude.intake import take_in
from apps.claude.models import TeamFiles
from apps.claude.orders import Outcome
from apps.claude.origins import READ_ONLY
from apps.claude.outbox import check_handovers
from apps.claude.plain import cut
from apps.claude.remote import TEAM_FILES
from apps.claude.seats import Names
from apps.claude.sending import orders_for, settle
from apps.core.errors import Invalid
from apps.teams.models import Member

MOST_TEAMS = 200
MOST_PROBLEMS = 50


def folder_of(place: str) -> Path:
    """Where the copies of the home of that name lie, if any came."""
    name = hashlib.sha256(place.encode()).hexdigest()[:24]
    return settings.DATA_DIR / "homes" / name


@dataclass(frozen=True)
class Mirror:
    """What this site keeps of one home elsewhere, told by one member."""

    member: Member
    home: str

    @property
    def place(self) -> str:
        """The name under which the home is known: nobody else can speak for it."""
        return cut(f"{self.member.pk}@{self.home}", 1024)

    @property
    def folder(self) -> Path:
        """Where the copies lie."""
        return folder_of(self.place)

    def sync(self, teams: Mapping[str, Any], clock: Any = None) -> dict[str, Any]:
        """Take in what changed; the answer has orders for each team that has some.

        `clock` is the time there, in seconds since 1970.
        """
        if isinstance(clock, int | float):
            note_skew(self.place, clock - time.time())
        if not isinstance(teams, Mapping) or len(teams) > MOST_TEAMS:
            raise Invalid(fields={"teams": f"Write an object of at most {MOST_TEAMS} teams."})
        answers = {name: self._sync(name, told) for name, told in teams.items()}
        for files in TeamFiles.objects.filter(home=self.place).select_related("team"):
            if files.folder not in answers:
                answers[files.folder] = self._orders(files)
        still_looking(TeamFiles.objects.filter(home=self.place))
        return {"teams": {name: told for name, told in answers.items() if told}}

    def _sync(self, name: str, told: Any) -> dict[str, Any]:
        if not formats.safe_name(name) or not isinstance(told, Mapping):
            raise Invalid(fields={"teams": f"{name!r:.80} cannot be the name of a team."})
        files = TeamFiles.objects.filter(home=self.place, folder=name).order_by("-pk").first()
        again = files is not None and not (self.folder / "teams" / name).is_dir() \
            and not (self.folder / "tasks" / name).is_dir()  # fmt: skip
        self._store(name, told)
        outcomes = [Outcome.from_data(one) for one in _list(told, "outcomes")]
        tree = read_team(self.folder, name)
        tree = replace(tree, problems=(*tree.problems, *self._problems(told)))
        if files is not None and outcomes:
            settle(files, outcomes, tree)
            note_troubles(files, [outcome for outcome in outcomes if outcome.refused])
        files = self._take_in(tree, _caught(told)) or files
        if files is None:
            return {"again": True} if again else {}
        check_handovers(
            files, tree, locking=told.get("locking") is True,
            lost={inbox: names for inbox, names in _pairs(told, "lost") if isinstance(names, list)},
            late=[str(name) for name in _list(told, "late")],
        )  # fmt: skip
        return {**self._orders(files, tree), **({"again": True} if again else {})}

    def _take_in(self, tree: TeamTree, caught: Rows) -> TeamFiles | None:
        if tree.is_empty:
            files = TeamFiles.objects.filter(home=self.place, folder=tree.name, gone_at=None)
            for found in files.select_related("team"):
                note_gone(found)
            return None
        whole = with_gone_rows(tree, None, caught)
        taken = take_in(whole, home=self.place, owner=self.member)
        if taken.files is None or taken.refused:
            return None
        if taken.files.followed_since is None:
            started(taken.files)
        if taken.has_news:
            note_change(taken.files)
        return taken.files

    def _orders(self, files: TeamFiles, tree: TeamTree | None = None) -> dict[str, Any]:
        if files.team.state in READ_ONLY or files.gone_at is not None:
            return {}
        tree = tree or read_team(self.folder, files.folder)
        orders = orders_for(files, Names(tree, files.team), list(tree.inboxes))
        return {"slug": files.team.slug, "orders": [order.as_data() for order in orders]}

    def _problems(self, told: Mapping[str, Any]) -> Iterator[Problem]:
        """The files there that could not be sent, and why."""
        for key, words in _pairs(told, "problems")[:MOST_PROBLEMS]:
            if isinstance(words, list) and len(words) == 2:
                yield Problem(self.folder / cut(key, 300), *(cut(str(word), 300) for word in words))

    def _store(self, name: str, told: Mapping[str, Any]) -> None:
        for key, value in _pairs(told, "files"):
            path = self._path(name, key)
            if path is None or not isinstance(value, list) or len(value) != 2:
                raise Invalid(fields={"files": f"{key!r:.80} is no file of a team."})
            _write(path, str(value[0]), int(value[1]))
        for key in _list(told, "gone"):
            path = self._path(name, str(key))
            if path is not None:
                path.unlink(missing_ok=True)
        _prune(self.folder / "teams" / name)
        _prune(self.folder / "tasks" / name)

    def _path(self, name: str, key: str) -> Path | None:
        """Where a file that was named is kept; None where it is not one of a team's files."""
        team, work = ("teams", name), ("tasks", name)
        match tuple(key.split("/")):
            case (*head, "inboxes", last) if tuple(head) == team and _is_json(last):
                return self.folder / "teams" / name / "inboxes" / last
            case (*head, last) if tuple(head) == team and last in TEAM_FILES:
                return self.folder / "teams" / name / last
            case (*head, last) if tuple(head) == work and _is_json(last):
                return self.folder / "tasks" / name / last
            case (*head, ".highwatermark") if tuple(head) == work:
                return self.folder / "tasks" / name / ".highwatermark"
        return None


def _is_json(name: str) -> bool:
    plain = formats.safe_name(name) and not name.startswith(".")
    return plain and name.endswith(".json") and len(name) > len(".json")


def _write(path: Path, text: str, mtime_ns: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.tmp")
    fresh.write_bytes(text.encode(errors="replace"))
    latest = min(mtime_ns, int(timezone.now().timestamp() * 1e9))
    os.utime(fresh, ns=(latest, latest))
    fresh.replace(path)


def _prune(folder: Path) -> None:
    """A folder without files is a folder that is gone on the other side too."""
    if folder.is_dir() and not any(path.is_file() for path in folder.rglob("*")):
        shutil.rmtree(folder)


def _pairs(told: Mapping[str, Any], key: str) -> list[tuple[str, Any]]:
    value = told.get(key)
    return list(value.items()) if isinstance(value, dict) else []


def _list(told: Mapping[str, Any], key: str) -> list[Any]:
    value = told.get(key)
    return list(value) if isinstance(value, list) else []


def _caught(told: Mapping[str, Any]) -> Rows:
    found: Rows = {}
    for inbox, rows in _pairs(told, "caught"):
        parsed = (formats.parse_row(row) for row in rows) if isinstance(rows, list) else ()
        found[inbox] = {row.id: row for row in parsed if row is not None}
    return found
