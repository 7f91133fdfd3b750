from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from apps.teams.actions import change_team, create_team, end_seat, transition_team
from apps.teams.forms import COLUMNS, SettingsForm, TeamForm, TransitionForm, free_slug
from apps.teams.lifecycle import State
from apps.teams.models import Member, Team, User
from apps.teams.web import seated

OVER = (State.ARCHIVED, State.DISBANDED)


@login_required
def teams(request: HttpRequest) -> HttpResponse:
    """My teams: those at work first, what is over folded away."""
    seats = Prefetch("members", Member.objects.seated(), to_attr="roster")
    mine = Team.objects.visible_to(cast(User, request.user)).prefetch_related(seats)
    current = [team for team in mine if team.state not in OVER]
    over = [team for team in mine if team.state in OVER]
    return render(request, "teams/teams.html", {"current": current, "over": over})


@login_required
def team_new(request: HttpRequest) -> HttpResponse:
    """Found a team and lead it."""
    form = TeamForm(request.POST if request.method == "POST" else None)
    team = form.submit(create_team, request.user) if form.is_bound else None
    if team is not None:
        return redirect(team)
    name = request.GET.get("name", "").strip()
    context = {"form": form, "suggested": free_slug(name) if name else ""}
    return render(request, "teams/team_new.html", context, status=form.status)


@seated
def team_settings(request: HttpRequest, member: Member) -> HttpResponse:
    """What the team is, its rules and limits; leaders change them."""
    form = SettingsForm(request.POST if request.method == "POST" else None, team=member.team)
    if form.is_bound and form.submit(change_team, member) is not None:
        messages.success(request, "Saved.")
        return redirect("team_settings", member.team.address)
    return settings_page(request, member, form, TransitionForm(team=member.team))


@require_POST
@seated
def team_transition(request: HttpRequest, member: Member) -> HttpResponse:
    """Move the team through its life."""
    form = TransitionForm(request.POST, team=member.team)
    team = form.submit(transition_team, member)
    if team is None:
        return settings_page(request, member, SettingsForm(team=member.team), form)
    messages.success(request, f"The team is {team.state}.")
    return redirect("team_settings", team.address)


def settings_page(
    request: HttpRequest, member: Member, form: SettingsForm, transition: TransitionForm
) -> HttpResponse:
    """The page with both forms as they are."""
    team = member.team
    leads = member.can("manage_team")
    steers = leads or (member.left_at is None and member.user.is_superuser)  # type: ignore[union-attr]
    context = {
        "team": team,
        "member": member,
        "form": form,
        "transition": transition,
        "may_edit": leads and team.allows("members"),
        "moves": team.next_states() if steers else [],
        "may_leave": member.left_at is None and team.allows("members"),
        "limits": [(label, team.wip_limit(column)) for column, label in COLUMNS],
    }
    status = max(form.status, transition.status)
    return render(request, "teams/settings.html", context, status=status)


@require_POST
@seated
def team_leave(request: HttpRequest, member: Member) -> HttpResponse:
    """Give up one's own seat."""
    end_seat(member, member.name)
    messages.success(request, f"You left {member.team}.")
    return redirect("teams")
