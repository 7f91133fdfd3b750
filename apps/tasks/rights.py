"""Which moves a member is offered on a card; the actions decide, this only spares dead buttons."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import NoReverseMatch, reverse

from apps.tasks.models import Task
from apps.tasks.moves import MOVES, Column
from apps.teams.lifecycle import Allows
from apps.teams.models import Member
from apps.teams.permissions import Permission

LABELS = {
    "claim": "Claim",
    "start": "Start",
    "complete": "Complete",
    "approve": "Approve",
    "request-changes": "Request changes",
    "request-review": "Request review",
    "withdraw-review": "Withdraw review",
    "reopen": "Reopen",
    "release": "Release",
    "restore": "Restore",
    "delete": "Move to trash",
}
PRIMARY = {
    Column.TODO: ("claim", "start"),
    Column.IN_PROGRESS: ("complete",),
    Column.REVIEW: ("approve",),
    Column.DONE: ("request-review",),
    Column.TRASH: ("restore",),
}
NEEDS = {
    "claim": Allows.WORK,
    "start": Allows.WORK,
    "complete": Allows.WORK,
    "release": Allows.TASKS,
    "delete": Allows.TASKS,
    "restore": Allows.TASKS,
    "request-review": Allows.PLANS,
    "approve": Allows.DECISIONS,
    "request-changes": Allows.DECISIONS,
    "withdraw-review": Allows.DECISIONS,
    "reopen": Allows.DECISIONS,
}
"""What the state of the team must allow for each move."""


def steers(member: Member) -> bool:
    """Whether the seat may put right what happens to the cards of others."""
    return member.can(Permission.MANAGE_TASKS) or member.can(Permission.REVIEW)


@dataclass(frozen=True, slots=True)
class Offer:
    """A button: what it does, its word, where it posts to."""

    verb: str
    label: str
    url: str
    is_primary: bool


def offers(member: Member, task: Task) -> list[Offer]:
    """The moves that `member` may make with the card now, the likeliest first."""
    if member.left_at is not None:
        return []
    found = []
    for verb, label in LABELS.items():
        if task.column not in MOVES[verb].sources or not _may(member, task, verb):
            continue
        try:
            url = reverse("task_" + verb.replace("-", "_"), args=[task.team.address, task.number])
        except NoReverseMatch:
            continue
        found.append(Offer(verb, label, url, verb in PRIMARY.get(task.column, ())))
    return found


def _may(member: Member, task: Task, verb: str) -> bool:
    if not task.team.allows(NEEDS[verb]):
        return False
    manages = member.can(Permission.MANAGE_TASKS)
    mine = task.owner_id == member.pk
    if verb == "claim":
        return member.can(Permission.WORK) and (task.owner is None or mine)
    if verb == "start":
        return task.owner is not None and manages and not mine
    if verb in ("approve", "request-changes"):
        judges = member.can(Permission.REVIEW) or task.reviewer_id == member.pk
        return judges and (not mine or task.team.allow_self_approval)
    if verb == "request-review":
        return mine or manages or member.can(Permission.REVIEW)
    if verb in ("withdraw-review", "reopen"):
        return manages or member.can(Permission.REVIEW)
    return manages or (mine and task.owner is not None)
