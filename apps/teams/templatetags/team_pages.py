"""What the pages of teams need of the frame around them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.template import Library

from apps.teams.models import Team

register = Library()


@register.filter
def open_of(counted: Iterable[Any] | None, team: Team) -> int | None:
    """How many cards are open in `team`, where the frame has counted them."""
    return next((one.open for one in counted or () if one.pk == team.pk), None)
