"""What templates of other apps' pages show of cards."""

from __future__ import annotations

from django.template import Library

from apps.tasks.models import Task
from apps.teams.models import Member

register = Library()

MOST = 4


@register.simple_tag
def cards_linking_to(member: Member, message: int) -> list[Task]:
    """The first cards on the board whose description leads to the message."""
    found = Task.objects.visible_to(member).on_board().linking_to(message)
    return list(found.only("number", "subject")[:MOST])
