"""What page views share: the seat behind a request, values of a form, the way back."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django import forms
from django.contrib.auth.decorators import login_required
from django.core.exceptions import NON_FIELD_ERRORS
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from apps.core.errors import Invalid
from apps.teams.access import mark_seen, seat_of
from apps.teams.models import Member

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, Member, P], HttpResponseBase]


def seated(view: View[P]) -> Callable[..., HttpResponseBase]:
    """Call `view(request, member, …)` with the seat in the team at `slug`; strangers get 404."""

    @login_required
    @wraps(view)
    def run(request: HttpRequest, slug: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        member = seat_of(request.user, slug)
        member.user = request.user  # type: ignore[assignment]
        if not member.team.is_readonly:
            mark_seen(member)
        return view(request, member, *args, **kwargs)

    return run


def cleaned(form: forms.Form) -> dict[str, Any]:
    """The form's values, or Invalid with its errors by field."""
    if form.is_valid():
        return form.cleaned_data
    raise Invalid(
        fields={
            name if name != NON_FIELD_ERRORS else "form": " ".join(
                str(message) for message in errors
            )
            for name, errors in form.errors.items()
        }
    )


def back(request: HttpRequest, fallback: str, *args: Any) -> HttpResponse:
    """After a write: htmx gets 204 (the page follows live), a plain form its way back."""
    if getattr(request, "htmx", False):
        return HttpResponse(status=204)
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(target, {request.get_host()}):
        target = reverse(fallback, args=args)
    return HttpResponseRedirect(target)
