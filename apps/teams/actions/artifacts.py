from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from django.conf import settings
from django.core.files.base import ContentFile, File
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from apps.core.actions import action
from apps.core.errors import Conflict, Invalid, NotAllowed, TooLarge
from apps.teams import events
from apps.teams.actions.locking import lock_team
from apps.teams.artifacts import artifact_of, drop_bytes
from apps.teams.lifecycle import Allows
from apps.teams.models import Artifact, Member
from apps.teams.permissions import Permission

NAME_LENGTH = 255
CONTENT_TYPE = re.compile(r"[a-z0-9][a-z0-9.+-]*/[a-z0-9][a-z0-9.+-]*(; ?charset=[a-z0-9-]+)?")
PLAIN_BYTES = "application/octet-stream"
R = TypeVar("R")


def add_artifact(
    actor: Member, name: str, content: File[bytes] | bytes, *,
    content_type: str = "", task: int | None = None,
) -> Artifact:  # fmt: skip
    """Keep a deliverable of the team or of #task. The same name again makes its next version.

    More than `MAX_UPLOAD_MB` is TooLarge. The bytes are written before anything is locked.
    """
    artifact = _written(actor, name, content, content_type, task)
    with _kept([artifact]):
        return _add(actor, artifact)


def with_files(
    actor: Member, files: Sequence[UploadedFile[bytes]], act: Callable[[list[int]], R], *,
    task: int | None = None,
) -> R:  # fmt: skip
    """Keep uploads as `add_artifact` does, then `act` with their ids: all of it or nothing."""
    written: list[Artifact] = []
    with _kept(written):
        for file in files:
            name, kind = file.name or "", file.content_type or ""
            written.append(_written(actor, name, file, kind, task))
        return _add_then(actor, written, act)


@action
def _add_then(actor: Member, artifacts: list[Artifact], act: Callable[[list[int]], R]) -> R:
    return act([_add(actor, artifact).pk for artifact in artifacts])


def _written(
    actor: Member, name: str, content: File[bytes] | bytes, content_type: str, task: int | None
) -> Artifact:
    """The artifact with its bytes in their place, and no row yet."""
    name = _checked_name(name)
    file = ContentFile(content) if isinstance(content, bytes) else content
    _require_size(file)
    _require_adding(actor)
    artifact = Artifact(team_id=actor.team_id, task=task, name=name, size=file.size or 0)
    artifact.content_type = _checked_type(content_type)
    artifact.sha256 = _digest(file)
    artifact.content.save(name, file, save=False)
    return artifact


@contextmanager
def _kept(artifacts: list[Artifact]) -> Iterator[None]:
    """Where the block fails, the bytes go again."""
    try:
        yield
    except BaseException:
        for artifact in artifacts:
            drop_bytes(artifact)
        raise


@action
def _add(actor: Member, artifact: Artifact) -> Artifact:
    team = lock_team(actor)
    _require_adding(actor)
    team.require(Allows.MESSAGES)
    if artifact.task is not None and not 0 < artifact.task <= team.task_watermark:
        raise Invalid(fields={"task": f"There is no task #{artifact.task} in this team."})
    older = Artifact.objects.filter(team=team, task=artifact.task, name=artifact.name)
    artifact.version = (older.aggregate(last=Max("version"))["last"] or 0) + 1
    artifact.added_by = actor
    artifact.save(force_insert=True)
    _record(actor, "artifact.added", artifact)
    return artifact


@action
def delete_artifact(actor: Member, artifact_id: int) -> Artifact:
    """Delete the bytes of a version; it stays listed as deleted. Twice is fine.

    Who added it may do so, and who manages tasks.
    """
    team = lock_team(actor)
    artifact = artifact_of(actor, artifact_id)
    if artifact.added_by_id != actor.pk and not actor.can(Permission.MANAGE_TASKS):
        raise NotAllowed(
            f"Only who added {artifact.name} or who manages tasks may delete it.",
            hint="Ask a leader.",
        )
    if artifact.deleted_at is not None:
        return artifact
    if team.is_readonly:
        raise Conflict(f"The team is {team.state}; everything stays.", code="team_not_active")
    artifact.deleted_at = timezone.now()
    artifact.save(update_fields=["deleted_at"])
    transaction.on_commit(lambda: drop_bytes(artifact), robust=True)
    _record(actor, "artifact.deleted", artifact)
    return artifact


def _record(actor: Member, kind: str, artifact: Artifact) -> None:
    events.record(
        actor, kind, task=artifact.task, artifact=artifact.pk, name=artifact.name,
        version=artifact.version,
    )  # fmt: skip


def _require_adding(actor: Member) -> None:
    if not actor.can(Permission.WORK):
        actor.require(Permission.SEND_MESSAGES)


def _require_size(file: File[bytes]) -> None:
    most = settings.MAX_UPLOAD_MB
    if (file.size or 0) > most * 1024 * 1024:
        raise TooLarge(f"A file may have up to {most} MB.", hint="Send a smaller one, or split it.")


def _checked_name(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > NAME_LENGTH:
        raise Invalid(fields={"name": f"Give it a name of 1–{NAME_LENGTH} characters."})
    if not name.isprintable():
        raise Invalid(fields={"name": "A name has no control characters."})
    return name


def _checked_type(content_type: str) -> str:
    """What was claimed, where it is a content type at all."""
    claimed = content_type.strip().lower()
    return claimed if len(claimed) < 128 and CONTENT_TYPE.fullmatch(claimed) else PLAIN_BYTES


def _digest(file: File[bytes]) -> str:
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    file.seek(0)
    return digest.hexdigest()
