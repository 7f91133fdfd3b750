"""Gates for Claude Code's hooks: may this task be completed, may this teammate stop working?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.cache import cache
from django.db.models import Q

from apps.claude.models import CardFile, TeamFiles
from apps.core.errors import NotFound
from apps.core.text import fold
from apps.tasks.blockers import blockers_of
from apps.tasks.models import Task
from apps.tasks.moves import ReviewState, Status
from apps.teams.actions.observe import outside_names
from apps.teams.models import Member

# A teammate that goes idle all the same is not sent back to the same card for ever.
REMIND_SECONDS = 3600


def judge(caller: Member, event: Mapping[str, Any]) -> str:
    """Why what a hook tells of may not happen now; empty where it may.

    `event` is what Claude Code gives its hooks: `hook_event_name`, `team_name` or `session_id`,
    `teammate_name`, `task_id`. NotFound for a team that the caller does not sit in.
    """
    files = _files(caller, event)
    if files is None:
        return ""
    member = _teammate(files, event)
    name = str(event.get("hook_event_name") or "")
    if name == "TaskCompleted":
        return _completing(files, member, str(event.get("task_id") or ""))
    return _idling(files, member) if name == "TeammateIdle" and member else ""


def _files(caller: Member, event: Mapping[str, Any]) -> TeamFiles | None:
    session = str(event.get("session_id") or "")
    names = {str(event.get("team_name") or ""), f"session-{session[:8]}"} - {"", "session-"}
    rows = TeamFiles.objects.filter(folder__in=names).select_related("team").order_by("-pk")
    known = list(rows)
    for files in known:
        if files.team_id == caller.team_id or _sits_there(caller, files):
            return files
    if known:
        raise NotFound("There is no such team, or you do not sit in it.", code="team_not_found")
    return None


def _sits_there(caller: Member, files: TeamFiles) -> bool:
    if caller.user_id is None:
        return False
    return files.team.members.filter(user_id=caller.user_id, left_at=None).exists()


def _teammate(files: TeamFiles, event: Mapping[str, Any]) -> Member | None:
    wanted = fold(str(event.get("teammate_name") or ""))
    seats = {fold(name): seat for name, seat in outside_names(files.team).items()}
    return seats.get(wanted)


def _completing(files: TeamFiles, member: Member | None, file_id: str) -> str:
    row = CardFile.objects.filter(files=files, file_id=file_id, gone_at=None)
    card = row.select_related("task__owner", "task__team").first()
    if card is None:
        return ""
    task = card.task
    owner = member or task.owner
    if owner is not None and owner.plan_mode_required and task.planned_by_id != owner.pk:
        return (
            f"#{task.number} needs an approved plan of {owner.name} before it is completed. "
            "Send your plan to the lead for approval and wait for the decision."
        )
    if task.needs_input:
        return f"#{task.number} still waits for an answer: {task.question or 'see the board'}"
    if waits := blockers_of(task.team, task.pk):
        numbers = ", ".join(f"#{number}" for number in waits)
        return f"#{task.number} waits for {numbers}. Finish what blocks it first."
    return ""


def _idling(files: TeamFiles, member: Member) -> str:
    member.team = files.team
    fixing = Task.objects.filter(
        owner=member, review_state=ReviewState.NEEDS_FIX, status=Status.PENDING, internal=False
    ).first()
    if fixing is not None:
        return _once(
            member, fixing, f"Changes were requested on #{fixing.number} “{fixing.subject}”. "
            "Read the message about it, then start it again.",
        )  # fmt: skip
    if Task.objects.filter(Q(owner=member), status=Status.IN_PROGRESS, internal=False).exists():
        return ""
    ready = Task.objects.ready_for(member).first()
    if ready is None or (member.plan_mode_required and ready.planned_by_id != member.pk):
        return ""
    whose = "is yours" if ready.owner_id == member.pk else "is free"
    return _once(
        member, ready, f"#{ready.number} “{ready.subject}” {whose} and nothing blocks it. "
        "Take it on before you stop.",
    )  # fmt: skip


def _once(member: Member, task: Task, reason: str) -> str:
    """The reason the first time that the teammate would stop with this card as it is."""
    key = f"claude-gate-{member.pk}-{task.pk}-{task.version}"
    return reason if cache.add(key, 1, REMIND_SECONDS) else ""
