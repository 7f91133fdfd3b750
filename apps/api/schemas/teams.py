"""Teams, seats and keys."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from apps.api.fields import Input, MemberKind, MemberRole, Moment, Name, PageQuery, Right, TeamState

__all__ = [
    "Error",
    "FreshToken",
    "Me",
    "Member",
    "MemberChange",
    "MemberPage",
    "MembersQuery",
    "MyCounts",
    "NewMember",
    "NewToken",
    "Refused",
    "Team",
    "TeamChange",
    "TeamCounts",
    "TeamLine",
    "TeamSettings",
    "Token",
    "TokenPage",
    "Transition",
]


class TeamChange(Input):
    """Settings of a team; what is left out stays."""

    name: str = ""
    description: str = ""
    protocol: str = ""
    max_members: int = 10
    require_plan_approval: bool = True
    approval_stages: list[str] = ["leader"]
    wip_limits: dict[str, int] = {}
    wip_per_member: int | None = None
    allow_self_approval: bool = False
    dependencies_wait_for_approval: bool = False
    review_sla_minutes: int | None = None
    stall_minutes: int = 30
    retention_days: int | None = None

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"wip_limits": {"in_progress": 5}, "stall_minutes": 45}]},
    )


class Transition(Input):
    """The state that a team is to go to."""

    to: TeamState


class MemberChange(Input):
    """A seat. `permissions` is the whole list; `granted` and `denied` change the role's own."""

    role: MemberRole = "member"
    permissions: list[Right] | None = None
    granted: list[Right] | None = None
    denied: list[Right] | None = None
    plan_mode_required: bool = False
    color: str = ""
    agent_type: str = ""
    model: str = ""
    prompt: str = ""
    cwd: str = ""


class NewMember(MemberChange):
    """A seat for an agent."""

    name: Name
    kind: MemberKind = "agent"

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"name": "hal", "model": "opus"}]}
    )


class NewToken(Input):
    """A key for a member; without `expires_at` it lives until it is revoked."""

    label: str = ""
    expires_at: Moment | None = None


class MembersQuery(PageQuery):
    """Which seats to list."""

    everyone: Annotated[bool, Field(alias="all", description="Ended seats too.")] = False


class Refused(BaseModel):
    """Why not, and what to do next. Some codes carry more, such as `fields` or `blocked_by`."""

    code: str
    message: str
    hint: str
    fields: dict[str, str] = {}

    model_config = ConfigDict(extra="allow")


class Error(BaseModel):
    """Every refusal has this shape."""

    error: Refused


class TeamSettings(BaseModel):
    """How the team works."""

    max_members: int
    require_plan_approval: bool
    approval_stages: list[str]
    wip_limits: dict[str, int]
    wip_per_member: int | None
    allow_self_approval: bool
    dependencies_wait_for_approval: bool
    review_sla_minutes: int | None
    stall_minutes: int
    retention_days: int | None


class TeamCounts(BaseModel):
    """How much there is, by column for tasks."""

    members: int
    tasks: dict[str, int]


class TeamLine(BaseModel):
    """A team in one line."""

    slug: str
    name: str
    state: TeamState
    seq: int


class Member(BaseModel):
    """A seat."""

    name: str
    kind: str
    role: MemberRole
    permissions: list[Right]
    presence: str
    plan_mode_required: bool
    color: str
    agent_type: str
    model: str
    cwd: str
    prompt: str
    joined_at: datetime
    left_at: datetime | None
    last_seen_at: datetime | None


class MemberPage(BaseModel):
    """Seats in the order they were taken."""

    items: list[Member]
    next: str | None


class Team(TeamSettings):
    """A team with its live members."""

    slug: str
    name: str
    description: str
    state: TeamState
    protocol: str
    created_at: datetime
    seq: int
    next_states: list[TeamState]
    members: list[Member]
    counts: TeamCounts


class MyCounts(BaseModel):
    """What waits for the caller."""

    running: int
    ready: int
    reviews: int
    plans: int
    questions: int
    care: int
    unread: int


class Me(Member):
    """The member behind the token."""

    team: TeamLine
    counts: MyCounts


class Token(BaseModel):
    """A key, without its secret."""

    id: int
    member: str
    label: str
    prefix: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


class FreshToken(Token):
    """A key with its secret, which is shown this once: repeating the request shows null."""

    secret: str | None


class TokenPage(BaseModel):
    """Keys, newest first."""

    items: list[Token]
    next: str | None
