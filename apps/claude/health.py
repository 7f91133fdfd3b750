"""How the following of a team's files goes: since when, what is in the way, what is on its way."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils import timezone

from apps.claude.models import TeamFiles
from apps.claude.orders import Outcome
from apps.claude.plain import cut
from apps.core.actions import action
from apps.teams import events
from apps.teams.access import system_seat
from apps.teams.actions import lock_team
from apps.teams.actions.observe import SeenSeat, observe_seats, outside_names

NOT_WRITTEN = "not_written"


@action
def started(files: TeamFiles) -> None:
    """The files are followed from now on."""
    files.followed_since = files.looked_at = timezone.now()
    files.save(update_fields=["followed_since", "looked_at"])


@action
def still_looking(followed: Iterable[TeamFiles]) -> None:
    """The follower of these files is alive."""
    pks = [files.pk for files in followed]
    TeamFiles.objects.filter(pk__in=pks).update(looked_at=timezone.now())


@action
def stopped(followed: Iterable[TeamFiles]) -> None:
    """Nobody follows these files any more."""
    pks = [files.pk for files in followed]
    TeamFiles.objects.filter(pk__in=pks).update(followed_since=None)


@action
def note_change(files: TeamFiles) -> None:
    """The files brought something new just now."""
    files.last_change_at = timezone.now()
    files.save(update_fields=["last_change_at"])


@action
def note_gone(files: TeamFiles) -> None:
    """The team's folder is gone: its agents have stopped, the board and all talk stay."""
    system = system_seat(files.team)
    lock_team(system)
    files.gone_at = timezone.now()
    files.save(update_fields=["gone_at"])
    events.record(system, "files.gone", folder=files.folder)
    running = [
        SeenSeat(known_as=name, terminated_at=files.gone_at)
        for name, seat in outside_names(files.team).items()
        if seat.terminated_at is None and seat.left_at is None
    ]
    observe_seats(system, running)


@action
def note_troubles(files: TeamFiles, refused: Iterable[Outcome]) -> None:
    """Keep which files could not be written; one that is new goes into the journal, once."""
    known = {row["path"]: row for row in files.troubles}
    rows = {}
    for outcome in refused:
        shown = cut(outcome.order.file, 300)
        row = known.get(shown)
        if row is None:
            row = {"path": shown, "code": NOT_WRITTEN, "since": timezone.now().isoformat()}
            if not outcome.passing:
                system = system_seat(files.team)
                events.record(system, "files.not_written", path=shown, sentence=outcome.refused)
        rows[shown] = {**row, "sentence": outcome.refused}
    if list(rows.values()) != files.troubles:
        files.troubles = list(rows.values())
        files.save(update_fields=["troubles"])
