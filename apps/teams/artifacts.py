"""Reading deliverables: lists, safe downloads, previews of text and pictures."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from django.conf import settings
from django.core.files.storage import default_storage
from django.db.models import QuerySet
from django.http import FileResponse
from django.utils import timezone

from apps.core.errors import Invalid, NotFound
from apps.core.storing import LARGEST_ID
from apps.teams.lifecycle import Allows
from apps.teams.models import Artifact, Member
from apps.teams.permissions import Permission

PREVIEW_CHARACTERS = 20_000
MOST_ATTACHED = 100
# Whatever the bytes are, a browser runs, loads and embeds nothing of them.
LOCKED = "default-src 'none'; sandbox"
ORPHANED_AFTER = timedelta(days=1)


def artifacts_for(member: Member) -> QuerySet[Artifact]:
    """All versions in the member's team, newest first, each with who added it."""
    found = Artifact.objects.filter(team_id=member.team_id).select_related("added_by")
    return found.order_by("-pk")


def artifact_of(member: Member, artifact_id: int) -> Artifact:
    """The version with that id in the member's team, else NotFound."""
    artifact = artifacts_for(member).filter(pk=artifact_id).first()
    if artifact is None:
        raise NotFound("There is no such artifact in this team.", code="artifact_not_found")
    return artifact


def attachable(member: Member, ids: Iterable[int]) -> list[Artifact]:
    """The versions with these ids, each once; Invalid where the team has one of them no more."""
    wanted = list(dict.fromkeys(ids))
    if not wanted:
        return []
    if len(wanted) > MOST_ATTACHED:
        raise Invalid(fields={"artifacts": f"At most {MOST_ATTACHED}."})
    sane = [pk for pk in wanted if 0 < pk <= LARGEST_ID]
    found = Artifact.objects.filter(team_id=member.team_id, pk__in=sane, deleted_at=None).in_bulk()
    if missing := [pk for pk in wanted if pk not in found]:
        raise Invalid(fields={"artifacts": f"The team has no artifact {missing[0]}."})
    return [found[pk] for pk in wanted]


class File(NamedTuple):
    """All versions of one name, the latest first."""

    latest: Artifact
    older: list[Artifact]


class Shelf(NamedTuple):
    """The files of a task, and whether the reader may add one."""

    files: list[File]
    may_add: bool


def shelf_of(member: Member, task: int) -> Shelf:
    """The files of #task, the one that changed last first; one query."""
    found: dict[str, list[Artifact]] = {}
    for artifact in artifacts_for(member).filter(task=task):
        artifact.may_delete = may_delete(member, artifact)  # type: ignore[attr-defined]
        found.setdefault(artifact.name, []).append(artifact)
    files = [File(versions[0], versions[1:]) for versions in found.values()]
    return Shelf(files, may_add=may_add(member))


def may_add(member: Member) -> bool:
    """Whether the seat may add files now."""
    trusted = member.can(Permission.WORK) or member.can(Permission.SEND_MESSAGES)
    return trusted and member.team.allows(Allows.MESSAGES)


def may_delete(member: Member, artifact: Artifact) -> bool:
    """Whether the seat may delete the content of this version."""
    if artifact.deleted_at is not None or member.team.is_readonly:
        return False
    return artifact.added_by_id == member.pk or member.can(Permission.MANAGE_TASKS)


def text_of(artifact: Artifact, most: int = PREVIEW_CHARACTERS) -> str:
    """The start of a text, at most `most` characters, for a template that escapes it."""
    require_bytes(artifact)
    with artifact.content.open("rb") as file:
        start = file.read(most * 4)
    return str(start.decode("utf-8", "replace"))[:most]


def download(artifact: Artifact) -> FileResponse:
    """The bytes as a file to save; never shown as a page of ours."""
    return _bytes(artifact, inline=False)


def picture(artifact: Artifact) -> FileResponse:
    """A picture to show inside a page; NotFound for what is none."""
    if artifact.preview != "picture":
        raise NotFound("There is no picture to show.", code="artifact_not_picture")
    return _bytes(artifact, inline=True)


def _bytes(artifact: Artifact, *, inline: bool) -> FileResponse:
    require_bytes(artifact)
    response = FileResponse(
        artifact.content.open("rb"), as_attachment=not inline, filename=artifact.name,
        content_type=artifact.media_type if inline else artifact.content_type,
    )  # fmt: skip
    response.headers["Content-Security-Policy"] = LOCKED
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    # A version never changes, but a browser shared by people must ask whether it may still show it.
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def require_bytes(artifact: Artifact) -> None:
    """Raise NotFound where the bytes are gone."""
    if artifact.deleted_at is not None:
        raise NotFound(
            f"The content of {artifact.name} v{artifact.version} was deleted.",
            code="artifact_deleted",
            hint="It stays listed; look for another version.",
        )
    if not artifact.content.name or not default_storage.exists(artifact.content.name):
        raise NotFound(
            f"The file of {artifact.name} v{artifact.version} is missing on this server.",
            code="artifact_missing",
            hint="Restore the data directory's artifacts from a backup, or add it again.",
        )


def drop_bytes(artifact: Artifact) -> None:
    """Remove the file; where it is gone already: fine."""
    if artifact.content.name:
        default_storage.delete(artifact.content.name)


def drop_orphans() -> int:
    """Remove files that no row names, which a crash can leave behind; returns how many."""
    root = Path(settings.MEDIA_ROOT)
    old = (timezone.now() - ORPHANED_AFTER).timestamp()
    files = [path for path in root.glob("*/*") if path.is_file() and path.stat().st_mtime < old]
    names = [path.relative_to(root).as_posix() for path in files]
    kept = set(Artifact.objects.filter(content__in=names).values_list("content", flat=True))
    for path, name in zip(files, names, strict=True):
        if name not in kept:
            path.unlink(missing_ok=True)
    return len(set(names) - kept)
