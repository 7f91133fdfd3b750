from __future__ import annotations

from typing import Any

from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.messaging import actions
from apps.messaging.boxes import BOXES
from apps.messaging.forms import Conclude, Open, Say
from apps.messaging.letters import references
from apps.messaging.models import Discussion
from apps.messaging.roster import Roster
from apps.messaging.views.inbox import may_send
from apps.teams.models import Member
from apps.teams.web import back, cleaned, seated

MOST = 100


@require_http_methods(["GET", "HEAD", "POST"])
@seated
def discussions(request: HttpRequest, member: Member) -> HttpResponse:
    """The team's discussions, open ones first, and a form for a new one."""
    initial = {"thread": request.GET.get("thread", ""), "task": request.GET.get("task", ""),
               "topic": request.GET.get("topic", ""), "max_rounds": 10,
               "participants": request.GET.get("with", "")}  # fmt: skip
    form = Open(request.POST or None, initial=initial)
    opened = form.submit(actions.open_discussion, member) if form.is_bound else None
    if opened is not None:
        return redirect("discussion", member.team.address, opened.pk)
    found = Discussion.objects.visible_to(member).select_related("opened_by")
    rows = list(found.prefetch_related("participants").annotate(taken=Count("turns"))[:MOST])
    context = {
        **_frame(member),
        "boxes": BOXES.items(),
        "open": [row for row in rows if row.is_open],
        "over": [row for row in rows if not row.is_open],
        "form": form,
    }
    return render(request, "messaging/discussions.html", context, status=form.status)


def _frame(member: Member) -> dict[str, Any]:
    roster = Roster(member.team)
    return {
        "member": member,
        "team": member.team,
        "cursor": member.team.seq,
        "people": list(member.team.members.seated()),
        "roster": roster.names,
        "references": references(member.team, roster),
        "may_send": may_send(member),
    }


@require_safe
@seated
def discussion(request: HttpRequest, member: Member, number: int) -> HttpResponse:
    """The transcript, what came out of it, and what the member may do about it."""
    return _shown(request, member, number, Conclude(auto_id="outcome-%s"))


def _shown(request: HttpRequest, member: Member, number: int, outcome: Conclude) -> HttpResponse:
    found = Discussion.objects.visible_to(member).select_related("artifact").numbered(number)
    participants = list(found.participants.all())
    takes_part = any(seat.pk == member.pk for seat in participants)
    turns = list(found.turns.select_related("member"))
    writes = member.team.allows("messages") and member.left_at is None
    context = {
        **_frame(member),
        "discussion": found,
        "turns": turns,
        "participants": participants,
        "left": max(0, found.max_rounds - len(turns)),
        "may_speak": writes and takes_part and found.state == "active"
        and len(turns) < found.max_rounds,
        "may_conclude": writes and found.is_open
        and (takes_part or found.opened_by_id == member.pk),
        "may_cancel": writes and found.is_open
        and (takes_part or found.opened_by_id == member.pk or member.can("manage_team")),
        "say": Say(auto_id="say-%s"),
        "outcome": outcome,
    }  # fmt: skip
    part = "messaging/discussion.html#talk" if _is_part(request) else "messaging/discussion.html"
    return render(request, part, context, status=outcome.status)


def _is_part(request: HttpRequest) -> bool:
    return bool(request.htmx.target == "talk")  # type: ignore[attr-defined]


@require_POST
@seated
def discussion_turn(request: HttpRequest, member: Member, number: int) -> HttpResponse:
    """Say something."""
    actions.take_turn(member, number, cleaned(Say(request.POST))["body"])
    return back(request, "discussion", member.team.address, number)


@require_http_methods(["GET", "HEAD", "POST"])
@seated
def discussion_conclude(request: HttpRequest, member: Member, number: int) -> HttpResponse:
    """End it with what came out of it; a refused page that is loaded anew is the discussion's."""
    if request.method != "POST":
        return redirect("discussion", member.team.address, number)
    outcome = Conclude(request.POST, auto_id="outcome-%s")
    if outcome.submit(actions.conclude, member, number) is None:
        return _shown(request, member, number, outcome)
    return back(request, "discussion", member.team.address, number)


@require_POST
@seated
def discussion_cancel(request: HttpRequest, member: Member, number: int) -> HttpResponse:
    """End it without an outcome."""
    actions.cancel(member, number)
    return back(request, "discussion", member.team.address, number)
