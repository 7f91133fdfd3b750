"""Reading the journal backwards, for people."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from django.db.models import Q, QuerySet

from apps.core.text import as_number, fold
from apps.teams.models import Event, Team
from apps.teams.words import Words, in_words

PER_PAGE = 50
# What happens with every message; shown where one asks for messages.
QUIET = ("message.read", "message.delivered", "message.archived")
GROUPS = {
    "task": "Tasks", "comment": "Comments", "review": "Reviews", "plan": "Plans",
    "message": "Messages", "discussion": "Discussions", "member": "Members",
    "session": "Sessions", "artifact": "Files", "files": "Claude Code files", "team": "Team",
}  # fmt: skip


class Line(NamedTuple):
    """An event and its sentence."""

    event: Event
    words: Words


class Page(NamedTuple):
    """Lines, newest first; `next` is the cursor to older ones, 0 at the end."""

    lines: list[Line]
    next: int


def read_everywhere(teams: Iterable[Team], *, before: str = "", kind: str = "") -> Page:
    """A page of the journals of `teams` together, newest first."""
    known = {team.pk: team for team in teams}
    found = Event.objects.filter(team__in=known).select_related("actor").order_by("-pk")
    if number := _cursor(before):
        found = found.filter(pk__lt=number)
    events = list(_of_kind(found, kind)[: PER_PAGE + 1])
    for event in events:
        event.team = known[event.team_id]
    return _page(events, "pk")


def read_journal(team: Team, *, before: str = "", member: str = "", kind: str = "") -> Page:
    """A page of the team's journal: events numbered under `before`, of one member or group.

    A cursor or filter that makes no sense is as good as none.
    """
    found = Event.objects.filter(team=team).select_related("actor").order_by("-seq")
    if number := _cursor(before):
        found = found.filter(seq__lt=number)
    if "\0" in member:
        found = found.none()
    elif member:
        found = found.filter(actor__key=fold(member))
    events = list(_of_kind(found, kind)[: PER_PAGE + 1])
    for event in events:
        event.team = team
    return _page(events, "seq")


def _cursor(before: str) -> int:
    return as_number(before) or 0


def _of_kind(found: QuerySet[Event], kind: str) -> QuerySet[Event]:
    if kind in GROUPS:
        return found.filter(kind__startswith=f"{kind}.")
    # Not `exclude(data__noise=True)`: where the key is missing that is neither true nor false.
    told = ~Q(kind="message.sent") | ~Q(data__has_key="noise")
    return found.filter(told).exclude(kind__in=QUIET)


def _page(events: list[Event], cursor: str) -> Page:
    shown, more = events[:PER_PAGE], len(events) > PER_PAGE
    lines = [Line(event, in_words(event)) for event in shown]
    return Page(lines, getattr(shown[-1], cursor) if more else 0)
