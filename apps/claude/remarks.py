"""What is said here about a card, as comments of its task file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from apps.claude import formats
from apps.claude.plain import cut
from apps.reviews.models import Review
from apps.tasks.models import Comment, Task
from apps.teams.actions.observe import KNOWN_AS
from apps.teams.models import Member

TEXT_LENGTH = 4_000
# A task file is read whole at every turn, and not at all above a limit.
MOST = 50
VERDICTS = {Review.Outcome.APPROVED: "review_approved", Review.Outcome.CHANGES: "review_request"}
TYPES = frozenset({"regular", *VERDICTS.values()})
Remark = dict[str, Any]


def remarks_of(cards: Collection[Task], *, most: int = MOST) -> dict[int, list[Remark]]:
    """By key of a card: the newest comments and verdicts with a text that were made here, in order.

    At `most` so many, or all with 0. The same remark always gets the same id.
    """
    if not cards:
        return {}
    found: dict[int, list[tuple[datetime, Remark]]] = defaultdict(list)
    for card, remark, at in (*_comments(cards), *_verdicts(cards)):
        found[card].append((at, remark))
    return {
        card: [remark for _, remark in sorted(rows, key=lambda row: row[0])[-most:]]
        for card, rows in found.items()
    }


def ids_of_remarks(card: Task) -> set[str]:
    """The ids of all that was ever said here about a card."""
    return {remark["id"] for remark in remarks_of([card], most=0).get(card.pk, ())}


def _comments(cards: Collection[Task]) -> Iterator[tuple[int, Remark, datetime]]:
    rows = Comment.objects.filter(task__in=cards, external_id="").exclude(body="")
    for row in rows.exclude(kind=Comment.Kind.SYSTEM).select_related("author"):
        kind = row.kind if row.kind in TYPES else "regular"
        remark = _remark("comment", row.pk, row.author, row.body, row.created_at, kind)
        yield row.task_id, remark, row.created_at


def _verdicts(cards: Collection[Task]) -> Iterator[tuple[int, Remark, datetime]]:
    rows = Review.objects.filter(task__in=cards, outcome__in=VERDICTS, decided_by__isnull=False)
    for row in rows.exclude(note="").select_related("decided_by"):
        if row.decided_by and row.decided_at:
            kind = VERDICTS[Review.Outcome(row.outcome)]
            remark = _remark("review", row.pk, row.decided_by, row.note, row.decided_at, kind)
            yield row.task_id, remark, row.decided_at


def _remark(what: str, key: int, author: Member, text: str, at: datetime, kind: str) -> Remark:
    return {
        "id": str(uuid5(NAMESPACE_OID, f"{author.team_id}/{what}/{key}/{at.isoformat()}")),
        "author": str(author.metadata.get(KNOWN_AS) or author.name),
        "text": cut(text, TEXT_LENGTH),
        "createdAt": formats.to_iso(at),
        "type": kind,
    }
