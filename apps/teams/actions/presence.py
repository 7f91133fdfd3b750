from __future__ import annotations

from django.utils import timezone

from apps.core.actions import action
from apps.core.errors import NotFound
from apps.teams import events
from apps.teams.access import mark_seen
from apps.teams.actions.locking import lock_team
from apps.teams.lifecycle import Allows
from apps.teams.models import AgentSession, Member


@action
def start_session(
    actor: Member, *, model: str = "", cwd: str = "", backend: str = ""
) -> AgentSession:
    """A new run of the actor's process. It revives a terminated seat; older runs end."""
    lock_team(actor).require(Allows.SESSIONS)
    now = timezone.now()
    for older in actor.sessions.filter(ended_at=None):
        _end(actor, older, "A newer run began.")
    session = AgentSession.objects.create(
        member=actor, started_at=now, last_seen_at=now, model=model[:128], cwd=cwd[:1024],
        backend=backend[:64],
    )  # fmt: skip
    _revive(actor, session)
    events.record(actor, "session.started", session=session.pk, member=actor.name)
    return session


def _revive(actor: Member, session: AgentSession) -> None:
    news = {"last_seen_at": session.started_at, "terminated_at": None}
    news |= {key: value for key in ("model", "cwd") if (value := getattr(session, key))}
    for key, value in news.items():
        setattr(actor, key, value)
    actor.save(update_fields=[*news])


@action
def heartbeat(actor: Member, session_id: int) -> AgentSession:
    """The run is still alive. An ended one is NotFound: start a new one.

    It changes nothing that others decide on, so it neither takes the team's lock nor is journaled.
    """
    session = actor.sessions.filter(pk=session_id, ended_at=None).first()
    if session is None:
        raise NotFound(
            "There is no such running session.",
            code="session_not_found",
            hint="Start a new session.",
        )
    session.last_seen_at = timezone.now()
    session.save(update_fields=["last_seen_at"])
    mark_seen(actor)
    return session


@action
def end_session(actor: Member, session_id: int, *, reason: str = "") -> AgentSession:
    """The run is over. Twice is fine."""
    lock_team(actor)
    session = actor.sessions.filter(pk=session_id).first()
    if session is None:
        raise NotFound("There is no such session.", code="session_not_found")
    if session.ended_at is None:
        _end(actor, session, reason)
    return session


def _end(actor: Member, session: AgentSession, reason: str) -> None:
    session.ended_at, session.end_reason = timezone.now(), reason[:200]
    session.save(update_fields=["ended_at", "end_reason"])
    events.record(actor, "session.ended", session=session.pk, member=actor.name)
