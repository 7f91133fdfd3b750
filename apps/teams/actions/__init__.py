"""Everything that changes a team, its seats and its keys. Each function is one action."""

from apps.teams.actions.accounts import create_first_administrator, sign_up
from apps.teams.actions.artifacts import add_artifact, delete_artifact, with_files
from apps.teams.actions.invitations import (
    accept_invitation,
    create_invitation,
    find_invitation,
    known_invitation,
    revoke_invitation,
)
from apps.teams.actions.locking import lock_team
from apps.teams.actions.members import (
    add_member,
    change_member,
    end_seat,
    return_seat,
    seat_person,
    seat_staff,
)
from apps.teams.actions.presence import end_session, heartbeat, start_session
from apps.teams.actions.teams import change_team, create_team, delete_team, transition_team
from apps.teams.actions.tokens import create_token, revoke_token

__all__ = [
    "accept_invitation",
    "add_artifact",
    "add_member",
    "change_member",
    "change_team",
    "create_first_administrator",
    "create_invitation",
    "create_team",
    "create_token",
    "delete_artifact",
    "delete_team",
    "end_seat",
    "end_session",
    "find_invitation",
    "heartbeat",
    "known_invitation",
    "lock_team",
    "return_seat",
    "revoke_invitation",
    "revoke_token",
    "seat_person",
    "seat_staff",
    "sign_up",
    "start_session",
    "transition_team",
    "with_files",
]
