"""The cards of a team's board and what hangs on them."""

from apps.tasks.models.parts import Comment, Dependency, Label, label_key
from apps.tasks.models.task import Task

__all__ = ["Comment", "Dependency", "Label", "Task", "label_key"]
