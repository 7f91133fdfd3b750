"""Everything but tasks as data that JSON can carry, in the shapes of `schemas`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Count
from django.utils import timezone

from apps.api.answers import moment
from apps.messaging import shapes as messaging
from apps.messaging.models import Discussion, Message
from apps.reviews.models import Plan
from apps.tasks.models import Comment, Task
from apps.tasks.moves import BOARD
from apps.teams.models import AgentSession, Artifact, Event, Member, Team, Token

SETTINGS = (
    "max_members", "require_plan_approval", "approval_stages", "wip_limits", "wip_per_member",
    "allow_self_approval", "dependencies_wait_for_approval", "review_sla_minutes",
    "stall_minutes", "retention_days",
)  # fmt: skip


def of_member(member: Member, now: datetime | None = None) -> dict[str, Any]:
    """A seat."""
    return {
        "name": member.name,
        "kind": member.kind,
        "role": member.role,
        "permissions": sorted(member.permissions),
        "presence": member.presence(now).value,
        "plan_mode_required": member.plan_mode_required,
        "color": member.color,
        "agent_type": member.agent_type,
        "model": member.model,
        "cwd": member.cwd,
        "prompt": member.prompt,
        "joined_at": moment(member.joined_at),
        "left_at": moment(member.left_at),
        "last_seen_at": moment(member.last_seen_at),
    }


def of_team_line(team: Team) -> dict[str, Any]:
    """A team in one line."""
    return {"slug": team.slug, "name": team.name, "state": team.state, "seq": team.seq}


def of_team(team: Team) -> dict[str, Any]:
    """A team with its live members and counts; two queries."""
    now = timezone.now()
    members = list(team.members.seated())
    return {
        **of_team_line(team),
        "description": team.description,
        "protocol": team.protocol,
        "created_at": moment(team.created_at),
        **{name: getattr(team, name) for name in SETTINGS},
        "next_states": [state.value for state, _ in team.next_states()],
        "members": [of_member(member, now) for member in members],
        "counts": {"members": len(members), "tasks": task_counts(team)},
    }


def task_counts(team: Team) -> dict[str, int]:
    """How many cards each column of the board holds; one query."""
    shown = Task.objects.filter(team=team, internal=False, board_column__in=BOARD)
    counts = dict(shown.order_by().values_list("board_column").annotate(Count("pk")))
    return {column.value: counts.get(column.value, 0) for column in BOARD}


def of_token(token: Token) -> dict[str, Any]:
    """A key without its secret."""
    return {
        "id": token.pk,
        "member": token.member.name,
        "label": token.name,
        "prefix": token.prefix,
        "created_at": moment(token.created_at),
        "expires_at": moment(token.expires_at),
        "last_used_at": moment(token.last_used_at),
        "revoked_at": moment(token.revoked_at),
    }


def of_event(event: Event) -> dict[str, Any]:
    """A line of the journal; its actor is loaded."""
    return {
        "seq": event.seq,
        "kind": event.kind,
        "actor": event.actor.name if event.actor else None,
        "task": event.task,
        "data": event.data,
        "at": moment(event.at),
    }


def of_session(session: AgentSession, member: Member) -> dict[str, Any]:
    """A run of `member`."""
    return {
        "id": session.pk,
        "member": member.name,
        "model": session.model,
        "cwd": session.cwd,
        "backend": session.backend,
        "started_at": moment(session.started_at),
        "last_seen_at": moment(session.last_seen_at),
        "ended_at": moment(session.ended_at),
        "end_reason": session.end_reason,
    }


def of_comment(comment: Comment) -> dict[str, Any]:
    """A remark; its author, task and artifacts are loaded."""
    return {
        "id": comment.pk,
        "task": comment.task.number,
        "author": comment.author.name,
        "kind": comment.kind,
        "body": comment.body,
        "artifacts": [artifact.pk for artifact in comment.artifacts.all()],
        "created_at": moment(comment.created_at),
    }


def of_artifact(artifact: Artifact, team: Team) -> dict[str, Any]:
    """One version of a deliverable; who added it is loaded."""
    url = f"/api/v1/teams/{team.slug}/artifacts/{artifact.pk}/content"
    return {
        "id": artifact.pk,
        "name": artifact.name,
        "version": artifact.version,
        "task": artifact.task,
        "content_type": artifact.content_type,
        "size": artifact.size,
        "sha256": artifact.sha256,
        "added_by": artifact.added_by.name if artifact.added_by else None,
        "created_at": moment(artifact.created_at),
        "deleted_at": moment(artifact.deleted_at),
        "url": None if artifact.deleted_at else url,
    }


def of_message(message: Message, member: Member) -> dict[str, Any]:
    """A message as `member` sees it; deliveries and artifacts are loaded."""
    shown: dict[str, Any] = _plain(messaging.as_dict(message, member))
    return shown


def of_discussion(discussion: Discussion) -> dict[str, Any]:
    """A discussion with its transcript; participants and turns are loaded."""
    shown: dict[str, Any] = _plain(messaging.discussion_as_dict(discussion))
    return shown


def _plain(value: Any) -> Any:
    """The same with times as text."""
    if value is None or isinstance(value, str | int):  # nearly all are
        return value
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def of_plan(plan: Plan) -> dict[str, Any]:
    """A plan at its current version; versions with steps and decisions are loaded."""
    versions = list(plan.versions.all())
    current = next(version for version in versions if version.number == plan.version)
    return {
        "id": plan.pk,
        "task": plan.task.number if plan.task else None,
        "author": plan.author.name,
        "title": current.title,
        "body": current.body,
        "steps": [
            {
                "index": step.index,
                "title": step.title,
                "detail": step.detail,
                "state": step.state,
                "reported_at": moment(step.reported_at),
            }
            for step in current.steps.all()
        ],
        "version": plan.version,
        "state": plan.state,
        "stage": plan.stage_name if plan.is_pending else None,
        "stage_index": plan.stage,
        "stages": plan.stages,
        "decisions": [
            {
                "version": version.number,
                "stage": decision.stage,
                "stage_name": decision.stage_name,
                "decision": decision.decision,
                "note": decision.note,
                "member": decision.member.name,
                "at": moment(decision.at),
            }
            for version in versions
            for decision in version.decisions.all()
        ],
        "created_at": moment(plan.created_at),
        "submitted_at": moment(plan.submitted_at),
        "decided_at": moment(plan.decided_at),
    }


def plans_whole(plans: Any) -> Sequence[Plan]:
    """These plans with all that `of_plan` shows; five queries."""
    return list(
        plans.with_people().prefetch_related("versions__steps", "versions__decisions__member")
    )
