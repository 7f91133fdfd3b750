"""Everything that waits to be written into one team's files, and what came of the writing."""

from __future__ import annotations

from collections.abc import Sequence

from apps.claude.card_outbox import card_orders, settle_cards
from apps.claude.formats import TeamTree
from apps.claude.models import TeamFiles
from apps.claude.orders import Order, Outcome
from apps.claude.outbox import row_orders, settle_rows
from apps.claude.seats import Names


def orders_for(files: TeamFiles, names: Names, inboxes: Sequence[str]) -> list[Order]:
    """All orders there are now; `inboxes` are the inbox files that the team has."""
    # Cards first: a row may name the number that a new card gets only with its file.
    cards = list(card_orders(files))
    if any(order.kind == "create" for order in cards):
        return cards
    return [*cards, *row_orders(files, names, inboxes)]


def settle(files: TeamFiles, outcomes: Sequence[Outcome], tree: TeamTree) -> set[tuple[str, str]]:
    """Note what was written; returns inbox and row id of each new row."""
    rows = [outcome for outcome in outcomes if outcome.order.kind == "row"]
    cards = [outcome for outcome in outcomes if outcome.order.kind != "row"]
    if cards:
        settle_cards(files, cards, tree)
    handovers = settle_rows(files, rows) if rows else []
    return {(row.inbox, row.row_id) for row in handovers}
