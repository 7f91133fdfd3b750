from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from apps.core.errors import Conflict, NotFound
from apps.core.models import Model
from apps.core.text import as_number
from apps.teams import lifecycle
from apps.teams.lifecycle import ALLOWED, MOVES, Allows, State, verb
from apps.teams.names import SLUG

if TYPE_CHECKING:
    from apps.teams.models.user import User

PROTOCOL_BYTES = 32 * 1024


def default_max_members() -> int:
    """The server's `TEAMS_MAX_MEMBERS`."""
    return int(settings.TEAMS_MAX_MEMBERS)


def default_require_plan_approval() -> bool:
    """The server's `TEAMS_REQUIRE_PLAN_APPROVAL`."""
    return bool(settings.TEAMS_REQUIRE_PLAN_APPROVAL)


def default_stages() -> list[str]:
    """One stage: a leader decides."""
    return ["leader"]


class TeamQuerySet(models.QuerySet["Team"]):
    """Teams as somebody may see them."""

    def visible_to(self, user: User) -> TeamQuerySet:
        """Teams `user` sits in, and disbanded ones they sat in to the end."""
        seat = Q(members__user=user, members__left_at=None)
        stayed = Q(
            members__user=user,
            state=State.DISBANDED,
            members__left_at__gte=models.F("state_changed_at"),
        )
        return self.filter(seat | stayed).distinct()

    def at(self, address: str) -> Team:
        """The team of an address: `slug`, or `slug~id` for a disbanded one whose slug went on."""
        slug, _, number = address.partition("~")
        found = self.filter(slug=slug) if SLUG.fullmatch(slug) else self.none()
        if number:
            found = found.filter(pk=as_number(number) or 0)
        team = found.order_by(
            models.Case(models.When(state=State.DISBANDED, then=1), default=0), "-pk"
        ).first()
        if team is None:
            raise NotFound("There is no such team, or you do not sit in it.", code="team_not_found")
        return team


class Team(Model):
    """A named group with members, tasks, plans, messages and one journal.

    `slug` is its address, unique among teams that are not disbanded. `seq` is the number of the
    journal's last event and `task_watermark` the highest task number ever used; both only grow.
    """

    State = State
    MOVES = MOVES

    slug = models.CharField(max_length=64)
    name = models.CharField(max_length=255)
    description = models.TextField(blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.FORMING)
    state_changed_at = models.DateTimeField(default=timezone.now)
    created_at = models.DateTimeField(default=timezone.now)
    protocol = models.TextField(blank=True)
    source = models.CharField(max_length=255, blank=True)
    metadata = models.JSONField(default=dict, blank=True)

    max_members = models.PositiveIntegerField(
        default=default_max_members, validators=[MinValueValidator(1)]
    )
    require_plan_approval = models.BooleanField(default=default_require_plan_approval)
    approval_stages = models.JSONField(default=default_stages)
    wip_limits = models.JSONField(default=dict, blank=True)
    wip_per_member = models.PositiveIntegerField(null=True, blank=True)
    allow_self_approval = models.BooleanField(default=False)
    dependencies_wait_for_approval = models.BooleanField(default=False)
    review_sla_minutes = models.PositiveIntegerField(null=True, blank=True)
    stall_minutes = models.PositiveIntegerField(default=30)
    retention_days = models.PositiveIntegerField(null=True, blank=True)

    seq = models.PositiveBigIntegerField(default=0, editable=False)
    task_watermark = models.PositiveIntegerField(default=0, editable=False)

    objects = TeamQuerySet.as_manager()

    class Meta:
        ordering = ["slug"]
        constraints = [
            models.UniqueConstraint(
                fields=["slug"], condition=~Q(state=State.DISBANDED), name="live_slug_once"
            )
        ]

    def __str__(self) -> str:
        return self.name or self.slug

    def get_absolute_url(self) -> str:
        """The board."""
        return reverse("board", args=[self.address])

    @property
    def address(self) -> str:
        """What stands for the team in an address; see `TeamQuerySet.at`."""
        return f"{self.slug}~{self.pk}" if self.state == State.DISBANDED else self.slug

    @property
    def is_readonly(self) -> bool:
        """True where nothing at all may be written."""
        return not ALLOWED[State(self.state)]

    def allows(self, what: str) -> bool:
        """Whether the team's state allows `what`, one of `lifecycle.Allows`."""
        return Allows(what) in ALLOWED[State(self.state)]

    def require(self, what: str) -> None:
        """Raise Conflict `team_not_active` where the state does not allow `what`, saying why."""
        if self.allows(what):
            return
        hint = {
            State.FORMING: "A leader can activate the team in its settings.",
            State.PAUSED: "A leader can resume the team in its settings.",
            State.COMPLETED: "A leader can reopen the team in its settings.",
            State.ARCHIVED: "A leader can restore the team in its settings.",
            State.DISBANDED: "A disbanded team stays readable; make a new one to go on.",
        }[State(self.state)]
        raise Conflict(
            f"The team is {self.state}. It takes no {Allows(what).label} now.",
            code="team_not_active",
            hint=hint,
            state=self.state,
        )

    def next_states(self) -> list[tuple[lifecycle.State, str]]:
        """The states a leader can move the team to, each with the word for its button."""
        now = State(self.state)
        return [(to, verb(now, to)) for to in State if to in MOVES[now]]

    def move_to(self, to: str, *, has_leader: bool) -> None:
        """Go to state `to`, or raise Conflict naming from, to and why. Saves nothing."""
        if to not in State.values:
            sentence = f"“{to}” is not a state of a team."
            raise Conflict(sentence, code="wrong_state", state=self.state)
        if State(to) not in MOVES[State(self.state)]:
            raise Conflict(
                f"A team that is {self.state} cannot become {to}.",
                code="wrong_state",
                hint=f"From {self.state} it can go to: {self._ways_on()}.",
                state=self.state,
            )
        if to == State.ACTIVE and not has_leader:
            raise Conflict(
                "A team needs a leader to become active.",
                code="leader_missing",
                hint="Make a member its leader first.",
            )
        self.state = to
        self.state_changed_at = timezone.now()

    def _ways_on(self) -> str:
        return ", ".join(sorted(MOVES[State(self.state)])) or "nowhere"

    def wip_limit(self, column: str) -> int | None:
        """How many cards `column` may hold, or None."""
        value = self.wip_limits.get(column)
        return int(value) if value else None
