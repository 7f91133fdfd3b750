"""Messages to members whom we know from files: into their inbox files, each exactly once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import models
from django.utils import timezone

from apps.claude import formats
from apps.claude.formats import Epoch, InboxRow, TeamTree
from apps.claude.losses import is_written_over
from apps.claude.models import Handover, TeamFiles
from apps.claude.orders import Order, Outcome
from apps.claude.rows import inbox_name, row_id
from apps.claude.seats import VIA, Names
from apps.core.actions import action
from apps.core.text import as_number, one_line
from apps.messaging.actions import deliver, mark_read
from apps.messaging.models import Delivery, Message
from apps.teams.actions.observe import KNOWN_AS, outside_names
from apps.teams.models import Member

SUMMARY_LENGTH = 80
MOST_AT_ONCE = 500
# Claude Code heeds these only from the leader.
FROM_THE_LEAD = frozenset({"plan_approval_response", "permission_response", "shutdown_request"})
INSIDE = frozenset({"from", "plan_id", "version"})


def waiting_copies(files: TeamFiles) -> models.QuerySet[Delivery]:
    """The copies that outside members have not been handed yet, oldest first."""
    outside = [seat.pk for seat in outside_names(files.team).values() if seat.left_at is None]
    waiting = models.Q(delivered_at=None, handover=None) | models.Q(handover__again=True)
    return (
        Delivery.objects.filter(waiting, recipient__in=outside, message__team=files.team)
        .filter(archived_at=None)
        .select_related("message__sender", "recipient")
        .order_by("pk")
    )


def row_orders(files: TeamFiles, names: Names, inboxes: Sequence[str]) -> Iterator[Order]:
    """An order for every waiting copy; `inboxes` are the files that the team has."""
    existing = {seat.pk: name for name in inboxes if (seat := names.seat(name))}
    for copy in waiting_copies(files)[:MOST_AT_ONCE]:
        inbox = existing.get(copy.recipient_id) or _own_inbox(copy.recipient)
        yield Order(kind="row", key=copy.pk, inbox=inbox, row=_native(files, copy.message, names))


def _own_inbox(seat: Member) -> str:
    return inbox_name(str(seat.metadata[KNOWN_AS]))


def _native(files: TeamFiles, message: Message, names: Names) -> dict[str, Any]:
    """The row that Claude Code expects for a message of ours."""
    payload = {key: value for key, value in (message.payload or {}).items() if key not in INSIDE}
    number = as_number(str(payload.get("task_id", "")))
    if number is not None:
        payload["task_id"] = _task_id(files, number) or str(payload["task_id"])
    text = message.body or message.subject
    if message.kind == "plan_approval_response":
        text = str(payload.get("feedback") or "")
    return formats.native_row(
        sender=sender_name(message, names),
        at=message.sent_at,
        text=text,
        kind=message.kind,
        payload=payload,
        summary=one_line(message.subject or message.body, SUMMARY_LENGTH),
        color=message.sender.color,
        message_id=message.message_id if files.epoch == Epoch.NUMBERED else "",
    )


def _task_id(files: TeamFiles, number: int) -> str:
    rows = files.cards.filter(gone_at=None, task__number=number)
    return rows.values_list("file_id", flat=True).first() or ""


def sender_name(message: Message, names: Names) -> str:
    """What the recipient calls the sender; some kinds count only when they come from the lead."""
    if message.kind in FROM_THE_LEAD and names.lead:
        return names.lead
    return str(message.sender.metadata.get(KNOWN_AS) or message.sender.name)


@action
def settle_rows(files: TeamFiles, outcomes: Sequence[Outcome]) -> list[Handover]:
    """Note which copies lie in their inbox now, and tell it in the journal."""
    found = {out.order.key: out for out in outcomes if not out.refused}
    copies = Delivery.objects.filter(pk__in=found, message__team=files.team)
    copies = copies.select_related("recipient", "handover")
    now = timezone.now()
    handovers = [_handover(files, copy, found[copy.pk], now) for copy in copies]
    by_recipient: dict[int, list[Delivery]] = defaultdict(list)
    for copy in copies:
        by_recipient[copy.recipient_id].append(copy)
    for delivered in by_recipient.values():
        recipient = delivered[0].recipient
        recipient.team, recipient.via = files.team, VIA
        deliver(recipient, delivered)
    return handovers


def _handover(files: TeamFiles, copy: Delivery, outcome: Outcome, now: datetime) -> Handover:
    old = getattr(copy, "handover", None)
    handover = old or Handover(files=files, delivery=copy, inbox=outcome.order.inbox)
    handover.row_id = (outcome.row_id or row_id(outcome.order.row))[:128]
    handover.before = [str(name) for name in outcome.before][-50:]
    written = datetime.fromtimestamp(outcome.at, tz=UTC) if outcome.at else now
    handover.written_at, handover.proven_at = min(written, now), now
    handover.lost += 1 if handover.again else 0
    handover.again = False
    handover.save()
    return handover


def check_handovers(
    files: TeamFiles, tree: TeamTree, *, locking: bool = False,
    lost: Mapping[str, Collection[str]] | None = None, late: Collection[str] = (),
) -> None:  # fmt: skip
    """Look for what we wrote: note what was read or drained, order again what a writer lost.

    `locking` says that the other writers heed locks, so that none of them writes over ours. `lost`
    are, by inbox, rows that were seen to be written over. The inboxes that are `late` are not in
    `tree` as they are now.
    """
    inboxes = tree.inboxes.keys() - set(late)
    open_rows = files.handovers.filter(
        read_at=None, drained_at=None, again=False, inbox__in=inboxes
    )
    by_inbox: dict[str, list[Handover]] = defaultdict(list)
    for handover in open_rows.select_related("delivery__recipient"):
        by_inbox[handover.inbox].append(handover)
    for inbox, handovers in by_inbox.items():
        rows = {row.id: row for row in tree.inboxes[inbox]}
        read = [h for h in handovers if h.row_id in rows and rows[h.row_id].read]
        absent = [h for h in handovers if h.row_id not in rows]
        seen = (lost or {}).get(inbox, ())
        gone = [
            h for h in absent
            if h.row_id in seen or _was_lost(files, h, rows.values(), locking=locking)
        ]  # fmt: skip
        _finish(files, read, [h for h in absent if h not in gone])
        Handover.objects.filter(pk__in=[h.pk for h in gone]).update(again=True)


def _was_lost(
    files: TeamFiles, handover: Handover, rows: Iterable[InboxRow], *, locking: bool
) -> bool:
    """Whether a row that is gone was overwritten, rather than read and taken out.

    The first epoch never takes rows out; for the later ones see `is_written_over`.
    """
    if files.epoch == Epoch.CHOSEN:
        return True
    return is_written_over(handover.before, handover.written_at, rows, locking=locking)


@action
def _finish(files: TeamFiles, read: Sequence[Handover], drained: Sequence[Handover]) -> None:
    if not read and not drained:
        return
    now = timezone.now()
    for handover in (*read, *drained):
        handover.before = []
        handover.read_at = now if handover in read else None
        handover.drained_at = now if handover in drained else None
    Handover.objects.bulk_update((*read, *drained), ["before", "read_at", "drained_at"])
    recipient = (*read, *drained)[0].delivery.recipient
    recipient.team, recipient.via = files.team, VIA
    if recipient.left_at is None:
        mark_read(recipient, [h.delivery.message_id for h in (*read, *drained)])
