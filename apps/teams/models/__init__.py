"""The seats of a team, what they were given, and the journal of everything."""

from apps.teams.models.credentials import Invitation, Token
from apps.teams.models.event import Event
from apps.teams.models.member import Member
from apps.teams.models.team import Team
from apps.teams.models.user import User
from apps.teams.models.work import AgentSession, Artifact

__all__ = [
    "AgentSession",
    "Artifact",
    "Event",
    "Invitation",
    "Member",
    "Team",
    "Token",
    "User",
]
