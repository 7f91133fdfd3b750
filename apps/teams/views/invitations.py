from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from apps.teams.actions import create_invitation, revoke_invitation
from apps.teams.forms import InvitationForm
from apps.teams.models import Member
from apps.teams.views.members import members_page
from apps.teams.web import seated


@never_cache
@require_POST
@seated
def invitation_create(request: HttpRequest, member: Member) -> HttpResponse:
    """Make an invitation and show its link, this once."""
    form = InvitationForm(request.POST)
    made = form.submit(create_invitation, member)
    if made is None:
        return members_page(request, member, invitation_form=form)
    path = reverse("join", args=[made[1]])
    base = settings.PUBLIC_URL or request.build_absolute_uri("/")
    return members_page(request, member, link=base.rstrip("/") + path)


@require_POST
@seated
def invitation_revoke(request: HttpRequest, member: Member, invitation: int) -> HttpResponse:
    """Withdraw an invitation."""
    revoke_invitation(member, invitation)
    return redirect("members", member.team.address)
