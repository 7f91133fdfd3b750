"""The board, the page of a task, and every form on them."""

from apps.tasks.views.board import board, column, trash
from apps.tasks.views.flow import flow
from apps.tasks.views.graph import graph
from apps.tasks.views.moves import claim_next, move, position
from apps.tasks.views.names import names
from apps.tasks.views.task import (
    answer,
    ask,
    blocker_add,
    blocker_remove,
    comment,
    edit,
    new,
    related_add,
    related_remove,
    task,
)

__all__ = [
    "answer",
    "ask",
    "blocker_add",
    "blocker_remove",
    "board",
    "claim_next",
    "column",
    "comment",
    "edit",
    "flow",
    "graph",
    "move",
    "names",
    "new",
    "position",
    "related_add",
    "related_remove",
    "task",
    "trash",
]
