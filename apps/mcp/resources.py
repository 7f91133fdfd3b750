"""The same things to read, for clients that attach them to a conversation."""

from __future__ import annotations

import re
from collections.abc import Callable

import mcp_types as types

from apps.api import boards, shapes
from apps.api.answers import dumps
from apps.api.cards import task_as_dict
from apps.core.errors import NotFound
from apps.mcp import shown
from apps.mcp.caller import Caller
from apps.messaging import inbox
from apps.teams.models import Member

JSON = "application/json"
MOST_CARDS, MOST_MESSAGES = 50, 50
TASK = re.compile(r"teams://tasks/(\d{1,9})")


def _team(member: Member) -> str:
    return dumps(shapes.of_team(member.team))


def _board(member: Member) -> str:
    return boards.board(member, MOST_CARDS)[0].decode()


def _inbox(member: Member) -> str:
    page = inbox.inbox(member, order="newest", limit=MOST_MESSAGES)
    return dumps([shown.message(shapes.of_message(message, member)) for message in page.messages])


FIXED: dict[str, tuple[str, str, Callable[[Member], str]]] = {
    "teams://team": ("team", "The team: state, rules, members, counts.", _team),
    "teams://board": ("board", "The five columns with their first cards.", _board),
    "teams://inbox": ("inbox", "Your messages, newest first; reading them here changes nothing.",
                      _inbox),
}  # fmt: skip


def fixed() -> list[types.Resource]:
    """Those at a fixed address."""
    return [
        types.Resource(uri=uri, name=name, description=about, mime_type=JSON)
        for uri, (name, about, _) in FIXED.items()
    ]


def templates() -> list[types.ResourceTemplate]:
    """Those with a number in their address."""
    about = "One task with everything it says."
    return [
        types.ResourceTemplate(
            uri_template="teams://tasks/{number}", name="task", description=about, mime_type=JSON
        )
    ]


async def read(caller: Caller, uri: str) -> str:
    """A resource as JSON; NotFound for an address that is none."""
    if uri in FIXED:
        return await caller.run(FIXED[uri][2])
    task = TASK.fullmatch(uri)
    if task is None:
        raise NotFound(
            f"There is no resource {uri}.", hint=f"There are {', '.join(FIXED)}, teams://tasks/<n>."
        )
    return await caller.run(lambda member: dumps(task_as_dict(member, int(task[1]))))
