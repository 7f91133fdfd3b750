from __future__ import annotations

from collections.abc import Collection, Iterable

from apps.core.actions import action
from apps.messaging.actions import post
from apps.tasks.actions.shared import lock_task, save_task
from apps.tasks.actions.values import checked_text
from apps.tasks.models import Comment, Task
from apps.teams import events
from apps.teams.artifacts import attachable
from apps.teams.lifecycle import Allows
from apps.teams.models import Artifact, Member
from apps.teams.permissions import Permission

COMMENT_LENGTH = 20_000


@action
def comment(
    actor: Member, number: int, body: str, *, kind: str = "regular", artifacts: Iterable[int] = ()
) -> Comment:
    """Say something about a card, with artifacts of the team; its owner is told.

    A body may be blank only where artifacts speak for themselves; an over-long one is Invalid.
    """
    task = lock_task(actor, number)
    actor.require(Permission.SEND_MESSAGES)
    task.team.require(Allows.MESSAGES)
    files = attachable(actor, artifacts)
    text = checked_text("body", body, COMMENT_LENGTH) if body.strip() or not files else ""
    remark = add_comment(actor, task, text, kind=kind, artifacts=files)
    if task.holder is not None and task.holder.pk != actor.pk and kind == Comment.Kind.REGULAR:
        subject = f"Comment on #{number}: {task.subject}"
        post(
            actor, "message", [task.holder], subject=subject, body=text, tasks=[number],
            artifacts=files,
        )  # fmt: skip
    return remark


def add_comment(
    actor: Member, task: Task, body: str, *, kind: str = "regular", external_id: str = "",
    artifacts: Collection[Artifact] = (),
) -> Comment:  # fmt: skip
    """Store and journal a comment; a part of actions that hold the lock."""
    remark = Comment.objects.create(
        task=task, author=actor, body=body, kind=kind, external_id=external_id
    )
    if artifacts:
        remark.artifacts.set(artifacts)
    task.comment_count += 1
    save_task(task, "comment_count")
    events.record(actor, "comment.added", task=task.number, comment=remark.pk)
    return remark
