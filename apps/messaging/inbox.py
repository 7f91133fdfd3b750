"""Reading messages: inboxes, counts, threads, search; every page costs the same few queries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache, reduce
from operator import or_
from typing import Any, Literal, NamedTuple

from django.db.models import Count, F, Prefetch, Q, QuerySet, Value, prefetch_related_objects
from django.utils import timezone

from apps.core.cursors import place
from apps.core.errors import Invalid
from apps.core.prepared import NUMBER, OTHER, Prepared
from apps.core.search import contains, words
from apps.core.storing import LARGEST_ID
from apps.core.text import fold
from apps.messaging.kinds import parse_kind
from apps.messaging.models import Delivery, Message
from apps.teams.models import Artifact, Member, User

MOST = 200
UNSEEN_OF_MEMBER = ("prompt", "metadata", "granted", "denied", "cwd", "agent_type", "model", "key")
# What a list calls a conversation, wherever its first message went.
TITLE = "thread__subject"
Order = Literal["oldest", "newest"]


@dataclass(frozen=True)
class Page:
    """Copies of messages in order, and the cursor of the next page or None."""

    items: list[Delivery]
    next: str | None

    @property
    def messages(self) -> list[Message]:
        """The messages of these copies."""
        return [copy.message for copy in self.items]


class Listing(NamedTuple):
    """Messages in order, and the cursor of the next page or None."""

    items: list[Message]
    next: str | None


def inbox(
    member: Member,
    *,
    unread: bool = False,
    kind: str | None = None,
    sender: str | None = None,
    q: str | None = None,
    archived: bool = False,
    noise: bool = True,
    order: Order = "oldest",
    cursor: str | None = None,
    limit: int = 50,
) -> Page:
    """What came to `member`, each with its message, sender and all recipients' copies loaded.

    Oldest first, so a page ends with its newest; `order="newest"` turns both round. `next` goes on
    in the same direction. `q` looks for words as `search` does, and in the thread's subject too. An
    unknown kind or a bad cursor is Invalid; an unknown sender has sent nothing.
    """
    if not (kind or sender or q):
        prepared = _plain(unread, archived, noise, order, _sane(limit))
        return _whole_page(prepared.objects(member.pk, _start(order, cursor)), limit)
    found = _copies(unread=unread, archived=archived, noise=noise).filter(recipient=member)
    if kind:
        found = found.filter(message__kind=parse_kind(kind))
    if sender:
        found = found.filter(message__sender__in=_named(member.team_id, sender))
    if q:
        found = found.filter(_says(member, q, TITLE, path="message__"))
    return _page(found, order, cursor, limit)


def _copies(*, unread: bool, archived: bool = False, noise: bool = True) -> QuerySet[Delivery]:
    found = Delivery.objects.filter(archived_at__isnull=not archived)
    if unread:
        found = found.filter(read_at=None)
    return found if noise else found.filter(noise=False)


@cache
def _plain(
    unread: bool, archived: bool, noise: bool, order: Order, limit: int
) -> Prepared[Delivery]:
    """The page that agents ask for again and again, of one recipient, from a place on."""
    found = _copies(unread=unread, archived=archived, noise=noise)
    return Prepared(
        Delivery, lambda _: _ordered(_shown(found.filter(recipient=NUMBER)), order, OTHER, limit)
    )


def came_to(
    user: User,
    *,
    unread: bool = False,
    why: str | None = None,
    noise: bool = True,
    cursor: str | None = None,
    limit: int = 50,
) -> Page:
    """What came to a person in all their teams, newest first, each with its team."""
    seats = Member.objects.filter(user=user, left_at=None).values_list("pk", flat=True)
    found = _copies(unread=unread, noise=noise).filter(recipient__in=list(seats))
    if why:
        found = found.filter(why=why)
    return _page(found.select_related("message__team", "recipient"), "newest", cursor, limit)


def _counting(seats: Any, *, noise: bool) -> Prepared[Delivery]:
    """How many messages these recipients have not read: one row, or none."""
    copies = _copies(unread=True, noise=noise).filter(recipient__in=seats).order_by()
    counted = copies.values(one=Value(1)).annotate(number=Count("pk")).values_list("number")
    return Prepared(Delivery, lambda _: counted)


UNREAD = {noise: _counting([NUMBER], noise=noise) for noise in (False, True)}
UNREAD_OF_USER = _counting(Member.objects.filter(user=NUMBER, left_at=None), noise=False)


def unread_count(member: Member, *, noise: bool = False) -> int:
    """How many messages `member` has not read; idle chatter counts only when asked for."""
    return sum(count for (count,) in UNREAD[noise].rows(member.pk))


def unread_for_user(user: User) -> int:
    """How many messages a person has not read in all their teams, without idle chatter."""
    return sum(count for (count,) in UNREAD_OF_USER.rows(user.pk))


def get(member: Member, number: int) -> Message:
    """One message of the member's team with everything that is shown of it; else NotFound."""
    message: Message = _with_parts(Message.objects.visible_to(member)).numbered(number)
    return message


def whole(member: Member, message: Message) -> Message:
    """The message with everything that is shown of it; one that was just posted has that."""
    return get(member, message.pk) if message.posted is None else message


def thread(
    member: Member,
    number: int,
    *,
    order: Order = "oldest",
    cursor: str | None = None,
    limit: int = MOST,
) -> Listing:
    """The conversation that message `number` belongs to, from its first message on."""
    root = Message.objects.visible_to(member).numbered(number).root
    return _listing(Message.objects.visible_to(member).in_thread(root), order, cursor, limit)


