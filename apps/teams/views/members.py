from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from apps.core.errors import NotFound
from apps.teams.actions import (
    add_member,
    change_member,
    create_token,
    end_seat,
    return_seat,
    revoke_token,
)
from apps.teams.forms import AgentForm, InvitationForm, SeatForm, TokenForm
from apps.teams.models import Member
from apps.teams.permissions import Permission
from apps.teams.web import seated


@seated
def members(request: HttpRequest, member: Member) -> HttpResponse:
    """Who sits in the team; leaders add agents and invite people."""
    if request.method != "POST":
        return members_page(request, member)
    form = AgentForm(request.POST)
    agent = form.submit(add_member, member)
    if agent is None:
        return members_page(request, member, agent_form=form)
    messages.success(request, f"{agent.name} has a seat. Give it a token to connect.")
    return redirect("member", member.team.address, agent.pk)


def members_page(request: HttpRequest, member: Member, **forms: Any) -> HttpResponse:
    """The roster with the forms as they are; `secret` is a fresh invitation's, shown once."""
    seats = list(member.team.members.exclude(kind=Member.Kind.SYSTEM))
    leads = member.can("manage_team")
    context = {
        "team": member.team,
        "member": member,
        "seated": [seat for seat in seats if seat.left_at is None],
        "ended": [seat for seat in seats if seat.left_at is not None],
        "may_edit": leads and member.team.allows("members"),
        "invitations": member.team.invitations.select_related("created_by") if leads else [],
        "agent_form": AgentForm(initial={"plan_mode_required": member.team.require_plan_approval}),
        "invitation_form": InvitationForm(),
        **forms,
    }
    status = max(context["agent_form"].status, context["invitation_form"].status)
    return render(request, "teams/members.html", context, status=status)


@seated
def member(request: HttpRequest, member: Member, seat: int) -> HttpResponse:
    """One seat: who it is and what it may do; leaders change it."""
    found = seat_at(member, seat)
    form = SeatForm(request.POST if request.method == "POST" else None, member=found)
    if form.is_bound and form.submit(change_member, member, found.name) is not None:
        messages.success(request, "Saved.")
        return redirect("member", member.team.address, seat)
    return seat_page(request, member, found, form=form)


def seat_at(member: Member, number: int) -> Member:
    """The seat of the member's team with that number; else NotFound."""
    seats = member.team.members.exclude(kind=Member.Kind.SYSTEM)
    found = seats.select_related("user").filter(pk=number).first()
    if found is None:
        raise NotFound("The team has no such member.", code="member_not_found")
    found.team = member.team
    return found


def seat_page(request: HttpRequest, member: Member, seat: Member, **more: Any) -> HttpResponse:
    """The seat with the forms as they are; `secret` is a fresh token's, shown once."""
    open_team = member.team.allows("members")
    own, leads = seat.pk == member.pk, member.can("manage_team")
    holds = own or (leads and seat.kind == Member.Kind.AGENT)
    context = {
        "team": member.team,
        "member": member,
        "seat": seat,
        "may_edit": leads and open_team and seat.left_at is None,
        "may_return": leads and open_team and seat.left_at is not None,
        "may_token": holds and open_team and seat.left_at is None,
        "tokens": seat.tokens.select_related("created_by") if holds or leads else None,
        "rights": [(p.label, p.value in seat.permissions) for p in Permission],
        "form": SeatForm(member=seat),
        "token_form": TokenForm(),
        **more,
    }
    status = max(context["form"].status, context["token_form"].status)
    return render(request, "teams/member.html", context, status=status)


@require_POST
@seated
def member_end(request: HttpRequest, member: Member, seat: int) -> HttpResponse:
    """End a seat; its history stays."""
    ended = end_seat(member, seat_at(member, seat).name)
    messages.success(request, f"The seat of {ended.name} has ended.")
    return redirect("members", member.team.address)


@require_POST
@seated
def member_return(request: HttpRequest, member: Member, seat: int) -> HttpResponse:
    """Give an ended seat back."""
    back = return_seat(member, seat_at(member, seat).name)
    messages.success(request, f"{back.name} is back.")
    return redirect("members", member.team.address)


@never_cache
@require_POST
@seated
def token_create(request: HttpRequest, member: Member, seat: int) -> HttpResponse:
    """Make a token and show it, this once."""
    found = seat_at(member, seat)
    form = TokenForm(request.POST)
    made = form.submit(create_token, member, found.name)
    if made is None:
        return seat_page(request, member, found, token_form=form)
    return seat_page(request, member, found, secret=made[1])


@require_POST
@seated
def token_revoke(request: HttpRequest, member: Member, seat: int, token: int) -> HttpResponse:
    """Revoke a token."""
    revoke_token(member, token)
    return redirect("member", member.team.address, seat)
