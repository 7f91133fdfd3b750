"""What a card asks of a member now, by the one rule of whose turn it is."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from apps.reviews.models.review import is_late
from apps.tasks.agenda import Turn, Who, falls_to, turn
from apps.tasks.models import Task
from apps.teams.lifecycle import Allows
from apps.teams.models import Member

KINDS = {
    "review": "review",
    "replace_reviewer": "replace",
    "find_reviewer": "replace",
    "answer": "question",
    "release": "stalled",
    "resolve": "conflict",
}
ALLOWED = {
    "review": Allows.DECISIONS,
    "replace": Allows.DECISIONS,
    "question": Allows.MESSAGES,
    "stalled": Allows.WORK,
    "conflict": Allows.WORK,
}


class Call(NamedTuple):
    """Something that others wait for: review, replace, question, stalled or conflict."""

    kind: str
    turn: Turn


def call_on(member: Member, task: Task, judges: Collection[int] | None = None) -> Call | None:
    """What the card asks of `member`, or None. Owner, reviewer and team must be loaded.

    A review stays its reviewer's however late it is, and is then the leaders' care as well.
    `judges` as for `agenda.turn`.
    """
    found = turn(task, judges=judges)
    kind = KINDS.get(found.action, "")
    if not falls_to(found, task, member):
        late = found.who == Who.REVIEWER and member.is_leader and is_late(task)
        kind = "replace" if late else ""
    return Call(kind, found) if kind and member.team.allows(ALLOWED[kind]) else None
