"""What is old goes when its team wants it so; what somebody has not read stays."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from apps.messaging.actions import mark_read, send_message
from apps.messaging.models import Message
from apps.teams import events
from apps.teams.actions import change_team
from apps.teams.models import Event
from tests.conftest import Cast


def test_old_lines_and_read_messages_go(cast: Cast, capsys: pytest.CaptureFixture[str]) -> None:
    read = send_message(cast.alice, to=["bob"], body="Read long ago.")
    unread = send_message(cast.alice, to=["bob"], body="Never read.")
    mark_read(cast.bob, [read.pk])
    old = timezone.now() - timedelta(days=40)
    Message.objects.all().update(sent_at=old)
    Event.objects.filter(team=cast.team).update(at=old)
    call_command("prune")
    assert Message.objects.count() == 2  # the team keeps everything

    change_team(cast.alice, retention_days=30)
    fresh = send_message(cast.alice, to=["bob"], body="New.")
    call_command("prune")
    assert set(Message.objects.values_list("pk", flat=True)) == {unread.pk, fresh.pk}
    assert {event.kind for event in events.after(cast.team, 0)} == {"team.changed", "message.sent"}
    assert "1 messages" in capsys.readouterr().out
