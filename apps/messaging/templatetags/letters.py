"""Words of messages that templates need."""

from __future__ import annotations

from django.db.models import Count
from django.template import Library

from apps.messaging import notices
from apps.messaging.models import Discussion, Message
from apps.messaging.models.discussion import DiscussionQuerySet
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
def talk_about(member: Member, task: int) -> DiscussionQuerySet:
    """The discussions about #task, the latest first, each with how many turns were `taken`."""
    found = Discussion.objects.visible_to(member).filter(task=task)
    return found.annotate(taken=Count("turns"))
