from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Q
from django.utils import timezone

from apps.core.actions import action
from apps.messaging.actions import post
from apps.messaging.notices import Why
from apps.tasks.actions.shared import save_task
from apps.tasks.models import Task
from apps.tasks.moves import Status
from apps.teams import events
from apps.teams.access import system_seat
from apps.teams.actions import lock_team
from apps.teams.lifecycle import Allows, State
from apps.teams.models import Member, Team

BACK = Q(stalled_at__isnull=False, owner__terminated_at=None, owner__left_at=None) & Q(
    owner__last_seen_at__gt=F("stalled_at")
)
GONE = Q(owner__terminated_at__isnull=False) | Q(owner__left_at__isnull=False)


def silent_since(limit: datetime) -> Q:
    """The condition for running tasks without a sign of life since `limit`.

    Only agents fall silent: a person who has no page open may well be at work.
    """
    unseen = Q(owner__last_seen_at__lt=limit) | Q(owner__last_seen_at=None)
    silent = unseen & Q(started_at__lt=limit, owner__kind=Member.Kind.AGENT)
    return Q(stalled_at=None) & (GONE | silent)


def teams_with_silent_work() -> list[int]:
    """Active teams in which a flag may have to be set or to go; one cheap query."""
    recent = timezone.now() - timedelta(minutes=1)
    running = Task.objects.filter(
        BACK | silent_since(recent), status=Status.IN_PROGRESS, team__state=State.ACTIVE
    )
    return list(running.order_by().values_list("team_id", flat=True).distinct())


@action
def flag_stalled(team_id: int) -> list[Task]:
    """Flag running tasks whose owner is terminated or silent past the team's limit.

    The leaders are told once per flag; the flag goes when the owner is seen again, or the work
    ends. Returns the cards flagged now.
    """
    team = Team.objects.select_for_update().filter(pk=team_id, state=State.ACTIVE).first()
    if team is None:
        return []
    running = Task.objects.filter(team=team, status=Status.IN_PROGRESS).select_related("owner")
    back = list(running.filter(BACK))
    limit = timezone.now() - timedelta(minutes=team.stall_minutes)
    silent = list(running.filter(silent_since(limit), internal=False))
    if back or silent:
        system = system_seat(team)
        _unflag(system, back)
        _flag(system, silent)
    return silent


def _flag(system: Member, tasks: Sequence[Task]) -> None:
    leaders = [member for member in system.team.members.seated() if member.is_leader]
    for task in tasks:
        owner = task.owner
        if owner is None:
            continue
        task.team = system.team
        task.stalled_at = timezone.now()
        save_task(task, "stalled_at")
        why: dict[str, Any] = {"ended": owner.ended} if owner.ended else {}
        events.record(system, "task.stalled", **task.as_fact(), owner=owner.name, **why)
        _tell(system, task, owner, [m for m in leaders if m.pk != owner.pk])


def _tell(system: Member, task: Task, owner: Member, leaders: list[Member]) -> None:
    if not leaders or not system.team.allows(Allows.MESSAGES):
        return
    post(
        system,
        "system_notification",
        leaders,
        subject=f"#{task.number} is stalled: {owner.name} {owner.ended or 'is silent'}",
        body=f"{owner.name} has #{task.number} in progress and "
        f"{owner.ended or 'gives no sign of life'}.",
        tasks=[task.number],
        why=Why.STALLED,
    )


@action
def unflag(member: Member) -> int:
    """The member is back: its running tasks are no longer stalled. Returns how many were.

    Who shut down is back with a newer session, not with a call.
    """
    team = lock_team(member)
    stalled = Task.objects.filter(
        owner=member, owner__terminated_at=None, status=Status.IN_PROGRESS, stalled_at__isnull=False
    )
    tasks = list(stalled)
    for task in tasks:
        task.team = team
    _unflag(member, tasks)
    return len(tasks)


def _unflag(actor: Member, tasks: Sequence[Task]) -> None:
    for task in tasks:
        task.team = actor.team
        task.stalled_at = None
        save_task(task, "stalled_at")
        events.record(actor, "task.edited", **task.as_fact(), changed=["stalled"])
