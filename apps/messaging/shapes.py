"""Messages and discussions as the data that every door for agents answers with."""

from __future__ import annotations

from typing import Any

from apps.messaging.inbox import deliveries
from apps.messaging.kinds import summary
from apps.messaging.models import Discussion, Message
from apps.teams.models import Member


def as_dict(message: Message, member: Member) -> dict[str, Any]:
    """A message as `member` sees it; times are aware datetimes.

    `read` is about the member's own copy, and true where there is none to read.
    """
    steps = deliveries(message)
    artifacts = message.artifacts.all() if message.attached is None else message.attached
    mine = next((step.copy for step in steps if step.copy.recipient_id == member.pk), None)
    return {
        "id": message.pk,
        "message_id": message.message_id,
        "from": message.sender.name,
        "to": [step.to for step in steps if step.role == "to"],
        "cc": [step.to for step in steps if step.role == "cc"],
        "kind": message.kind,
        "subject": message.subject,
        "body": message.body,
        "summary": summary(message.kind, message.payload),
        "payload": message.payload,
        "reply_to": message.reply_to_id,
        "thread": message.root,
        "tasks": message.tasks,
        "artifacts": [artifact.pk for artifact in artifacts],
        "sent_at": message.sent_at,
        "read": mine is None or mine.read_at is not None,
        "archived": mine is not None and mine.archived_at is not None,
        "noise": mine is not None and mine.noise,
        "why": mine.why if mine is not None else None,
        "deliveries": [
            {
                "to": step.to,
                "role": step.role,
                "state": step.step,
                "age_seconds": step.seconds,
                "delivered_at": step.copy.delivered_at,
                "via": step.copy.via,
                "read_at": step.copy.read_at,
                "answered_at": step.copy.answered_at,
            }
            for step in steps
        ],
    }


def discussion_as_dict(discussion: Discussion) -> dict[str, Any]:
    """A discussion with its transcript."""
    return {
        "id": discussion.pk,
        "topic": discussion.topic,
        "task": discussion.task,
        "thread": discussion.thread_id,
        "opened_by": discussion.opened_by.name,
        "participants": [member.name for member in discussion.participants.all()],
        "max_rounds": discussion.max_rounds,
        "state": discussion.state,
        "turns": [
            {"number": turn.number, "from": turn.member.name, "body": turn.body, "at": turn.at}
            for turn in discussion.turns.all()
        ],
        "conclusion": discussion.conclusion,
        "agreed_by": discussion.agreed_by,
        "dissent": discussion.dissent,
        "artifact": discussion.artifact_id,
        "opened_at": discussion.opened_at,
        "ended_at": discussion.ended_at,
    }
