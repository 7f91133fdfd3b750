"""From credentials to a seat: whoever is not seated gets "not found", never "forbidden"."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import F, Q
from django.utils import timezone

from apps.core.actions import action
from apps.core.errors import DomainError, NotFound
from apps.core.prepared import OTHER, TEXT, Prepared
from apps.teams.lifecycle import State
from apps.teams.models import Member, Team, Token, User
from apps.teams.models.credentials import digest

# What a call seldom asks of its token, seat, team and person; read where it is asked for.
LATER = (
    "prefix", "created_at", "created_by", "name",
    "member__metadata", "member__team__source", "member__team__metadata",
    "member__team__state_changed_at",
    "member__user__password", "member__user__last_login", "member__user__date_joined",
    "member__user__digest_seen_at", "member__user__notifications",
)  # fmt: skip
TOKEN = Prepared(
    Token,
    lambda tokens: (
        tokens.filter(digest=TEXT)
        .order_by()
        .select_related("member__team", "member__user")
        .defer(*LATER)
    ),
)


SEATED = Prepared(
    Member,
    lambda seats: (
        seats.filter(user_id=OTHER, team__slug=TEXT, left_at=None)
        .exclude(team__state=State.DISBANDED)
        .order_by()
        .select_related("team")
    ),
)


class Unauthorized(DomainError):
    """No credentials, or ones that are wrong, expired or revoked."""

    status = 401
    code = "unauthorized"


def seat_of(user: User | Any, address: str) -> Member:
    """The seat `user` holds in the team at `address`, its team loaded; else NotFound.

    Who sat in a disbanded team to its end may still read it.
    """
    # PostgreSQL has no text with a NUL in it, and refuses to compare with one.
    found = [] if "\0" in address else SEATED.objects(address, user.pk)
    seat = found[0] if found else _seat_at_the_end(user, address)
    seat.via = "page"
    return seat


def _seat_at_the_end(user: User, address: str) -> Member:
    """The less common ways to a team: by `slug~id`, or after it was disbanded."""
    team = Team.objects.at(address)
    stayed = Q(team__state=State.DISBANDED, left_at__gte=F("team__state_changed_at"))
    seats = Member.objects.filter(Q(left_at=None) | stayed, team=team, user=user)
    seat = seats.select_related("team").first()
    if seat is None:
        raise NotFound("There is no such team, or you do not sit in it.", code="team_not_found")
    return seat


def seat_of_token(secret: str, *, via: str = "") -> tuple[Member, Token]:
    """The seat a bearer token stands for, come through the door `via`; else Unauthorized."""
    hint = "A leader can make a new token on the team's members page."
    tokens = TOKEN.objects(digest(secret.strip()))
    if not tokens:
        raise Unauthorized("This token is not known.", hint=hint)
    token = tokens[0]
    if token.revoked_at is not None:
        raise Unauthorized("This token was revoked.", code="token_revoked", hint=hint)
    if token.has_expired():
        raise Unauthorized("This token has expired.", code="token_expired", hint=hint)
    if token.member.left_at is not None:
        raise Unauthorized("The seat behind this token has ended.", code="seat_ended", hint=hint)
    person = token.member.user
    if person is not None and not person.is_active:
        raise Unauthorized("The account behind this token is switched off.", code="account_off")
    token.member.via = via
    return token.member, token


def system_seat(team: Team) -> Member:
    """The hidden seat that acts where nobody did by hand: imports, sweeps, time running out."""
    seat, _ = Member.objects.get_or_create(
        team=team,
        name="system",
        defaults={"kind": Member.Kind.SYSTEM, "role": Member.Role.OBSERVER},
    )
    seat.team = team
    return seat


SEEN_EVERY = 30


def mark_seen(member: Member) -> bool:
    """Note that `member` was seen now, at most twice a minute; true where it was written.

    Being seen does not revive a terminated member; a newer session does.
    """
    now = timezone.now()
    seen = member.last_seen_at
    if seen is not None and (now - seen).total_seconds() < SEEN_EVERY:
        return False
    _write_seen(member, now)
    member.last_seen_at = now
    return True


@action
def _write_seen(member: Member, now: datetime) -> None:
    Member.objects.filter(pk=member.pk).update(last_seen_at=now)
