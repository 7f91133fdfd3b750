"""Which team of ours a folder of Claude Code's is."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from django.utils import timezone

from apps.claude import formats
from apps.claude.formats import Problem, TeamTree
from apps.claude.models import TeamFiles
from apps.claude.plain import cut
from apps.core.actions import action
from apps.teams import events
from apps.teams.access import system_seat
from apps.teams.actions import lock_team
from apps.teams.actions.observe import observe_team
from apps.teams.lifecycle import State
from apps.teams.models import Team
from apps.teams.names import RESERVED_SLUGS

SOURCE = "claude"
READ_ONLY = frozenset({State.ARCHIVED, State.DISBANDED})


def find_files(tree: TeamTree, home: str, *, copies: bool = True) -> TeamFiles | None:
    """Where this team was seen before: in this folder or, with `copies`, elsewhere as it is.

    A folder whose team was made anew is another team.
    """
    rows = TeamFiles.objects.filter(folder=tree.name).select_related("team").order_by("-pk")
    wanted = incarnation(tree)
    for row in rows:
        if row.home == home and (not wanted or row.incarnation in ("", wanted)):
            return row
    same = (row for row in rows if copies and wanted and row.incarnation == wanted)
    return next((row for row in same if row.home.startswith("/")), None)


def incarnation(tree: TeamTree) -> str:
    """What tells this team from another one of the same name; empty where the files do not say."""
    if tree.config is None or tree.config.created_at is None:
        return ""
    return str(formats.to_ms(tree.config.created_at))


@action
def found_files(tree: TeamTree, home: str) -> TeamFiles:
    """A team of ours for a folder that was never seen before, active as it is."""
    config = tree.config
    created = config.created_at if config else None
    system = observe_team(
        free_slug(tree.name),
        name=cut(config.name if config else tree.name, 255),
        description=cut(config.description if config else "", 10_000),
        source=SOURCE,
        created_at=min(created or timezone.now(), timezone.now()),
    )
    return TeamFiles.objects.create(
        team=system.team, home=home, folder=tree.name, incarnation=incarnation(tree),
        epoch=int(tree.epoch),
    )  # fmt: skip


def free_slug(name: str) -> str:
    """The address for a team of that name: the same one each time, unless it is taken."""
    live = Team.objects.exclude(state=State.DISBANDED).values_list("slug", flat=True)
    return formats.slug_for(name, frozenset(live) | RESERVED_SLUGS)


def keep_up(files: TeamFiles, tree: TeamTree, home: str) -> None:
    """Note where the files are now and what their epoch is, where that is news."""
    if files.gone_at is not None:
        revive(files)
    now = {
        "home": home,
        "incarnation": incarnation(tree) or files.incarnation,
        "epoch": max(files.epoch, int(tree.epoch)),
        "gone_at": None,
    }
    changed = [key for key, value in now.items() if getattr(files, key) != value]
    for key in changed:
        setattr(files, key, now[key])
    if changed:
        files.save(update_fields=changed)


@action
def revive(files: TeamFiles) -> None:
    """The folder is back: so are the agents who were taken for stopped when it went."""
    lock_team(system_seat(files.team))
    stopped = files.team.members.filter(terminated_at=files.gone_at)
    for member in stopped:
        member.terminated_at = None
        member.save(update_fields=["terminated_at"])
        events.record(member, "session.started", member=member.name, by="files")


@action
def note_problems(files: TeamFiles, tree: TeamTree, problems: Iterable[Problem]) -> list[Problem]:
    """Keep what cannot be used now; what is new goes into the journal, once, and is returned."""
    system = system_seat(files.team)
    lock_team(system)
    known = {(row["path"], row["code"]): row for row in files.problems}
    rows, fresh = [], []
    for problem in problems:
        path = shown_path(problem.path, tree.home)
        row = known.get((path, problem.code))
        if row is None:
            fresh.append(problem)
            row = {"path": path, "code": problem.code, "since": timezone.now().isoformat()}
            events.record(
                system, "files.skipped", path=path, code=problem.code, sentence=problem.sentence
            )
        rows.append({**row, "sentence": problem.sentence})
    if rows != files.problems:
        files.problems = rows
        files.save(update_fields=["problems"])
    return fresh


def shown_path(path: Path, home: Path) -> str:
    """A path as people may read it: inside the home, and storable."""
    inside = path.relative_to(home) if path.is_relative_to(home) else path
    return cut(str(inside), 400)
