"""From events to bytes: each changed part is rendered once for all who see it alike."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from django.utils.html import format_html

from apps.core.prepared import NUMBER, Prepared
from apps.live.topics import topics_of_all
from apps.tasks import board
from apps.teams import events
from apps.teams.models import Event, Team

TEAM = Prepared(Team, lambda teams: teams.filter(pk=NUMBER))
MOST_CARDS = 200
MOST_TEXT = 250_000  # characters; daphne sends no message of more than 1 MiB
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
class News:
    """A stretch of a team's journal, and what it means for whoever looks."""

    team: Team
    events: list[Event]

    @property
    def seq(self) -> int:
        """Where it ends."""
        return self.events[-1].seq

    @cached_property
    def cards(self) -> list[int]:
        """The numbers of the cards that look different now."""
        return sorted(changed_cards(self.events))

    @cached_property
    def heads(self) -> str:
        """The heads of the board's columns, which are alike for all."""
        return board.render_heads(self.team)


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
    found = events.news(team_id, after)
    teams = TEAM.objects(team_id) if found else []
    if not teams:
        return None
    news = News(teams[0], found)
    return Batch(news.seq, found, {who: render(news, who) for who in audiences})


def welcome(team_id: int, after: int, audience: Audience) -> tuple[str, int]:
    """What brings a page printed at `after` up to now, and the number it is then at.

    A cursor that the journal cannot follow (too old, or made up) means: reload the page. So does
    one that is more than a reading behind.
    """
    team = TEAM.objects(team_id)[0]
    if after > team.seq or after < events.floor(team):
        return cursor(team.seq, reload=True), team.seq
    batch = read(team_id, after, [audience])
    if batch is None:
        return cursor(after), after
    if batch.seq < team.seq:
        return cursor(team.seq, reload=True), team.seq
    return batch.texts[audience], batch.seq


def total(team_ids: Iterable[int]) -> int:
    """Where a page about many teams is: the lengths of their journals together."""
    return sum(Team.objects.filter(pk__in=team_ids).values_list("seq", flat=True))


def render(news: News, audience: Audience) -> str:
    """One message: the changed parts, the stale topics, and last the new cursor.

    A page about many teams has a cursor of its own, see `total`; it counts the news itself.
    """
    topics = stale(*topics_of_all(news.events, only=audience.name), count=len(news.events))
    if audience.view == "me":
        return topics
    parts = _board(news, audience) if audience.view == "board" else ""
    reload = any(_changes_page(event, audience.view) for event in news.events)
    return f"{parts}{topics}{cursor(news.seq, reload=reload)}"


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


def _board(news: News, audience: Audience) -> str:
    if not news.cards:
        return ""
    if len(news.cards) > MOST_CARDS:
        return cursor(news.seq, reload=True)
    cards = board.render_cards(news.team, news.cards, audience.permissions, oob=True)
    return cards + news.heads if len(cards) < MOST_TEXT else cursor(news.seq, reload=True)


def changed_cards(found: Iterable[Event]) -> set[int]:
    """The numbers of the cards that look different after these events."""
    numbers: set[int] = set()
    for event in found:
        if event.kind.partition(".")[0] in CARD_AREAS:
            if event.task is not None:
                numbers.add(event.task)
            numbers.update(event.data.get("affects", ()))
    return numbers
