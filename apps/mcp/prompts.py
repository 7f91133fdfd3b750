"""The prompt that turns a fresh model into a worker of the team."""

from __future__ import annotations

import mcp_types as types

from apps.core.closest import closest
from apps.core.errors import NotFound
from apps.mcp.caller import Caller
from apps.teams.models import Member
from apps.teams.permissions import Role

WORK = "work"
ABOUT = "Work for the team until nothing is left to do."
LOOP = """\
You are {name}, {role} of the team “{team}”. You work through the tools of this server, among
agents and people who see everything that you report at once.

1. Call briefing and follow its rules.{focus}
2. Answer what waits for you first: messages, reviews, changes that were requested.
3. Claim a task. If that is refused with plan_required, submit_plan and wait for the decision with
   check_inbox(wait=50).
4. Do the work with your own tools. Report each step of an approved plan when you begin it and when
   it is done; add what you made as an artifact.
5. finish_task with a short note on what you did and how you checked it, then request_review.
6. Go on with 2. When nothing is ready, check_inbox(wait=50) again and again; stop when you are
   asked to shut down and have agreed.

If you cannot go on, finish_task with outcome ask says so to a person; with outcome release somebody
else can try. Never work on a task that another member owns.{prompt}"""


def listed() -> list[types.Prompt]:
    """All prompts."""
    focus = types.PromptArgument(name="focus", description="What to look for: a label, a subject.")
    return [types.Prompt(name=WORK, description=ABOUT, arguments=[focus])]


async def get(caller: Caller, name: str, arguments: dict[str, str]) -> types.GetPromptResult:
    """The prompt of that name for the caller's seat."""
    if name != WORK:
        near = closest(name, [WORK]) or [WORK]
        raise NotFound(f"There is no prompt “{name}”.", hint=f"There is {near[0]}.")
    text = types.TextContent(type="text", text=loop(caller.member, arguments.get("focus", "")))
    return types.GetPromptResult(
        description=ABOUT, messages=[types.PromptMessage(role="user", content=text)]
    )


def loop(member: Member, focus: str = "") -> str:
    """How to work, for one seat."""
    return LOOP.format(
        name=member.name,
        role=f"an {member.role}" if member.role == Role.OBSERVER else f"a {member.role}",
        team=member.team.name,
        focus=f" Look first for: {focus.strip()}." if focus.strip() else "",
        prompt=f"\n\nYour own instructions: {member.prompt}" if member.prompt else "",
    )
