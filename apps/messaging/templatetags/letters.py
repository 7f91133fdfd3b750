"""Words of messages that templates need."""

from __future__ import annotations

from django.template import Library

from apps.messaging import about, notices
from apps.messaging.about import Talk
from apps.messaging.models import Message
from apps.teams.models import Member

register = Library()

NAMES = {
    "plan_approval_request": "plan",
    "plan_approval_response": "plan answer",
    "permission_request": "permission",
    "permission_response": "permission answer",
    "shutdown_request": "shutdown",
    "idle_notification": "idle",
    "system_notification": "news",
}


@register.filter
def kind_name(kind: str) -> str:
    """A kind in a word or two."""
    return NAMES.get(kind, kind.replace("_", " "))


@register.filter
def plain_key(key: str) -> str:
    """The name of a value of a payload, for people."""
    return key.replace("_", " ")


@register.filter
def headline(message: Message) -> str:
    """One line about a message."""
    return notices.headline(message)


@register.simple_tag
def talk_about(member: Member, task: int) -> Talk:
    """The discussions about #task and the conversations that name it."""
    return about.talk_about(member, task)