def search(member: Member, q: str, *, cursor: str | None = None, limit: int = 50) -> Listing:
    """Messages of the whole team that have all words of `q`, newest first.

    Each word is in the subject, the text or the sender's name; a “quoted phrase” counts as one.
    """
    found = Message.objects.visible_to(member).filter(_says(member, q))
    return _listing(found, "newest", cursor, limit)


def sent(member: Member, *, q: str = "", cursor: str | None = None, limit: int = 50) -> Listing:
    """What `member` sent, newest first, with how far each copy has come."""
    found = Message.objects.filter(sender=member)
    return _listing(found.filter(_says(member, q, TITLE)) if q else found, "newest", cursor, limit)


def of_team(
    member: Member,
    *,
    about: str | None = None,
    q: str = "",
    cursor: str | None = None,
    limit: int = 50,
) -> Listing:
    """What anybody of the team said, newest first; `about` keeps one member's letters."""
    found = Message.objects.visible_to(member)
    if about:
        seats = _named(member.team_id, about)
        found = found.filter(
            Q(sender__in=seats)
            | Q(pk__in=Delivery.objects.filter(recipient__in=seats).values("message"))
        )
    return _listing(found.filter(_says(member, q)) if q else found, "newest", cursor, limit)


class Step(NamedTuple):
    """How far one recipient's copy has come, and since when."""

    to: str
    role: str
    step: str
    at: datetime
    seconds: int
    copy: Delivery


def deliveries(message: Message, now: datetime | None = None) -> list[Step]:
    """Per recipient how far the message has come, with its age in seconds at that step."""
    now = now or timezone.now()
    steps = []
    copies = message.deliveries.all() if message.posted is None else message.posted
    for copy in copies:
        at = copy.since(message.sent_at)
        age = max(0, int((now - at).total_seconds()))
        steps.append(Step(copy.recipient.name, copy.role, copy.step.value, at, age, copy))
    return steps


def _says(member: Member, q: str, *fields: str, path: str = "") -> Q:
    """Every word of `q` is in the text, the subject, the sender's name, or one of `fields`."""
    found = Q()
    for word in words(q):
        named = Member.objects.filter(contains("name", word), team_id=member.team_id)
        places = [contains(path + field, word) for field in ("body", "subject", *fields)]
        found &= reduce(or_, places) | Q(**{f"{path}sender__in": named})
    return found


def _named(team_id: int, name: str) -> QuerySet[Member]:
    return Member.objects.filter(team_id=team_id, key=fold(name.strip().removeprefix("@")))


def _page(found: QuerySet[Delivery], order: Order, cursor: str | None, limit: int) -> Page:
    found = _ordered(_shown(found), order, _start(order, cursor), _sane(limit))
    return _whole_page(list(found), limit)


def _whole_page(copies: list[Delivery], limit: int) -> Page:
    page = Page(*_cut(copies, limit))
    prefetch_related_objects(page.items, *_parts("message__"))
    for copy in page.items:  # one of its message's copies, and not another object of the same row
        others = copy.message.deliveries.all()
        copy.recipient = next(other.recipient for other in others if other.pk == copy.pk)
        copy.message.posted = [copy if other.pk == copy.pk else other for other in others]
    return page


def _shown(found: QuerySet[Delivery]) -> QuerySet[Delivery]:
    copies = found.select_related("message__sender").defer(*_unseen("message__"))
    return copies.annotate(topic=F("message__thread__subject"))


def _listing(found: QuerySet[Message], order: Order, cursor: str | None, limit: int) -> Listing:
    found = _ordered(_with_parts(found), order, _start(order, cursor), _sane(limit))
    return Listing(*_cut(list(found), limit))


def _with_parts(found: QuerySet[Message]) -> Any:
    messages = found.select_related("sender").defer(*_unseen(""))
    messages = messages.annotate(topic=F("thread__subject"))
    return messages.prefetch_related(*_parts(""))


def _unseen(path: str) -> list[str]:
    """Columns that no list of messages shows, and that can be long."""
    return [f"{path}native", *(f"{path}sender__{name}" for name in UNSEEN_OF_MEMBER)]


def _parts(path: str) -> Iterable[Prefetch[Any]]:
    copies = Delivery.objects.select_related("recipient").order_by("pk")
    copies = copies.defer(*(f"recipient__{name}" for name in UNSEEN_OF_MEMBER))
    yield Prefetch(f"{path}deliveries", copies)
    yield Prefetch(f"{path}artifacts", Artifact.objects.filter(deleted_at=None))


def _sane(limit: int) -> int:
    if not 1 <= limit <= MOST:
        raise Invalid(fields={"limit": f"Choose from 1 to {MOST}."})
    return limit


def _start(order: Order, cursor: str | None) -> int:
    """The key after which a page begins."""
    if cursor:
        return place(cursor)
    return LARGEST_ID if order == "newest" else 0


def _ordered(found: QuerySet[Any], order: Order, after: int, limit: int) -> QuerySet[Any]:
    """The page's rows and one more, which tells whether there is a next page."""
    if order == "newest":
        return found.filter(pk__lt=after).order_by("-pk")[: limit + 1]
    return found.filter(pk__gt=after).order_by("pk")[: limit + 1]


def _cut(items: list[Any], limit: int) -> tuple[list[Any], str | None]:
    more = len(items) > limit
    return items[:limit], str(items[limit - 1].pk) if more else None
