from __future__ import annotations

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from apps.api import shapes
from apps.mcp import advice, shown
from apps.mcp.caller import Caller
from apps.mcp.catalogue import Data, tool
from apps.mcp.fields import Args, Id, Ids, Limit, Numbers, Object, Wait, Words
from apps.messaging import actions, inbox
from apps.teams.interest import Interest
from apps.teams.models import Member


class SendMessage(Args):
    to: Annotated[Words, Field(description="Members by name.")] = []
    body: str = ""
    subject: str = ""
    cc: Words = []
    broadcast: Annotated[bool, Field(description="To everyone, instead of to.")] = False
    reply_to: Annotated[Id | None, Field(description="Message id; to may be left out.")] = None
    message_id: str = ""
    kind: str = "message"
    payload: Object | None = None
    tasks: Numbers = []
    artifacts: Ids = []


class SentMessage(TypedDict):
    """The message as it was sent, and what to do next."""

    message: Data
    next: str


@tool
def send_message(member: Member, asked: SendMessage) -> SentMessage:
    """Write to members. Prefer comment for what belongs to a task. With a message_id of yours it
    is sent once, however often you call."""
    sent = actions.send_message(member, **asked.given())
    told = shown.sent(shapes.of_message(inbox.whole(member, sent), member))
    return {"message": told, "next": advice.sent(sent.kind)}


class CheckInbox(Args):
    wait: Wait = 0
    unread: Annotated[bool, Field(description="false: read ones too.")] = True
    kind: str | None = None
    sender: Annotated[str | None, Field(alias="from")] = None
    keep_unread: bool = False
    limit: Limit = 20
    cursor: str | None = None


class Inbox(TypedDict):
    """Messages, the oldest first; `unread` counts what is left."""

    messages: list[Data]
    unread: int
    cursor: str | None
    next: str


@tool
async def check_inbox(caller: Caller, asked: CheckInbox) -> Inbox:
    """Read what came to you; it counts as read then. With wait it returns as soon as something
    arrives, or empty: repeat it instead of polling."""
    me = caller.member
    return await caller.until(
        lambda member: _read(member, asked),
        enough=lambda inbox: bool(inbox["messages"]),
        seconds=asked.wait,
        interest=Interest(me.team_id, me.name, "inbox"),
    )


def _read(member: Member, asked: CheckInbox) -> Inbox:
    page = inbox.inbox(
        member, unread=asked.unread, kind=asked.kind, sender=asked.sender, limit=asked.limit,
        cursor=asked.cursor,
    )  # fmt: skip
    messages = [shown.message(shapes.of_message(message, member)) for message in page.messages]
    if asked.keep_unread:
        actions.deliver(member, page.items)
    elif fresh := [copy.message_id for copy in page.items if copy.read_at is None]:
        actions.mark_read(member, fresh)
    return {
        "messages": messages,
        "unread": inbox.unread_count(member),
        "cursor": page.next,
        "next": advice.read(messages),
    }
