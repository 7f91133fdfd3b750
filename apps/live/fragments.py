"""From events to bytes: each changed part is rendered once for all who see it alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from django.template.loader import render_to_string
from django.utils.html import format_html

from apps.live.topics import topics_of_all
from apps.tasks import board
from apps.teams import events
from apps.teams.models import Event, Team

MOST_EVENTS = 1000
MOST_CARDS = 200
CARD_AREAS = frozenset({"task", "comment", "review", "plan"})
SEAT_KINDS = frozenset({"member.left", "member.changed", "member.joined", "team.moved"})
# Settings that show on the board beside its cards.
SHOWN = frozenset({
    "name", "wip_limits", "allow_self_approval", "dependencies_wait_for_approval",
    "review_sla_minutes",
})  # fmt: skip


class Audience(NamedTuple):
    """Pages that see the same bytes: the kind of page, and the rights of who looks at it.

    `name` is set where a page is only told what concerns that member.
    """

    view: str
    permissions: frozenset[str] = frozenset()
    name: str = ""


@dataclass
class Batch:
    """What a stretch of the journal means for each audience. `seq` is where it ends."""

    seq: int
    events: list[Event]
    texts: dict[Audience, str]


def read(team_id: int, after: int, audiences: Iterable[Audience]) -> Batch | None:
    """The team's news after a number, rendered for each audience; None where there is none.

    What is rendered is the state now, so it is never older than the events it answers.
    """
    team = Team.objects.get(pk=team_id)
    found = events.after(team, after, limit=MOST_EVENTS)
    if not found:
        return None
    seq = found[-1].seq
    return Batch(seq, found, {who: render(team, who, found, seq) for who in audiences})


def welcome(team_id: int, after: int, audience: Audience) -> tuple[str, int]:
    """What brings a page printed at `after` up to now, and the number it is then at.

    A cursor that the journal cannot follow (too old, or made up) means: reload the page.
    """
    team = Team.objects.get(pk=team_id)
    if after > team.seq or after < events.floor(team):
        return cursor(team.seq, reload=True), team.seq
    texts, seq = [], after
    while batch := read(team_id, seq, [audience]):
        texts.append(batch.texts[audience])
        seq = batch.seq
    return "".join(texts) or cursor(seq), seq


def total(team_ids: Iterable[int]) -> int:
    """Where a page about many teams is: the lengths of their journals together."""
    return sum(Team.objects.filter(pk__in=team_ids).values_list("seq", flat=True))


def render(team: Team, audience: Audience, found: list[Event], seq: int) -> str:
    """One message: the changed parts, the stale topics, and last the new cursor.

    A page about many teams has a cursor of its own, see `total`; it counts the news itself.
    """
    parts = VIEWS.get(audience.view, _nothing)(team, audience, found)
    news = stale(*topics_of_all(found, only=audience.name), count=len(found))
    if audience.view == "me":
        return f"{parts}{news}"
    reload = any(_changes_page(event, audience.view) for event in found)
    return f"{parts}{news}{cursor(seq, reload=reload)}"


def _changes_page(event: Event, view: str) -> bool:
    """Whether what the page offers is another one now, not only what it shows."""
    if event.kind == "team.moved":
        return True
    is_board = view == "board" and event.kind == "team.changed"
    return is_board and not SHOWN.isdisjoint(event.data.get("changed", ()))


def stale(*topics: str, count: int = 0) -> str:
    """The element that tells a page which of its parts are stale after `count` events."""
    return format_html(
        '<i id="news" data-topics="{}" data-count="{}" hidden hx-swap-oob="true"></i>',
        " ".join(topics),
        count,
    )


def cursor(seq: int, *, reload: bool = False) -> str:
    """The element that tells a page where it is, or that it has to be loaded anew."""
    flag = " data-reload" if reload else ""
    return f'<i id="cursor" data-seq="{seq}"{flag} hidden hx-swap-oob="true"></i>'


def _nothing(team: Team, audience: Audience, found: list[Event]) -> str:
    return ""


def _board(team: Team, audience: Audience, found: list[Event]) -> str:
    numbers = changed_cards(found)
    if not numbers:
        return ""
    if len(numbers) > MOST_CARDS:
        return cursor(found[-1].seq, reload=True)
    cards = board.render_cards(team, sorted(numbers), audience.permissions, oob=True)
    heads = render_to_string(
        "tasks/board.html#heads", {"heads": board.heads(team), "team": team, "oob": True}
    )
    return cards + heads


def changed_cards(found: Iterable[Event]) -> set[int]:
    """The numbers of the cards that look different after these events."""
    numbers: set[int] = set()
    for event in found:
        if event.kind.partition(".")[0] in CARD_AREAS:
            if event.task is not None:
                numbers.add(event.task)
            numbers.update(event.data.get("affects", ()))
    return numbers


VIEWS: dict[str, Callable[[Team, Audience, list[Event]], str]] = {"board": _board}
