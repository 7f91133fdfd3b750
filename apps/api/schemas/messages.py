"""Messages and discussions."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from apps.api.fields import Id, Input, Number, PageQuery, Wait

__all__ = [
    "Conclusion",
    "Counted",
    "Delivery",
    "Discussion",
    "DiscussionPage",
    "Inbox",
    "InboxQuery",
    "Message",
    "MessagePage",
    "MessagesQuery",
    "NewDiscussion",
    "NewMessage",
    "NewTurn",
    "ReadUpTo",
    "Turn",
]


Names = Annotated[list[str], Field(max_length=1000)] | str


Sought = Annotated[
    str | None,
    Field(
        max_length=200,
        description="All of these words occur, in any order; a “quoted phrase” as it stands.",
    ),
]


class InboxQuery(PageQuery):
    """Which of your messages to list; with `wait`, unread ones unless `unread` says otherwise."""

    unread: bool | None = None
    kind: Annotated[str | None, Field(max_length=64)] = None
    sender: Annotated[str | None, Field(alias="from", max_length=128)] = None
    q: Sought = None
    archived: bool = False
    noise: Annotated[bool, Field(description="Idle chatter too.")] = True
    wait: Wait = 0


class MessagesQuery(PageQuery):
    """Which messages of the team to list: with these words, sent by you, or about a member."""

    q: Sought = None
    sent: bool = False
    about: Annotated[str | None, Field(max_length=128)] = None


class NewMessage(Input):
    """Text or a payload to members by name; `message_id` makes sending it twice safe."""

    to: Names = []
    cc: Names = []
    subject: str = ""
    body: str = ""
    kind: Annotated[str, Field(max_length=64)] = "message"
    payload: dict[str, Any] | None = None
    reply_to: Id | None = None
    broadcast: bool = False
    message_id: str = ""
    artifacts: Annotated[list[Id], Field(max_length=100)] = []
    tasks: Annotated[list[Number], Field(max_length=100)] = []

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"to": ["alice"], "body": "The parser is done, see #3."}]},
    )


class ReadUpTo(Input):
    """How far to mark the inbox as read."""

    upto: Id | None = None


class NewDiscussion(Input):
    """A bounded conversation."""

    topic: str
    participants: Annotated[list[str], Field(max_length=1000)]
    max_rounds: int = 10
    task: Number | None = None
    thread: Id | None = None


class NewTurn(Input):
    """What a participant says."""

    body: Annotated[str, Field(validation_alias=AliasChoices("body", "text"))]

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class Conclusion(Input):
    """What came out of a discussion."""

    conclusion: str
    agreed_by: Annotated[list[str], Field(max_length=1000)] = []
    dissent: str = ""


class Delivery(BaseModel):
    """How far one recipient's copy has come."""

    to: str
    role: str
    state: str
    age_seconds: int
    delivered_at: datetime | None
    via: str
    read_at: datetime | None
    answered_at: datetime | None


class Message(BaseModel):
    """A message as the caller sees it."""

    id: int
    message_id: str
    sender: str = Field(alias="from")
    to: list[str]
    cc: list[str]
    kind: str
    subject: str
    body: str
    summary: str
    payload: dict[str, Any] | None
    reply_to: int | None
    thread: int
    tasks: list[int]
    artifacts: list[int]
    sent_at: datetime
    read: bool
    archived: bool
    noise: bool
    why: str | None
    deliveries: list[Delivery]


class MessagePage(BaseModel):
    """Messages in order."""

    items: list[Message]
    next: str | None


class Inbox(MessagePage):
    """Messages, newest last, and how many are unread in all."""

    unread: int


class Counted(BaseModel):
    """How many it concerned."""

    count: int


class Turn(BaseModel):
    """One contribution to a discussion."""

    number: int
    sender: str = Field(alias="from")
    body: str
    at: datetime


class Discussion(BaseModel):
    """A bounded conversation with its transcript."""

    id: int
    topic: str
    task: int | None
    thread: int | None
    opened_by: str
    participants: list[str]
    max_rounds: int
    state: str
    turns: list[Turn]
    conclusion: str
    agreed_by: list[str]
    dissent: str
    artifact: int | None
    opened_at: datetime
    ended_at: datetime | None


class DiscussionPage(BaseModel):
    """Discussions, newest first."""

    items: list[Discussion]
    next: str | None
