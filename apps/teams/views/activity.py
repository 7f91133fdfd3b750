from __future__ import annotations

from typing import cast
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from apps.teams.journal import GROUPS, Page, read_everywhere, read_journal
from apps.teams.models import Member, Team, User
from apps.teams.web import seated


@seated
def activity(request: HttpRequest, member: Member) -> HttpResponse:
    """The journal in words, newest first, page by page."""
    asked = {name: request.GET.get(name, "") for name in ("member", "kind")}
    page = read_journal(member.team, before=request.GET.get("before", ""), **asked)
    seats = member.team.members.exclude(kind=Member.Kind.SYSTEM)
    more = {"team": member.team, "member": member, "seats": seats}
    return activity_page(request, page, asked, **more)


@login_required
def activity_all(request: HttpRequest) -> HttpResponse:
    """The journals of all my teams together."""
    asked = {"kind": request.GET.get("kind", "")}
    mine = Team.objects.visible_to(cast(User, request.user))
    page = read_everywhere(mine, before=request.GET.get("before", ""), **asked)
    return activity_page(request, page, asked)


def activity_page(
    request: HttpRequest, page: Page, asked: dict[str, str], **more: object
) -> HttpResponse:
    """The page with its filters and the way to older lines."""
    filters = {name: value for name, value in asked.items() if value}
    context = {
        "page": page,
        "older": urlencode({**filters, "before": page.next}) if page.next else "",
        "groups": GROUPS,
        "filters": filters,
        **more,
    }
    return render(request, "teams/activity.html", context)
