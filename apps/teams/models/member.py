from __future__ import annotations

import zlib
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.core.errors import Conflict, NotAllowed, NotFound
from apps.core.models import Model
from apps.core.text import fold
from apps.teams.models.team import Team
from apps.teams.models.user import User
from apps.teams.permissions import DEFAULTS, Kind, Permission, Role

IDLE_AFTER = timedelta(minutes=5)
HUES = 24
NAMED_HUES = {
    "red": 2, "orange": 4, "yellow": 6, "green": 10, "cyan": 13,
    "blue": 17, "purple": 20, "pink": 23,
}  # fmt: skip


class Presence(models.TextChoices):
    """How long ago a member was seen."""

    ACTIVE = "active"
    IDLE = "idle"
    TERMINATED = "terminated"


PresenceState: TypeAlias = Presence


class MemberQuerySet(models.QuerySet["Member"]):
    """Seats of teams."""

    def seated(self) -> MemberQuerySet:
        """Seats taken now; never the system's."""
        return self.filter(left_at=None).exclude(kind=Kind.SYSTEM)

    def named(self, name: str) -> Member:
        """The seat of that name, ended or not, ignoring case; else NotFound."""
        # PostgreSQL has no text with a NUL, so such a name is not even asked for.
        known = self.none() if "\0" in name else self.filter(key=fold(name))
        found = known.exclude(kind=Kind.SYSTEM).first()
        if found is None:
            raise NotFound(f"The team has no member “{name}”.", code="member_not_found")
        return found


class Member(Model):
    """A seat in a team: a person or an agent. Every write has a member as its actor.

    A seat ends with `left_at` and stays in history; the same name comes back to the same seat.
    `key` is the folded name, by which seats are found: databases fold letters differently.
    `via` is the door through which this seat acts now; the door sets it, and it is not stored.
    """

    Role = Role
    Kind = Kind
    Presence = Presence

    via: str = ""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="members")
    name = models.CharField(max_length=128)
    key = models.CharField(max_length=384, editable=False)
    kind = models.CharField(max_length=6, choices=Kind.choices)
    user = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="seats"
    )
    role = models.CharField(max_length=8, choices=Role.choices, default=Role.MEMBER)
    granted = models.JSONField(default=list, blank=True)
    denied = models.JSONField(default=list, blank=True)
    color = models.CharField(max_length=16, blank=True)
    agent_type = models.CharField(max_length=128, blank=True)
    model = models.CharField(max_length=128, blank=True)
    prompt = models.TextField(blank=True)
    cwd = models.CharField(max_length=1024, blank=True)
    plan_mode_required = models.BooleanField(default=False)
    joined_at = models.DateTimeField(default=timezone.now)
    left_at = models.DateTimeField(null=True, blank=True)
    last_seen_at = models.DateTimeField(null=True, blank=True)
    terminated_at = models.DateTimeField(null=True, blank=True)
    metadata = models.JSONField(default=dict, blank=True)

    objects = MemberQuerySet.as_manager()

    class Meta:
        ordering = ["joined_at", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["team", "key"], name="member_name_once"),
            models.UniqueConstraint(
                fields=["team", "user"], condition=Q(user__isnull=False), name="one_seat_a_person"
            ),
        ]
        indexes = [models.Index(fields=["user", "left_at"])]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save, with the key of the name where the name is saved."""
        fields = kwargs.get("update_fields")
        if fields is None or "name" in fields:
            self.key = fold(self.name)
        if fields is not None and "name" in fields:
            kwargs["update_fields"] = {*fields, "key"}
        super().save(*args, **kwargs)

    @property
    def permissions(self) -> frozenset[str]:
        """What this seat may do: its role's defaults, with its own grants and denials."""
        base = DEFAULTS[(Kind(self.kind), Role(self.role))]
        return frozenset(str(p) for p in (base | set(self.granted)) - set(self.denied))

    def can(self, permission: str) -> bool:
        """Whether a live seat has `permission`."""
        return self.left_at is None and permission in self.permissions

    def require(self, permission: str) -> None:
        """Raise NotAllowed where the seat lacks `permission`."""
        self.require_seat()
        if permission not in self.permissions:
            label = Permission(permission).label.lower()
            raise NotAllowed(
                f"Your role here ({self.role}) does not let you {label}.",
                hint="A leader can change that on the members page.",
                permission=str(permission),
            )

    def require_seat(self) -> None:
        """Raise NotAllowed `seat_ended` where the seat was ended."""
        if self.left_at is not None and self.team.state != Team.State.DISBANDED:
            raise NotAllowed(
                "Your seat in this team has ended.",
                code="seat_ended",
                hint="A leader can give it back.",
            )

    @property
    def may_edit_tasks(self) -> bool:
        """Who manages tasks may edit them, and so may every working agent."""
        return self.left_at is None and self._edits_tasks

    def require_edit(self) -> None:
        """Raise NotAllowed where the seat may not create or edit cards."""
        self.require_seat()
        if not self._edits_tasks:
            self.require(Permission.MANAGE_TASKS)

    @property
    def _edits_tasks(self) -> bool:
        mine = self.permissions
        return Permission.MANAGE_TASKS in mine or (
            self.kind == Kind.AGENT and Permission.WORK in mine
        )

    @property
    def needs_plan(self) -> bool:
        """Whether this seat starts a task only after a plan of its own for it was approved."""
        return self.kind == Kind.AGENT and self.plan_mode_required

    @property
    def is_leader(self) -> bool:
        """A live seat with the role leader."""
        return self.role == Role.LEADER and self.left_at is None

    def presence(self, now: datetime | None = None) -> PresenceState:
        """Active when seen less than five minutes ago, terminated when the seat or run ended."""
        if self.left_at is not None or self.terminated_at is not None:
            return Presence.TERMINATED
        seen = self.last_seen_at
        if seen is not None and (now or timezone.now()) - seen < IDLE_AFTER:
            return Presence.ACTIVE
        return Presence.IDLE

    @property
    def ended(self) -> str:
        """What no call of theirs mends: "has left", "has shut down", or "" where neither is so."""
        if self.left_at is not None:
            return "has left"
        return "" if self.terminated_at is None else "has shut down"

    @property
    def hue(self) -> int:
        """A fixed colour for the name, or the seat's own: 0–23, steps of fifteen degrees."""
        if self.color in NAMED_HUES:
            return NAMED_HUES[self.color]
        return zlib.crc32(self.name.lower().encode()) % HUES

    @property
    def initials(self) -> str:
        """One or two letters for the avatar."""
        parts = [part for part in self.name.replace("_", "-").replace(".", "-").split("-") if part]
        return "".join(part[0] for part in parts[:2]).upper() or "?"

    def end(self, *, at: datetime | None = None) -> None:
        """End the seat. Saves nothing. Raises Conflict where it already ended."""
        if self.left_at is not None:
            raise Conflict(f"The seat of {self.name} has already ended.", code="seat_ended")
        self.left_at = at or timezone.now()

    def as_fact(self) -> dict[str, Any]:
        """What the journal keeps of a seat."""
        return {"member": self.name, "kind": self.kind, "role": self.role}
