"""The one-time link that makes the first administrator."""

from __future__ import annotations

from datetime import timedelta

from django.core import signing

from apps.core.errors import Conflict, NotFound
from apps.teams.actions.accounts import setup_is_over

SALT = "teams.setup"
LIVES = timedelta(days=7)


def setup_link_token() -> str:
    """What goes into `/setup/<token>/`; empty once there is an administrator."""
    return "" if setup_is_over() else signing.dumps("setup", salt=SALT)


def check_setup_token(token: str) -> None:
    """Raise NotFound for a made-up or stale token, Conflict once there is an administrator."""
    try:
        signing.loads(token, salt=SALT, max_age=LIVES)
    except signing.BadSignature:
        raise NotFound(
            "This link is not valid, or no longer.",
            code="setup_link_invalid",
            hint="Start the server again: it prints a fresh one.",
        ) from None
    if setup_is_over():
        raise Conflict(
            "This link was used: the site has its administrator.",
            code="setup_over",
            hint="Log in. Who has no account asks a team's leader for an invitation.",
        )
