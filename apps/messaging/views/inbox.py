from __future__ import annotations

from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from apps.core.text import as_number
from apps.messaging import actions
from apps.messaging.boxes import Wanted, everywhere, read
from apps.messaging.inbox import unread_count
from apps.messaging.models import Delivery
from apps.teams.access import seat_of
from apps.teams.models import Member, User
from apps.teams.web import back, seated


def listing(request: HttpRequest, member: Member) -> dict[str, Any]:
    """What the left side of an inbox shows; what came to `member` counts as handed over."""
    wanted = Wanted.parse(request.GET)
    page = read(member, wanted)
    if wanted.box in ("inbox", "archived"):
        actions.deliver(member, page.copies)
    return {
        "member": member,
        "team": member.team,
        "cursor": member.team.seq,
        "wanted": wanted,
        "page": page,
        "unread": unread_count(member),
        "may_send": may_send(member),
    }


def may_send(member: Member) -> bool:
    """Whether the pages offer a composer."""
    return member.can("send_messages") and member.team.allows("messages")


def whole(request: HttpRequest, context: dict[str, Any], status: int = 200) -> HttpResponse:
    """The whole page around a listing."""
    people = list(context["team"].members.seated())
    sender = context["wanted"].sender
    senders = list(dict.fromkeys([*(seat.name for seat in people), *([sender] if sender else [])]))
    context |= {"people": people, "senders": senders}
    return render(request, "messaging/inbox.html", context, status=status)


@require_safe
@seated
def inbox(request: HttpRequest, member: Member) -> HttpResponse:
    """What came, what I sent, what the team said; for htmx the list, more lines, or no letter."""
    target = request.htmx.target  # type: ignore[attr-defined]
    if target == "letter":
        context = {"member": member, "team": member.team}
        return render(request, "messaging/inbox.html#letter", context)
    context = listing(request, member)
    if target == "letters":
        return render(request, "messaging/inbox.html#listed", context | {"live": True})
    if target == "more-letters":
        return render(request, "messaging/inbox.html#lines", context)
    return whole(request, context)


@require_safe
@login_required
def inbox_all(request: HttpRequest) -> HttpResponse:
    """What came to me in all my teams."""
    wanted = Wanted.parse(request.GET)
    context = {"wanted": wanted, "page": everywhere(cast(User, request.user), wanted)}
    target = request.htmx.target  # type: ignore[attr-defined]
    if target == "letters":
        return render(request, "messaging/all.html#letters", context)
    if target == "more-letters":
        return render(request, "messaging/all.html#lines", context)
    context["writes"] = [seat.team for seat in _seats(request) if may_send(seat)]
    return render(request, "messaging/all.html", context)


def _seats(request: HttpRequest) -> QuerySet[Member]:
    seats = Member.objects.filter(user=cast(User, request.user), left_at=None)
    return seats.select_related("team").order_by("team__slug")


@require_POST
@login_required
def inbox_all_read(request: HttpRequest) -> HttpResponse:
    """Mark everything in all my teams as read, up to what the page showed."""
    upto = as_number(request.POST.get("upto", ""))
    unread = Delivery.objects.filter(archived_at=None, read_at=None)
    for seat in _seats(request).filter(pk__in=unread.values("recipient")):
        actions.mark_all_read(seat_of(request.user, seat.team.address), upto=upto)
    return back(request, "inbox_all")


@require_POST
@seated
def inbox_read_all(request: HttpRequest, member: Member) -> HttpResponse:
    """Mark everything as read, up to what the page showed."""
    actions.mark_all_read(member, upto=as_number(request.POST.get("upto", "")))
    return back(request, "inbox", member.team.address)


@require_POST
@seated
def inbox_clear(request: HttpRequest, member: Member) -> HttpResponse:
    """Put everything away."""
    actions.clear_inbox(member)
    return back(request, "inbox", member.team.address)
