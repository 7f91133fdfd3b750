from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from apps.core.actions import action
from apps.core.errors import Conflict, Invalid, NotFound
from apps.teams import events
from apps.teams.actions.locking import lock_team, require_leading
from apps.teams.actions.members import seat_person
from apps.teams.lifecycle import Allows
from apps.teams.models import Invitation, Member, Team, User
from apps.teams.models.credentials import digest

MAX_DAYS = 90
MAX_USES = 100


@action
def create_invitation(
    actor: Member, *, role: str = "member", days: int = 7, max_uses: int = 1
) -> tuple[Invitation, str]:
    """An invitation and the secret of its link, which is shown once."""
    team = lock_team(actor)
    actor.require("manage_team")
    team.require(Allows.MEMBERS)
    fields = {}
    if role not in Member.Role.values:
        fields["role"] = f"Choose one of {', '.join(Member.Role.values)}."
    if not 1 <= days <= MAX_DAYS:
        fields["days"] = f"Choose 1 to {MAX_DAYS} days."
    if not 1 <= max_uses <= MAX_USES:
        fields["max_uses"] = f"Choose 1 to {MAX_USES} uses."
    if fields:
        raise Invalid(fields=fields)
    secret, kept = Invitation.mint()
    invitation = Invitation.objects.create(
        team=team,
        role=role,
        max_uses=max_uses,
        expires_at=timezone.now() + timedelta(days=days),
        created_by=actor,
        **kept,
    )
    events.record(actor, "team.changed", changed=["invitations"])
    return invitation, secret


@action
def revoke_invitation(actor: Member, invitation_id: int) -> Invitation:
    """Withdraw an invitation. Twice is fine."""
    team = lock_team(actor)
    require_leading(actor)
    invitation = team.invitations.filter(pk=invitation_id).first()
    if invitation is None:
        raise NotFound("There is no such invitation.", code="invitation_not_found")
    if invitation.revoked_at is None:
        invitation.revoked_at = timezone.now()
        invitation.save(update_fields=["revoked_at"])
        events.record(actor, "team.changed", changed=["invitations"])
    return invitation


def known_invitation(secret: str) -> Invitation:
    """The invitation of a link, live or over; NotFound for an unknown one."""
    known = Invitation.objects.select_related("team", "created_by")
    invitation = known.filter(digest=digest(secret)).first()
    if invitation is None:
        raise NotFound(
            "There is no such invitation.",
            code="invitation_not_found",
            hint="Check that the link is complete, or ask a leader of the team for a new one.",
        )
    return invitation


def find_invitation(secret: str) -> Invitation:
    """The live invitation of a link; NotFound for an unknown one, Conflict for one that is over."""
    invitation = known_invitation(secret)
    if invitation.why_not:
        raise Conflict(
            invitation.why_not,
            code="invitation_over",
            hint="Ask a leader of the team for a new one.",
        )
    return invitation


@action
def accept_invitation(secret: str, user: User) -> Member:
    """Seat `user` by the invitation. Who already sits there keeps their seat; no use is counted."""
    invitation = known_invitation(secret)
    team = Team.objects.select_for_update().get(pk=invitation.team_id)
    seat = invitation.seat_of(user)
    if seat is not None:
        seat.team = team
        return seat
    invitation = find_invitation(secret)
    team.require(Allows.MEMBERS)
    seat = seat_person(team, user, role=invitation.role)
    invitation.uses += 1
    invitation.save(update_fields=["uses"])
    events.record(seat, "member.joined", by="invitation", **seat.as_fact())
    return seat
