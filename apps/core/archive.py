"""A whole installation in one file: every row as JSON lines, and the uploaded files.

The same file restores on SQLite and on PostgreSQL, so it is also the way from one to the other.
The secret key is not in it: after a restore elsewhere people log in again.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any

from django.apps import apps
from django.conf import settings
from django.core import serializers
from django.core.management.color import no_style
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, models, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from apps.core.errors import DomainError

FORMAT = 1
MADE_ANEW = frozenset({
    "sessions.session", "contenttypes.contenttype", "auth.permission", "admin.logentry",
})  # fmt: skip
BATCH = 500


class Exact(DjangoJSONEncoder):
    """Django's own encoder, but with the microseconds that it leaves out."""

    def default(self, o: Any) -> Any:
        """What `json` cannot write by itself."""
        return o.isoformat() if isinstance(o, datetime) else super().default(o)


class BadArchive(DomainError):
    """The file is no backup, or one of another version of this program."""

    code = "bad_archive"


def kept_models() -> list[type[models.Model]]:
    """What a backup holds, each model after those it refers to."""
    lists = [(config, None) for config in apps.get_app_configs()]
    ordered = serializers.sort_dependencies(lists, allow_cycles=True)
    return [model for model in ordered if model._meta.label_lower not in MADE_ANEW]


def write(file: IO[bytes]) -> dict[str, int]:
    """Write a backup of this moment while the site runs; rows written by model."""
    counts: dict[str, int] = {}
    with tarfile.open(fileobj=file, mode="w:gz") as archive, NamedTemporaryFile("w+") as rows:
        with snapshot():
            for model in kept_models():
                counts[model._meta.label_lower] = _dump(model, rows)
            about = _about(counts)
        rows.flush()
        _add(archive, "about.json", json.dumps(about).encode())
        archive.add(rows.name, "rows.jsonl")
        if Path(settings.MEDIA_ROOT).is_dir():
            archive.add(settings.MEDIA_ROOT, "artifacts")
    return counts


@contextmanager
def snapshot() -> Iterator[None]:
    """One moment of the database for many reads, and no writer held up by it.

    Inside a transaction it adds nothing: that one decides what is seen.
    """
    if connection.in_atomic_block:
        yield
        return
    begin = "BEGIN" if connection.vendor == "sqlite" else "BEGIN ISOLATION LEVEL REPEATABLE READ"
    with connection.cursor() as cursor:
        cursor.execute(begin)
        try:
            yield
        finally:
            cursor.execute("COMMIT")


def _dump(model: type[models.Model], rows: IO[str]) -> int:
    queryset = model._default_manager.order_by("pk")
    number = queryset.count()
    serializers.serialize(
        "jsonl",
        queryset.iterator(chunk_size=BATCH),
        stream=rows,
        use_natural_foreign_keys=True,
        cls=Exact,
    )
    return number


def _about(counts: dict[str, int]) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "made_at": timezone.now().isoformat(),
        "migrations": _migrations(),
        "rows": counts,
    }


def _migrations() -> list[str]:
    return sorted(
        f"{app}.{name}" for app, name in MigrationRecorder(connection).applied_migrations()
    )


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mtime = len(content), int(timezone.now().timestamp())
    archive.addfile(member, io.BytesIO(content))


def read(file: IO[bytes]) -> dict[str, int]:
    """Replace everything by a backup, whole or not at all; rows restored by model."""
    try:
        with tarfile.open(fileobj=file, mode="r:gz") as archive:
            return _read(archive)
    except (tarfile.TarError, KeyError, EOFError, json.JSONDecodeError, OSError) as error:
        raise BadArchive(
            f"This is not a whole backup: {error}", hint="Choose a file made by `backup`."
        ) from error


def _read(archive: tarfile.TarFile) -> dict[str, int]:
    about = json.load(_member(archive, "about.json"))
    if about["migrations"] != _migrations():
        raise BadArchive(
            "This backup was made by another version of the program.",
            hint="Restore it with that version, then update.",
        )
    with transaction.atomic():
        for model in reversed(kept_models()):
            model._default_manager.all()._raw_delete(connection.alias)
        counts = _load(_member(archive, "rows.jsonl"))
        if counts != {label: n for label, n in about["rows"].items() if n}:
            raise BadArchive("Rows are missing in this backup.", hint="Choose another one.")
        _reset_sequences()
    _files(archive)
    return counts


def _member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    found = archive.extractfile(name)
    if found is None:
        raise KeyError(name)
    return found


def _load(rows: IO[bytes]) -> dict[str, int]:
    counts: dict[str, int] = {}
    batch: list[Any] = []
    for row in serializers.deserialize(
        "jsonl", io.TextIOWrapper(rows, encoding="utf-8"), handle_forward_references=True
    ):
        if batch and (type(row.object) is not type(batch[0].object) or len(batch) >= BATCH):
            _insert(batch)
            batch = []
        batch.append(row)
        label = row.object._meta.label_lower
        counts[label] = counts.get(label, 0) + 1
    _insert(batch)
    return counts


def _insert(batch: Iterable[Any]) -> None:
    rows = list(batch)
    if not rows:
        return
    type(rows[0].object)._default_manager.bulk_create([row.object for row in rows])
    for row in rows:
        for field, values in (row.m2m_data or {}).items():
            getattr(row.object, field).set(values)
        if row.deferred_fields:
            row.save_deferred_fields()


def _reset_sequences() -> None:
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), kept_models()):
            cursor.execute(statement)


def _files(archive: tarfile.TarFile) -> None:
    """Uploaded files lie under random names, so the ones of the backup are simply added."""
    root = Path(settings.MEDIA_ROOT)
    for member in archive.getmembers():
        folder, _, rest = member.name.partition("/")
        if folder == "artifacts" and member.isfile() and ".." not in Path(rest).parts:
            target = root / rest
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(_member(archive, member.name).read())
