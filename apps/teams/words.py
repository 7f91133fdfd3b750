"""The journal in words: one sentence for each event, as pieces that a page can link and escape."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps.core.text import one_line
from apps.core.timetext import duration
from apps.teams.models import Event, Member
from apps.teams.sentences import SENTENCES, Facts, listed

OPTIONAL = re.compile(r"\[([^\]]*)\]")
SLOT = re.compile(r"\{(\w+)\}")


class Piece(NamedTuple):
    """A part of a sentence; `tone` is actor, member, task, quote and so on, `href` may be empty."""

    text: str
    tone: str = ""
    href: str = ""


class Words(NamedTuple):
    """A sentence about an event, without a final stop."""

    pieces: tuple[Piece, ...]

    @property
    def text(self) -> str:
        """The sentence as plain text."""
        return "".join(piece.text for piece in self.pieces)

    @property
    def html(self) -> SafeString:
        """The sentence with links; everything that somebody wrote is escaped."""
        return format_html_join("", "{}", ((_html(piece),) for piece in self.pieces))


def _html(piece: Piece) -> SafeString | str:
    if piece.href:
        return format_html('<a class="task-ref" href="{}">{}</a>', piece.href, piece.text)
    if piece.tone in ("actor", "member"):
        return format_html("<b>{}</b>", piece.text)
    if piece.tone == "quote":
        return format_html("<q>{}</q>", piece.text.strip("“”"))
    return piece.text


MEMBERS = frozenset({"member", "owner", "reviewer", "replaced"})
QUOTES = frozenset({"subject", "question", "note", "title", "topic", "step"})
COLUMNS = {
    "todo": "To do", "in_progress": "In progress", "review": "Review", "done": "Done",
    "approved": "Approved", "trash": "the trash",
}  # fmt: skip


def in_words(event: Event) -> Words:
    """What happened, as a sentence; `event` comes with its actor and team loaded.

    A kind that is not in the table still reads: `alice: foo bar #3`.
    """
    facts = _facts(event)
    sentence = SENTENCES.get(event.kind)
    if sentence is None:
        sentence = f"{event.kind.replace('.', ' ').replace('_', ' ')}[ {{task}}]"
    template = sentence if isinstance(sentence, str) else sentence(facts)
    actor = Piece(facts["actor"] or "Somebody", "actor")
    return Words((actor, Piece(" "), *_fill(template, event, facts)))


def _facts(event: Event) -> Facts:
    facts: Facts = dict(event.data)
    if event.actor is None:
        name = ""
    elif event.actor.kind == Member.Kind.SYSTEM:
        name = "The system"
    else:
        name = event.actor.name
    return {**facts, "actor": name, "own": facts.get("member", name) == name}


def _fill(template: str, event: Event, facts: Facts) -> Iterator[Piece]:
    """The template with its slots filled; a `[part]` whose slot has no value is left out."""
    for index, part in enumerate(OPTIONAL.split(template)):
        pieces = list(_slots(part, event, facts))
        if index % 2 and any(not piece.text for piece in pieces if piece.tone):
            continue
        yield from (piece for piece in pieces if piece.text)


def _slots(part: str, event: Event, facts: Facts) -> Iterator[Piece]:
    for index, text in enumerate(SLOT.split(part)):
        yield _piece(text, event, facts) if index % 2 else Piece(text)


def _piece(slot: str, event: Event, facts: Facts) -> Piece:
    if slot in ("task", "blocker"):
        return _task(event, event.task if slot == "task" else facts.get("by"))
    if slot == "discussion":
        return _discussion(event, facts.get(slot))
    value = facts.get(slot)
    if value is None or value == "":
        return Piece("", "missing")
    if slot == "to" and isinstance(value, list):
        return Piece(listed([str(name) for name in value]) or "nobody", "member")
    if slot == "waited":
        return Piece(duration(value), "value")
    if slot == "column":
        return Piece(COLUMNS.get(value, str(value)), "value")
    if slot in QUOTES:
        return Piece(f"“{one_line(str(value), 80)}”", "quote")
    return Piece(one_line(str(value), 80), "member" if slot in MEMBERS else "value")


def _task(event: Event, number: Any) -> Piece:
    if not isinstance(number, int):
        return Piece("", "missing")
    return Piece(f"#{number}", "task", reverse("task", args=[event.team.address, number]))


def _discussion(event: Event, number: Any) -> Piece:
    known = isinstance(number, int)
    href = reverse("discussion", args=[event.team.address, number]) if known else ""
    return Piece("a discussion", "discussion", href)
