from __future__ import annotations

from apps.core.actions import action
from apps.messaging.actions import post
from apps.tasks.actions.shared import lock_task, save_task
from apps.tasks.actions.values import checked_text
from apps.tasks.models import Comment, Task
from apps.teams import events
from apps.teams.lifecycle import Allows
from apps.teams.models import Member
from apps.teams.permissions import Permission

COMMENT_LENGTH = 20_000


@action
def comment(actor: Member, number: int, body: str, *, kind: str = "regular") -> Comment:
    """Say something about a card; its owner is told. Blank and over-long bodies are Invalid."""
    task = lock_task(actor, number)
    actor.require(Permission.SEND_MESSAGES)
    task.team.require(Allows.MESSAGES)
    remark = add_comment(actor, task, checked_text("body", body, COMMENT_LENGTH), kind=kind)
    if task.holder is not None and task.holder.pk != actor.pk and kind == Comment.Kind.REGULAR:
        subject = f"Comment on #{number}: {task.subject}"
        post(actor, "message", [task.holder], subject=subject, body=remark.body, tasks=[number])
    return remark


def add_comment(
    actor: Member, task: Task, body: str, *, kind: str = "regular", external_id: str = ""
) -> Comment:
    """Store and journal a comment; a part of actions that hold the lock."""
    remark = Comment.objects.create(
        task=task, author=actor, body=body, kind=kind, external_id=external_id
    )
    task.comment_count += 1
    save_task(task, "comment_count")
    events.record(actor, "comment.added", task=task.number, comment=remark.pk)
    return remark
