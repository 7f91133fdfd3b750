from __future__ import annotations

import hashlib
from collections.abc import Callable

from django.core.files.uploadedfile import UploadedFile as DjangoFile
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from ninja import File, Form, Query, UploadedFile

from apps.api import paging, schemas, shapes
from apps.api.answers import nothing_yet, reply
from apps.api.briefing import brief
from apps.api.door import Call
from apps.api.fields import Id
from apps.api.idempotency import write
from apps.api.section import Section
from apps.core.cursors import place
from apps.teams import actions, artifacts, events
from apps.teams.models import AgentSession, Artifact, Member
from apps.teams.sentences import kinds_named

journal = Section("Journal")
sessions = Section("Sessions")
files = Section("Artifacts")


@journal.get("/events", schemas.EventPage)
def list_events(request: Call, query: Query[schemas.EventsQuery]) -> HttpResponse:
    """The journal after a number, in order and without gaps. Follow it with `after=<last>`."""
    team = request.auth.team
    after = query.after if query.cursor is None else place(query.cursor)
    kinds = kinds_named(query.kind, "kind")
    found = events.after(team, after, kinds=kinds, limit=query.limit + 1)
    items, more = found[: query.limit], len(found) > query.limit
    last = items[-1].seq if items else after
    answer = reply(
        paging.page(
            [shapes.of_event(event) for event in items],
            last if more else None,
            # All kinds up to the head, as it was before this read, have been passed over.
            last=max(last, team.seq) if query.kind and not more else last,
            reload=not events.floor(team) <= after <= team.seq,
        )
    )
    return nothing_yet(answer) if query.wait and not items else answer


@journal.get("/briefing", schemas.Briefing)
def get_briefing(request: Call, query: Query[schemas.BriefingQuery]) -> HttpResponse:
    """Everything you need to go on: as one text of at most 6,000 characters, and as data."""
    told = brief(request.auth, since=query.since, peek=bool(query.wait))
    return nothing_yet(reply(told.data)) if query.wait and told.step.is_idle else reply(told.data)


@sessions.post("/sessions", schemas.Session, status=201)
def start_session(request: Call, body: schemas.NewSession | None = None) -> HttpResponse:
    """Say that a run of your process begins; an older one ends."""
    about = (body or schemas.NewSession()).given()
    return write(
        request,
        lambda actor: actions.start_session(actor, **about),
        lambda session: shapes.of_session(session, request.auth),
        status=201,
    )


@sessions.post("/sessions/{int:session_id}/heartbeat", schemas.Session)
def heartbeat(request: Call, session_id: Id) -> HttpResponse:
    """Say that your run is still alive."""
    return _run(request, lambda actor: actions.heartbeat(actor, session_id))


@sessions.post("/sessions/{int:session_id}/end", schemas.Session)
def end_session(
    request: Call, session_id: Id, body: schemas.SessionEnd | None = None
) -> HttpResponse:
    """Say that your run is over."""
    reason = body.reason if body else ""
    return _run(request, lambda actor: actions.end_session(actor, session_id, reason=reason))


def _run(request: Call, do: Callable[[Member], AgentSession]) -> HttpResponse:
    return write(request, do, lambda session: shapes.of_session(session, request.auth))


@files.get("/artifacts", schemas.ArtifactPage)
def list_artifacts(request: Call, query: Query[schemas.ArtifactsQuery]) -> HttpResponse:
    """Deliverables with all their versions, newest first; deleted ones stay listed."""
    found = artifacts.artifacts_for(request.auth)
    if query.task is not None:
        found = found.filter(task=query.task)
    if query.name is not None:
        found = found.filter(name=query.name)
    rows, more = paging.cut(found, query, newest=True)
    last = rows[-1].pk if more else None
    team = request.auth.team
    return reply(paging.page([shapes.of_artifact(row, team) for row in rows], last))


@files.post("/artifacts", schemas.Artifact, status=201)
def add_artifact(
    request: Call, file: File[UploadedFile], form: Form[schemas.ArtifactForm]
) -> HttpResponse:
    """Add a deliverable of the team or of a task; the same name again is its next version."""
    name = form.name or file.name or ""
    claimed = form.content_type or file.content_type or ""

    def add(actor: Member) -> Artifact:
        return actions.add_artifact(actor, name, file, content_type=claimed, task=form.task)

    return write(
        request,
        add,
        lambda artifact: shapes.of_artifact(artifact, request.auth.team),
        status=201,
        asked=[name, claimed, form.task, _digest(file)],
    )


@files.get("/artifacts/{int:artifact_id}", schemas.Artifact)
def get_artifact(request: Call, artifact_id: Id) -> HttpResponse:
    """One version of a deliverable."""
    artifact = artifacts.artifact_of(request.auth, artifact_id)
    return reply(shapes.of_artifact(artifact, request.auth.team))


@files.delete("/artifacts/{int:artifact_id}", schemas.Artifact)
def delete_artifact(request: Call, artifact_id: Id) -> HttpResponse:
    """Delete the bytes of a version; it stays listed."""
    return write(
        request,
        lambda actor: actions.delete_artifact(actor, artifact_id),
        lambda artifact: shapes.of_artifact(artifact, request.auth.team),
    )


@files.get("/artifacts/{int:artifact_id}/content", bytes)
def get_artifact_content(request: Call, artifact_id: Id) -> HttpResponseBase:
    """The bytes of a version, as a file to save."""
    return artifacts.download(artifacts.artifact_of(request.auth, artifact_id))


def _digest(file: DjangoFile[bytes]) -> str:
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    file.seek(0)
    return digest.hexdigest()
