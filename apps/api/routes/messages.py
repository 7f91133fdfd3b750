from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from ninja import Query

from apps.api import paging, schemas, shapes
from apps.api.answers import nothing_yet, reply
from apps.api.door import Call
from apps.api.fields import Id, PageQuery
from apps.api.idempotency import write
from apps.api.section import Section
from apps.messaging import actions, inbox
from apps.messaging.models import Discussion
from apps.teams.models import Member

messages = Section("Messages")
discussions = Section("Discussions")


@messages.get("/inbox", schemas.Inbox)
def get_inbox(request: Call, query: Query[schemas.InboxQuery]) -> HttpResponse:
    """What came to you, newest last. With `wait` it answers once something unread is there."""
    member = request.auth
    unread = bool(query.wait) if query.unread is None else query.unread
    found = inbox.inbox(
        member, unread=unread, kind=query.kind, sender=query.sender, q=query.q,
        archived=query.archived, noise=query.noise, cursor=query.cursor, limit=query.limit,
    )  # fmt: skip
    actions.deliver(member, found.items)
    items = [shapes.of_message(message, member) for message in found.messages]
    answer = reply({"items": items, "next": found.next, "unread": inbox.unread_count(member)})
    return nothing_yet(answer) if query.wait and not items else answer


@messages.post("/messages", schemas.Message, status=201)
def send_message(request: Call, body: schemas.NewMessage) -> HttpResponse:
    """Send to members by name, to whom the text mentions, or to all: `broadcast`."""
    return write(
        request,
        lambda actor: actions.send_message(actor, **body.given()),
        lambda message: shapes.of_message(inbox.whole(request.auth, message), request.auth),
        status=201,
    )


def message_as_dict(member: Member, message_id: int) -> dict[str, Any]:
    """A message as data, or NotFound."""
    return shapes.of_message(inbox.get(member, message_id), member)


@messages.get("/messages", schemas.MessagePage)
def list_messages(request: Call, query: Query[schemas.MessagesQuery]) -> HttpResponse:
    """What anybody in the team said, newest first; with `q` what has all these words."""
    member, q, about = request.auth, (query.q or "").strip(), query.about
    if query.sent:
        found = inbox.sent(member, q=q, cursor=query.cursor, limit=query.limit)
    else:
        found = inbox.of_team(member, about=about, q=q, cursor=query.cursor, limit=query.limit)
    return _listed(member, found)


@messages.get("/messages/{int:message_id}", schemas.Message)
def get_message(request: Call, message_id: Id) -> HttpResponse:
    """One message with how far each copy has come."""
    return reply(message_as_dict(request.auth, message_id))


@messages.post("/messages/{int:message_id}/read", schemas.Counted)
def mark_read(request: Call, message_id: Id) -> HttpResponse:
    """Mark a message as read. One that never came to you: nothing happens."""
    return write(
        request,
        lambda actor: actions.mark_read(actor, message_id),
        lambda read: {"count": len(read)},
    )


@messages.post("/inbox/read-all", schemas.Counted)
def mark_all_read(request: Call, body: schemas.ReadUpTo | None = None) -> HttpResponse:
    """Mark everything in your inbox as read, or all up to a message."""
    upto = body.upto if body else None
    return write(
        request,
        lambda actor: actions.mark_all_read(actor, upto=upto),
        lambda count: {"count": count},
    )


@messages.post("/inbox/clear", schemas.Counted)
def clear_inbox(request: Call) -> HttpResponse:
    """Put away everything in your inbox; nothing is lost."""
    return write(request, actions.clear_inbox, lambda count: {"count": count})


@messages.get("/threads/{int:message_id}", schemas.MessagePage)
def get_thread(request: Call, message_id: Id, query: Query[PageQuery]) -> HttpResponse:
    """The conversation that a message belongs to, from its first message on."""
    member = request.auth
    return _listed(member, inbox.thread(member, message_id, cursor=query.cursor, limit=query.limit))


def _listed(member: Member, found: inbox.Listing) -> HttpResponse:
    items = [shapes.of_message(message, member) for message in found.items]
    return reply({"items": items, "next": found.next})


def _whole(member: Member, discussion_id: int) -> dict[str, Any]:
    found = Discussion.objects.visible_to(member).select_related("opened_by")
    return shapes.of_discussion(found.numbered(discussion_id))


@discussions.get("/discussions", schemas.DiscussionPage)
def list_discussions(request: Call, query: Query[PageQuery]) -> HttpResponse:
    """Discussions of the team, newest first."""
    found = Discussion.objects.visible_to(request.auth).select_related("opened_by")
    whole = found.prefetch_related("participants", "turns__member")
    rows, more = paging.cut(whole, query, newest=True)
    last = rows[-1].pk if more else None
    return reply(paging.page([shapes.of_discussion(row) for row in rows], last))


@discussions.post("/discussions", schemas.Discussion, status=201)
def open_discussion(request: Call, body: schemas.NewDiscussion) -> HttpResponse:
    """Begin a bounded conversation of some members."""
    values = body.given()
    return write(
        request,
        lambda actor: actions.open_discussion(actor, **values),
        lambda opened: _whole(request.auth, opened.pk),
        status=201,
    )


@discussions.get("/discussions/{int:discussion_id}", schemas.Discussion)
def get_discussion(request: Call, discussion_id: Id) -> HttpResponse:
    """A discussion with its transcript."""
    return reply(_whole(request.auth, discussion_id))


@discussions.post("/discussions/{int:discussion_id}/turn", schemas.Discussion)
def take_turn(request: Call, discussion_id: Id, body: schemas.NewTurn) -> HttpResponse:
    """Say something in a discussion you take part in."""
    return write(
        request,
        lambda actor: actions.take_turn(actor, discussion_id, body.body),
        lambda _: _whole(request.auth, discussion_id),
    )


@discussions.post("/discussions/{int:discussion_id}/conclude", schemas.Discussion)
def conclude(request: Call, discussion_id: Id, body: schemas.Conclusion) -> HttpResponse:
    """End a discussion with what came out of it."""
    return write(
        request,
        lambda actor: actions.conclude(
            actor, discussion_id, body.conclusion, agreed_by=body.agreed_by, dissent=body.dissent
        ),
        lambda _: _whole(request.auth, discussion_id),
    )


@discussions.post("/discussions/{int:discussion_id}/cancel", schemas.Discussion)
def cancel_discussion(request: Call, discussion_id: Id) -> HttpResponse:
    """End a discussion without an outcome."""
    return write(
        request,
        lambda actor: actions.cancel(actor, discussion_id),
        lambda _: _whole(request.auth, discussion_id),
    )
