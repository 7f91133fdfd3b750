"""Where a card and its file say different things, and taking either side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from apps.claude.card_values import Told, on_board
from apps.claude.edges import blockers_of
from apps.claude.formats import TaskFile, TeamTree, for_display
from apps.claude.models import CardFile, TeamFiles
from apps.claude.plain import cut, short
from apps.claude.seats import Names
from apps.core.actions import action
from apps.core.errors import NotFound
from apps.tasks.actions.observe import SeenTask, observe_task
from apps.tasks.models.task import DESCRIPTION_LENGTH, SUBJECT_LENGTH
from apps.teams.actions import lock_team
from apps.teams.models import Member
from apps.teams.permissions import Permission

WORDS = {
    "subject": "subject", "description": "description", "status": "status", "owner": "owner",
    "active_form": "activity",
}  # fmt: skip


@dataclass(frozen=True)
class Difference:
    """One card: each field that differs, with what the file says and what the board says."""

    card: CardFile
    fields: tuple[tuple[str, str, str], ...]


def differences(files: TeamFiles, tree: TeamTree | None) -> list[Difference]:
    """The cards whose files say something else than the board does, by number.

    Without a tree, what was agreed last stands for the files: then all that is new on the board
    since differs.
    """
    tasks = {task.id: task for task in tree.tasks} if tree else None
    rows = files.cards.filter(gone_at=None).select_related("task__owner", "task__team")
    found = []
    for row in rows.order_by("task__number"):
        file = _last_known(row, tasks)
        board = on_board(row.task, ())
        differing = [key for key in WORDS if key in file and board[key] != file[key]]
        if differing:
            shown = ((WORDS[key], _shown(file[key]), _shown(board[key])) for key in differing)
            found.append(Difference(row, tuple(shown)))
    return found


def _last_known(row: CardFile, tasks: dict[str, TaskFile] | None) -> dict[str, Any]:
    if tasks is None:
        agreed: dict[str, Any] = row.board
        return agreed
    task = tasks.get(row.file_id)
    return as_board(task, row) if task else {}


def as_board(task: TaskFile, row: CardFile) -> dict[str, Any]:
    """What a file says, in the form of `card_values.on_board`."""
    owner = (task.owner or "").strip()
    known = row.task.owner
    same = known is not None and owner.casefold() in _spellings(known)
    mine = on_board(row.task, ())["owner"]
    free = row.task.metadata.get("claude", {}).get("owner") == owner
    return {
        "subject": short(cut(task.display_subject, SUBJECT_LENGTH)),
        "description": short(cut(for_display(task.description), DESCRIPTION_LENGTH)),
        "status": task.status,
        "owner": mine if same or (free and not mine) else owner,
        "active_form": cut(task.active_form, SUBJECT_LENGTH),
    }


def _spellings(member: Member) -> set[str]:
    names = {member.name.casefold(), str(member.metadata.get("known_as", "")).casefold()}
    return names | ({"lead", "team-lead"} if member.is_leader else set())


def _shown(value: str) -> str:
    return "a longer text" if value.startswith("#") and len(value) == 17 else value or "nothing"


@action
def take_file(actor: Member, files: TeamFiles, number: int, tree: TeamTree) -> None:
    """What the file of #number says holds on the board too."""
    from apps.claude.card_values import values_of

    row, task = _found(actor, files, number, tree)
    names = Names(tree, files.team)
    told = Told(task, tree)
    values = values_of(told, WORDS.keys(), names, number=number, metadata=row.task.metadata)
    observe_task(actor, SeenTask(number=number, values=values, at=task.seen_at))
    row.task.refresh_from_db()
    row.seen = {**row.seen, **told.said}
    _agree(files, row)


@action
def take_board(actor: Member, files: TeamFiles, number: int, tree: TeamTree) -> None:
    """What the board says of #number is written into its file, at the next writing."""
    row, task = _found(actor, files, number, tree)
    row.board = {**row.board, **as_board(task, row)}
    row.version = 0
    row.save(update_fields=["board", "version"])


def _agree(files: TeamFiles, row: CardFile) -> None:
    blockers = blockers_of(files.team, dict(files.cards.values_list("task__number", "file_id")))
    row.board = on_board(row.task, blockers.get(row.task.number, ()))
    row.version = row.task.version
    row.save(update_fields=["seen", "board", "version"])


def _found(
    actor: Member, files: TeamFiles, number: int, tree: TeamTree
) -> tuple[CardFile, TaskFile]:
    lock_team(actor)
    actor.require(Permission.MANAGE_TASKS)
    row = files.cards.filter(task__number=number).select_related("task__owner").first()
    task = next((one for one in tree.tasks if row and one.id == row.file_id), None)
    if row is None or task is None:
        raise NotFound(f"#{number} has no file that can be read.", code="file_not_found")
    return row, task
