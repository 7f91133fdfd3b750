from __future__ import annotations

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from apps.api import shapes
from apps.api.briefing import brief
from apps.mcp import advice, shown
from apps.mcp.caller import VIA, Caller
from apps.mcp.catalogue import Data, reader, tool
from apps.mcp.fields import Args, Limit, Seq, Wait, Words
from apps.teams import events
from apps.teams.actions import start_session
from apps.teams.interest import Interest
from apps.teams.models import Member
from apps.teams.sentences import kinds_named


class AskBriefing(Args):
    wait: Wait = 0


class Briefed(TypedDict):
    """The briefing as one text; `seq` is where wait_for_events goes on."""

    text: str
    seq: int
    next: str


@reader
async def briefing(caller: Caller, asked: AskBriefing) -> Briefed:
    """Call this first, and whenever you are unsure: who you are, the team's rules, your running
    and ready tasks, what waits for you, what changed since your last call, and one next step. With
    wait it returns once there is something to do."""
    me = caller.member
    told = await caller.until(
        lambda member: brief(member, peek=asked.wait > 0),
        enough=lambda told: not told.step.is_idle,
        seconds=asked.wait,
        interest=Interest(me.team_id, me.name, "briefing"),
    )
    data = told.data
    return {"text": data["text"], "seq": data["seq"], "next": advice.suggested(told.step)}


class Begin(Args):
    """Nothing more to say."""


class Begun(TypedDict):
    """What to do next."""

    next: str


@tool
def begin_run(member: Member, asked: Begin) -> Begun:
    """Say that a new run of you begins, where you had shut down."""
    start_session(member, backend=VIA)
    return {"next": advice.call("briefing")}


class AskEvents(Args):
    after: Annotated[Seq | None, Field(description="Leave out for what comes from now on.")] = None
    kinds: Annotated[Words, Field(description="As task.completed, or task for all of these.")] = []
    wait: Wait = 50
    limit: Limit = 50


class Events(TypedDict):
    """Lines of the journal in order, without gaps; `reload`: older ones are gone, call briefing."""

    events: list[Data]
    last: int
    reload: bool
    next: str


@reader
async def wait_for_events(caller: Caller, asked: AskEvents) -> Events:
    """Follow all that happens in the team: what came after a journal number; pass last as after
    to miss nothing. For messages to you alone check_inbox is quieter."""
    me = caller.member
    kinds = kinds_named(asked.kinds, "kinds")
    after = me.team.seq if asked.after is None else asked.after
    return await caller.until(
        lambda member: _follow(member, after, asked, kinds),
        enough=lambda found: bool(found["events"]) or found["reload"],
        seconds=asked.wait,
        interest=Interest(me.team_id, me.name, "events", frozenset(kinds)),
    )


def _follow(member: Member, after: int, asked: AskEvents, kinds: list[str]) -> Events:
    team, limit = member.team, asked.limit
    found = events.after(team, after, kinds=kinds, limit=limit + 1)
    items, more = found[:limit], len(found) > limit
    # Without a filter nothing was passed over; with one, all up to the head as it was before.
    head = max(after, team.seq) if kinds and not more else after
    last = max([head, *(event.seq for event in items[-1:])]) if not more else items[-1].seq
    same = {"kinds": asked.kinds} if asked.kinds else {}
    return {
        "events": [shown.lean(shapes.of_event(event), keep=("actor",)) for event in items],
        "last": last,
        "reload": after < events.floor(team),
        "next": advice.call("wait_for_events", after=last, **same),
    }
