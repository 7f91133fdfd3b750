"""The pages of accounts and teams."""

from apps.teams.views.accounts import admin_login, join, login, logout, password_change, setup
from apps.teams.views.activity import activity, activity_all
from apps.teams.views.files import file, file_delete, file_picture, file_preview, files
from apps.teams.views.invitations import invitation_create, invitation_revoke
from apps.teams.views.members import (
    member,
    member_end,
    member_return,
    members,
    token_create,
    token_revoke,
)
from apps.teams.views.teams import team_leave, team_new, team_settings, team_transition, teams

__all__ = [
    "activity",
    "activity_all",
    "admin_login",
    "file",
    "file_delete",
    "file_picture",
    "file_preview",
    "files",
    "invitation_create",
    "invitation_revoke",
    "join",
    "login",
    "logout",
    "member",
    "member_end",
    "member_return",
    "members",
    "password_change",
    "setup",
    "team_leave",
    "team_new",
    "team_settings",
    "team_transition",
    "teams",
    "token_create",
    "token_revoke",
]
