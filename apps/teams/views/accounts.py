from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth import login as start_login
from django.contrib.auth import views as auth
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse, reverse_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from apps.core.errors import NotAllowed
from apps.teams.actions import (
    accept_invitation,
    create_first_administrator,
    find_invitation,
    known_invitation,
    sign_up,
)
from apps.teams.forms import AccountForm, ActionForm, NewPassword
from apps.teams.lifecycle import Allows
from apps.teams.models import User
from apps.teams.setup import check_setup_token
from apps.teams.throttle import WINDOW_SECONDS, count_attempt, forget_attempts


class Login(auth.LoginView):
    """Log in; after too many failures for one name from one address, 429 for some minutes."""

    template_name = "registration/login.html"
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: str, **kwargs: Any) -> HttpResponse:
        if count_attempt(*self._who()):
            return super().post(request, *args, **kwargs)
        page = self.render_to_response(self.get_context_data(too_many=True), status=429)
        page["Retry-After"] = str(WINDOW_SECONDS)
        return page

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        forget_attempts(*self._who())
        return super().form_valid(form)

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=422)

    def _who(self) -> tuple[str, str]:
        return self.request.POST.get("username", ""), self.request.META.get("REMOTE_ADDR", "")


class PasswordChange(auth.PasswordChangeView):
    """Change one's own password; other browsers are logged out."""

    form_class = NewPassword
    template_name = "registration/password_change.html"
    success_url = reverse_lazy("password_change")

    def form_valid(self, form: Any) -> HttpResponse:
        messages.success(self.request, "Your password is changed. Other browsers are logged out.")
        return super().form_valid(form)

    def form_invalid(self, form: Any) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=422)


login = Login.as_view()
logout = auth.LogoutView.as_view()
password_change = PasswordChange.as_view()


def admin_login(request: HttpRequest) -> HttpResponse:
    """The administration has no door of its own: everybody logs in at the same one."""
    if request.user.is_authenticated:
        raise NotAllowed(
            "Your account may not enter the administration.",
            hint="An administrator can make you staff.",
        )
    target = request.GET.get("next") or reverse("admin:index")
    return redirect(f"{reverse('login')}?{urlencode({'next': target})}")


@never_cache
@sensitive_post_parameters()
def setup(request: HttpRequest, token: str) -> HttpResponse:
    """Make the first administrator by the one-time link."""
    check_setup_token(token)
    form = AccountForm(request.POST if request.method == "POST" else None)
    user = form.submit(create_first_administrator) if form.is_bound else None
    if user is None:
        return render(request, "registration/setup.html", {"form": form}, status=form.status)
    start_login(request, user)
    return redirect("home")


@never_cache
@sensitive_post_parameters()
def join(request: HttpRequest, invitation: str) -> HttpResponse:
    """Take a seat by an invitation: at once with an account, else with a new one."""
    if isinstance(request.user, User):
        seated = known_invitation(invitation).seat_of(request.user)
        if seated or request.method == "POST":
            return redirect(accept_invitation(invitation, request.user).team)
    found = find_invitation(invitation)
    found.team.require(Allows.MEMBERS)
    known = request.user.is_authenticated
    form: ActionForm = AccountForm(request.POST if request.method == "POST" else None)
    seat = form.submit(sign_up, invitation) if form.is_bound else None
    if seat is None:
        context = {"invitation": found, "form": None if known else form}
        return render(request, "registration/join.html", context, status=form.status)
    start_login(request, seat.user)
    return redirect(seat.team)
