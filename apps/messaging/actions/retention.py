from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from apps.core.actions import action
from apps.messaging.models import Delivery, Message
from apps.teams import events
from apps.teams.models import Team


class Pruned(NamedTuple):
    """How much was forgotten."""

    events: int
    messages: int


@action
def prune_team(team_id: int, *, before: datetime) -> Pruned:
    """Delete the team's journal lines and messages older than `before`.

    A message that somebody has not read yet stays, however old it is.
    """
    team = Team.objects.select_for_update().get(pk=team_id)
    unread = Delivery.objects.filter(read_at=None, archived_at=None, noise=False)
    old = Message.objects.filter(team=team, sent_at__lt=before)
    old = old.exclude(pk__in=unread.filter(message__team=team).values("message"))
    messages = old.count()
    old.delete()
    return Pruned(events.prune(team, before=before), messages)
