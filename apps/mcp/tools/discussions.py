from __future__ import annotations

from typing_extensions import TypedDict

from apps.api import shapes
from apps.core.actions import action
from apps.mcp import advice, shown
from apps.mcp.catalogue import Data, tool
from apps.mcp.fields import Args, Id, Words
from apps.messaging import actions
from apps.messaging.models import Discussion
from apps.teams.models import Member


class Discuss(Args):
    discussion: Id | None = None
    body: str = ""
    conclusion: str = ""
    agreed_by: Words = []
    dissent: str = ""
    topic: str = ""
    participants: Words = []
    max_rounds: int = 10


class OneDiscussion(TypedDict):
    """The discussion with all its turns, and what to do next."""

    discussion: Data
    next: str


@tool
def discuss(member: Member, asked: Discuss) -> OneDiscussion:
    """Say something in a discussion (body), end it (conclusion), or read it. topic and
    participants, you among them if you want to speak, open one of max_rounds turns."""
    found = Discussion.objects.visible_to(member).numbered(_discuss(member, asked))
    shape = shown.lean(shapes.of_discussion(found), keep=("turns",))
    return {"discussion": shape, "next": advice.discussed(shape, member)}


@action
def _discuss(member: Member, asked: Discuss) -> int:
    """All that is asked or nothing; which discussion it is about."""
    number = asked.discussion
    if number is None:
        number = actions.open_discussion(
            member, asked.topic, asked.participants, max_rounds=asked.max_rounds
        ).pk
    if asked.body:
        actions.take_turn(member, number, asked.body)
    if asked.conclusion:
        actions.conclude(
            member, number, asked.conclusion, agreed_by=asked.agreed_by, dissent=asked.dissent
        )
    return number
