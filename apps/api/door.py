"""From a bearer token to a seat: who calls, whether they may call so often, whose team it is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja.security import HttpBearer

from apps.api.rates import spend
from apps.core.actions import action
from apps.core.errors import Invalid, NotFound
from apps.tasks.actions.sweep import unflag
from apps.teams.access import Unauthorized, mark_seen, seat_of_token
from apps.teams.models import Member, Token

VIA = "rest"
USED_EVERY = timedelta(minutes=1)


class Call(HttpRequest):
    """A request that came through this door; `auth` is the member behind its token."""

    auth: Member


class Bearer(HttpBearer):
    """The one security scheme: the token of a member."""

    def __call__(self, request: HttpRequest) -> Member:
        """The seat that calls; else Unauthorized, TooMany, or NotFound for another team's."""
        member = enter(request.headers.get("Authorization", ""), VIA)
        check_address(request, member)
        return member

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        """As the base class wants it; `__call__` does it all."""
        return enter(f"Bearer {token}", VIA)


def enter(authorization: str, via: str) -> Member:
    """The member behind an `Authorization` header, come through the door `via`.

    The call is counted and the member seen.
    """
    scheme, _, secret = authorization.strip().partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise Unauthorized(
            "This needs the token of a member.",
            code="token_missing",
            hint="Send the header “Authorization: Bearer <token>”; leaders make tokens on the"
            " team's members page.",
        )
    member, token = seat_of_token(secret, via=via)
    spend(token.digest[:32])
    note_use(member, token)
    return member


def check_address(request: HttpRequest, member: Member) -> None:
    """Raise NotFound where the address names another team than the caller's."""
    if "\0" in request.path:
        raise NotFound("There is nothing at this address.")
    if "%00" in request.META.get("QUERY_STRING", ""):
        raise Invalid(fields={"query": "No value may hold a zero character."})
    match = request.resolver_match
    slug = match.kwargs.get("slug") if match else None
    if slug is not None and slug != member.team.slug:
        raise NotFound(
            "There is no such team, or you do not sit in it.",
            code="team_not_found",
            hint=f"This token is for the team at /api/v1/teams/{member.team.slug}.",
        )


def note_use(member: Member, token: Token) -> None:
    """Any call is a sign of life, and shows on the token; neither is written at every call."""
    now = timezone.now()
    used = token.last_used_at
    if used is None or now - used >= USED_EVERY:
        _write_used(token)
    if mark_seen(member):
        unflag(member)


@action
def _write_used(token: Token) -> None:
    Token.objects.filter(pk=token.pk).update(last_used_at=timezone.now())
