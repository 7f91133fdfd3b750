"""One suggestion: what a member had best do now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from apps.reviews.models import Plan
from apps.reviews.models.plan import PlanState
from apps.teams.lifecycle import Allows
from apps.teams.models import Member


class Line(NamedTuple):
    """Something in one line; `mark` tells apart what the text says for people."""

    id: int
    text: str
    mark: str = ""
    plan: Plan | None = None


Lines = Sequence[Line]
IDLE = ("wait_for_events", "start_session")
# What settles a lead's care: the tool, a verb, and the address.
CARE = {
    "stalled": ("release_task", "release", "release"),
    "conflict": ("resolve_conflict", "resolve", "resolve-conflict"),
    "replace": ("replace_reviewer", "find another reviewer for", "replace-reviewer"),
}


class Step(NamedTuple):
    """What to do, by the name of the tool that does it, why, and where: `path` under the team's.

    `task`, `plan` and `message` are what it is about.
    """

    action: str
    why: str
    path: str
    method: str = "POST"
    task: int | None = None
    plan: Plan | None = None
    message: int | None = None

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to do but wait, or stop."""
        return self.action in IDLE

    def as_dict(self, slug: str) -> dict[str, Any]:
        """As data, with the call for those who use REST."""
        call = f"{self.method} /api/v1/teams/{slug}{self.path}"
        return {"action": self.action, "why": self.why, "task": self.task, "call": call}


def next_step(member: Member, found: Mapping[str, Lines], shutdown: int | None) -> Step:
    """The first of these that applies: answer, read, decide, go on, begin, wait."""
    return (
        _shut_down(member)
        or _shutdown(shutdown)
        or _unread(found["unread"])
        or _for_others(member, found)
        or _own_work(member, found)
        or Step(
            "wait_for_events",
            _waiting(member, found),
            "/briefing?wait=60",
            method="GET",
        )
    )


def _shut_down(member: Member) -> Step | None:
    if member.terminated_at is None:
        return None
    why = "you have shut down: stop here. If this is a new run of yours, begin a session."
    return Step("start_session", why, "/sessions")


def _shutdown(message: int | None) -> Step | None:
    if message is None:
        return None
    why = (
        f"You are asked to shut down (message {message}): answer it with a message of kind"
        " shutdown_approved or shutdown_rejected."
    )
    return Step("send_message", why, "/messages", message=message)


def _unread(unread: Lines) -> Step | None:
    if not unread:
        return None
    why = "read your messages; they may change what you should do."
    return Step("check_inbox", why, "/inbox?unread=true", method="GET")


def _for_others(member: Member, found: Mapping[str, Lines]) -> Step | None:
    team = member.team
    if not team.allows(Allows.DECISIONS):
        return None
    for pk, line, _, plan in found["plans"][:1]:
        why = f"decide {line}; its author waits."
        return Step("decide_plan", why, f"/plans/{pk}/decide", plan=plan)
    for number, line, *_ in found["questions"][:1]:
        why = f"answer the question of {line}"
        return Step("update_task", why, f"/tasks/{number}/answer", task=number)
    for number, line, *_ in found["reviews"][:1]:
        why = f"review {line}: approve it, or request changes."
        return Step("review_task", why, f"/tasks/{number}/approve", task=number)
    for number, line, kind, _ in found["care"][:1]:
        tool, verb, path = CARE[kind]
        return Step(tool, f"{verb} {line}", f"/tasks/{number}/{path}", task=number)
    return None


def _own_work(member: Member, found: Mapping[str, Lines]) -> Step | None:
    if not member.team.allows(Allows.WORK):
        return None
    for number, line, mark, _ in found["running"]:
        if mark != "work":
            continue
        why = f"go on with {line}; complete it when it is done."
        return Step("finish_task", why, f"/tasks/{number}/complete", task=number)
    for pk, line, mark, plan in found["my_plans"]:
        if mark == PlanState.REJECTED:
            why = f"revise what was rejected: {line}"
            return Step("submit_plan", why, f"/plans/{pk}/revise", plan=plan)
    for number, line, mark, _ in found["ready"]:
        if mark == "submit_plan":
            return Step("submit_plan", f"submit a plan for {line}.", "/plans", task=number)
        if mark in ("start", "fix"):
            return Step("claim_task", f"claim {line}.", f"/tasks/{number}/claim", task=number)
    return None


def _waiting(member: Member, found: Mapping[str, Lines]) -> str:
    team = member.team
    if team.state == team.State.FORMING:
        return "wait: the team is forming, no work goes on until a leader activates it."
    if not team.allows(Allows.WORK):
        return f"wait: the team is {team.state}, no work goes on now."
    if found["my_plans"]:
        return "wait for the decision on your plan."
    if found["running"]:
        return "wait for the answer to your question."
    return "wait for news: nothing waits for you now."
