"""The files of a task or a team, as pages list them."""

from __future__ import annotations

from django.template import Library

from apps.teams.artifacts import Shelf, shelf_of
from apps.teams.models import Member

register = Library()


@register.simple_tag
def files_of(member: Member, task: int) -> Shelf:
    """The files of #task, each with its versions, and what `member` may do with them."""
    return shelf_of(member, task)
