"""What templates of other apps' pages show of reviews and plans."""

from __future__ import annotations

from django.template import Library

from apps.reviews.card import CardReview
from apps.reviews.card import card_review as read
from apps.tasks.models import Task
from apps.teams.models import Member

register = Library()


@register.simple_tag
def card_review(task: Task, member: Member) -> CardReview:
    """Whose turn the card is, its reviews and its plans, as `member` sees them."""
    return read(task, member)
