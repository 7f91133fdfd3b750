"""Everything that changes a card. Each function is one action."""

from apps.tasks.actions.asking import answer, ask
from apps.tasks.actions.cards import create_task, edit_task
from apps.tasks.actions.comments import comment
from apps.tasks.actions.edges import add_blocker, relate, remove_blocker, unrelate
from apps.tasks.actions.order import drop, position_task
from apps.tasks.actions.shared import lock_task, save_task
from apps.tasks.actions.sweep import flag_stalled
from apps.tasks.actions.work import (
    claim_next,
    claim_task,
    complete_task,
    delete_task,
    release_task,
    restore_task,
    start_task,
)

__all__ = [
    "add_blocker",
    "answer",
    "ask",
    "claim_next",
    "claim_task",
    "comment",
    "complete_task",
    "create_task",
    "delete_task",
    "drop",
    "edit_task",
    "flag_stalled",
    "lock_task",
    "position_task",
    "relate",
    "release_task",
    "remove_blocker",
    "restore_task",
    "save_task",
    "start_task",
    "unrelate",
]
