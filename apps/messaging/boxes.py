"""The lists of an inbox's page: what is asked for in the address, and the conversations found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from apps.core.text import as_number
from apps.messaging import inbox
from apps.messaging.conversations import Conversation, Pair, conversations
from apps.messaging.kinds import KINDS
from apps.messaging.models import Delivery, Message
from apps.messaging.notices import Why
from apps.teams.models import Member, User

BOXES = {"inbox": "Inbox", "sent": "Sent", "team": "Team", "archived": "Archived"}
PAGE = 50


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a list is narrowed to; unknown values in an address are as if they were not there."""

    box: str = "inbox"
    unread: bool = False
    kind: str = ""
    sender: str = ""
    why: str = ""
    q: str = ""
    cursor: str = ""
    limit: int = PAGE

    @classmethod
    def parse(cls, given: Mapping[str, str]) -> Wanted:
        """From the query of an address."""
        box, kind, why = given.get("box", ""), given.get("kind", ""), given.get("why", "")
        cursor, limit = given.get("cursor", ""), given.get("limit", "")
        return cls(
            box=box if box in BOXES else "inbox",
            unread=given.get("unread") == "1",
            kind=kind if kind in KINDS else "",
            sender=given.get("from", "")[:128].strip(),
            why=why if why in Why.values else "",
            q=given.get("q", "")[:200].replace("\0", "").strip(),
            cursor="" if as_number(cursor) is None else cursor,
            limit=min(max(as_number(limit) or 0, PAGE), inbox.MOST),
        )

    boxes = tuple(BOXES.items())
    kinds = KINDS
    whys = tuple(Why.choices)

    @property
    def label(self) -> str:
        """What the list is called."""
        return BOXES[self.box]

    @property
    def query(self) -> str:
        """The address's query again, without the place in the list."""
        pairs = {
            "box": "" if self.box == "inbox" else self.box,
            "unread": "1" if self.unread else "",
            "kind": self.kind,
            "from": self.sender,
            "why": self.why,
            "q": self.q,
        }
        return urlencode({key: value for key, value in pairs.items() if value})

    @property
    def is_narrowed(self) -> bool:
        """Whether anything besides the box is asked for."""
        return self.unread or self.is_filtered

    @property
    def is_filtered(self) -> bool:
        """Whether unread messages may be missing: what is done with all of them is not offered."""
        return bool(self.kind or self.sender or self.why or self.q)

    @property
    def switched(self) -> str:
        """The query with the unread switch the other way."""
        return replace(self, unread=not self.unread).query


@dataclass(frozen=True)
class Lines:
    """One page of a list: its conversations, the copies behind them, where the next page begins."""

    conversations: list[Conversation]
    copies: list[Delivery]
    next: str | None

    @property
    def newest(self) -> int:
        """The id of the newest message here, 0 where there is none."""
        return max((one.message.pk for one in self.conversations), default=0)

    @property
    def loaded(self) -> int:
        """How many messages are behind these lines."""
        return sum(one.count for one in self.conversations)


def read(member: Member, wanted: Wanted) -> Lines:
    """The wanted page of one of the member's lists, newest first."""
    cursor = wanted.cursor or None
    if wanted.box in ("inbox", "archived"):
        found = inbox.inbox(
            member, unread=wanted.unread, kind=wanted.kind or None, q=wanted.q or None,
            sender=wanted.sender or None, archived=wanted.box == "archived", order="newest",
            cursor=cursor, limit=wanted.limit,
        )  # fmt: skip
        return _lines(found)
    if wanted.box == "sent":
        listing = inbox.sent(member, q=wanted.q, cursor=cursor, limit=wanted.limit)
    else:
        about = wanted.sender or None
        listing = inbox.of_team(member, about=about, q=wanted.q, cursor=cursor, limit=wanted.limit)
    pairs: list[Pair] = [(message, _mine(message, member)) for message in listing.items]
    return Lines(conversations(pairs), [], listing.next)


def everywhere(user: User, wanted: Wanted) -> Lines:
    """What came to a person in all their teams."""
    found = inbox.came_to(
        user, unread=wanted.unread, why=wanted.why or None, cursor=wanted.cursor or None,
        limit=wanted.limit,
    )  # fmt: skip
    return _lines(found)


def _lines(page: inbox.Page) -> Lines:
    pairs: list[Pair] = [(copy.message, copy) for copy in page.items]
    return Lines(conversations(pairs), page.items, page.next)


def _mine(message: Message, member: Member) -> Delivery | None:
    copies = message.deliveries.all()
    return next((copy for copy in copies if copy.recipient_id == member.pk), None)
