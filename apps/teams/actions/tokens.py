from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from apps.core.actions import action
from apps.core.errors import Invalid, NotAllowed, NotFound
from apps.teams import events
from apps.teams.actions.locking import lock_team, require_leading
from apps.teams.lifecycle import Allows
from apps.teams.models import Member, Token


@action
def create_token(
    actor: Member, name: str, *, label: str = "", expires_at: datetime | None = None
) -> tuple[Token, str]:
    """A new key for member `name`, and the secret itself, which is not kept.

    A leader makes them for agents; a person also for their own seat.
    """
    team = lock_team(actor)
    member = team.members.seated().named(name)
    own = member.pk == actor.pk and actor.kind == Member.Kind.HUMAN
    if not own:
        actor.require("manage_team")
        if member.kind == Member.Kind.HUMAN and actor.kind != Member.Kind.SYSTEM:
            raise NotAllowed(
                f"Only {member.name} makes tokens for that seat.",
                hint="Who holds a person's token acts as that person.",
            )
    team.require(Allows.MEMBERS)
    if expires_at is not None and expires_at <= timezone.now():
        raise Invalid(fields={"expires_at": "Choose a time that is still to come."})
    secret, kept = Token.mint()
    token = Token.objects.create(
        member=member, name=label[:64], expires_at=expires_at, created_by=actor, **kept
    )
    events.record(actor, "member.changed", changed=["tokens"], **member.as_fact())
    return token, secret


@action
def revoke_token(actor: Member, token_id: int) -> Token:
    """End a key at once. Twice is fine."""
    team = lock_team(actor)
    token = Token.objects.select_related("member").filter(pk=token_id, member__team=team).first()
    if token is None:
        raise NotFound("There is no such token.", code="token_not_found")
    if token.member_id != actor.pk:
        require_leading(actor)
    if token.revoked_at is not None:
        return token
    token.revoked_at = timezone.now()
    token.save(update_fields=["revoked_at"])
    fact = token.member.as_fact() | {"revoked": True}
    events.record(actor, "member.changed", changed=["tokens"], **fact)
    return token
