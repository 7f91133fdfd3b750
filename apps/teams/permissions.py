"""Who may do what: each role's permissions, before a seat's own grants and denials."""

from __future__ import annotations

from django.db import models


class Role(models.TextChoices):
    """The three roles of a seat."""

    LEADER = "leader"
    MEMBER = "member"
    OBSERVER = "observer"


class Kind(models.TextChoices):
    """Who sits there. `system` is the one hidden seat a team has for what nobody did by hand."""

    HUMAN = "human"
    AGENT = "agent"
    SYSTEM = "system"


class Permission(models.TextChoices):
    """The six single permissions."""

    MANAGE_TEAM = "manage_team", "Manage the team"
    MANAGE_TASKS = "manage_tasks", "Manage tasks"
    WORK = "work", "Work on tasks"
    REVIEW = "review", "Review"
    DECIDE_PLANS = "decide_plans", "Decide plans"
    SEND_MESSAGES = "send_messages", "Send messages"


EVERYTHING = frozenset(Permission)
WORKING = frozenset({Permission.WORK, Permission.REVIEW, Permission.SEND_MESSAGES})

DEFAULTS: dict[tuple[Kind, Role], frozenset[Permission]] = {
    (Kind.HUMAN, Role.LEADER): EVERYTHING,
    (Kind.HUMAN, Role.MEMBER): WORKING | {Permission.MANAGE_TASKS},
    (Kind.HUMAN, Role.OBSERVER): frozenset(),
    (Kind.AGENT, Role.LEADER): EVERYTHING,
    # An agent may create and edit cards (see Member.may_edit_tasks), not move those of others.
    (Kind.AGENT, Role.MEMBER): WORKING,
    (Kind.AGENT, Role.OBSERVER): frozenset(),
    (Kind.SYSTEM, Role.OBSERVER): EVERYTHING,
}
