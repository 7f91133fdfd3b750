from __future__ import annotations

from django.core.validators import MinValueValidator
from django.db import models
from django.utils import timezone

from apps.core.errors import Conflict, NotAllowed, NotFound
from apps.messaging.models.message import Message
from apps.teams.models import Artifact, Member, Team
from apps.teams.permissions import Permission

TOPIC_LENGTH = 200


class State(models.TextChoices):
    """The life of a discussion: active, then one of three ends; a deadlock can still be ended."""

    ACTIVE = "active"
    CONCLUDED = "concluded"
    DEADLOCKED = "deadlocked"
    CANCELLED = "cancelled"


MOVES: dict[State, frozenset[State]] = {
    State.ACTIVE: frozenset({State.CONCLUDED, State.CANCELLED, State.DEADLOCKED}),
    State.DEADLOCKED: frozenset({State.CONCLUDED, State.CANCELLED}),
    State.CONCLUDED: frozenset(),
    State.CANCELLED: frozenset(),
}
END_IT = "Conclude it with what was agreed, or cancel it."
OPEN = [state for state in State if MOVES[state]]


class DiscussionQuerySet(models.QuerySet["Discussion"]):
    """Discussions as a member may read them."""

    def visible_to(self, member: Member) -> DiscussionQuerySet:
        """All of the member's team."""
        return self.filter(team_id=member.team_id)

    def open(self) -> DiscussionQuerySet:
        """Those that wait for a turn or an end."""
        return self.filter(state__in=OPEN)

    def numbered(self, number: int) -> Discussion:
        """The discussion with that id, else NotFound."""
        found = self.select_related("opened_by").filter(pk=number).first()
        if found is None:
            raise NotFound("There is no such discussion.", code="discussion_not_found")
        return found


class Discussion(models.Model):
    """A bounded conversation of chosen members with numbered turns and an outcome."""

    State = State
    MOVES = MOVES

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="discussions")
    topic = models.CharField(max_length=TOPIC_LENGTH)
    task = models.PositiveIntegerField(null=True, blank=True)
    thread = models.ForeignKey(Message, null=True, blank=True, on_delete=models.SET_NULL)
    opened_by = models.ForeignKey(Member, on_delete=models.RESTRICT, related_name="+")
    participants = models.ManyToManyField(Member, related_name="discussions")
    max_rounds = models.PositiveIntegerField(default=10, validators=[MinValueValidator(1)])
    state = models.CharField(max_length=10, choices=State.choices, default=State.ACTIVE)
    conclusion = models.TextField(blank=True)
    agreed_by = models.JSONField(default=list, blank=True)
    dissent = models.TextField(blank=True)
    artifact = models.ForeignKey(
        Artifact, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    opened_at = models.DateTimeField(default=timezone.now)
    last_turn_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = DiscussionQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.topic

    @property
    def is_open(self) -> bool:
        """Whether it can still be concluded or cancelled."""
        return bool(MOVES[State(self.state)])

    def require_participant(self, member: Member) -> None:
        """Raise NotAllowed where `member` was not chosen to take turns."""
        if not self.participants.filter(pk=member.pk).exists():
            raise NotAllowed(
                "Only its participants take part in this discussion.",
                code="not_a_participant",
                hint="Who opened it chose them; open another one to choose others.",
            )

    def require_ending(self, member: Member) -> None:
        """Raise NotAllowed unless `member` opened it, takes part in it, or manages the team."""
        if member.pk == self.opened_by_id or member.can(Permission.MANAGE_TEAM):
            return
        self.require_participant(member)

    def next_turn(self, taken: int) -> int:
        """The number of the next turn after `taken` ones; raises Conflict where there is none."""
        if self.state != State.ACTIVE:
            raise Conflict(
                f"The discussion is {self.state}; it takes no more turns.",
                code="wrong_state",
                hint="Open another discussion to go on." if not self.is_open else END_IT,
                state=self.state,
            )
        if taken >= self.max_rounds:
            raise Conflict(
                f"Turn {taken + 1} exceeds max_rounds, which is {self.max_rounds}.",
                code="max_rounds",
                hint=END_IT,
                state=self.state,
            )
        return taken + 1

    def move_to(self, state: str) -> None:
        """Go to `state`, or raise Conflict naming from and to. Saves nothing."""
        if State(state) not in MOVES[State(self.state)]:
            raise Conflict(
                f"The discussion is already {self.state}."
                if not self.is_open
                else f"The discussion is {self.state}; it cannot become {state}.",
                code="wrong_state",
                hint="" if self.is_open else "Open another discussion to go on.",
                state=self.state,
            )
        self.state = state
        self.ended_at = None if self.is_open else timezone.now()


class Turn(models.Model):
    """One contribution; the server numbers them."""

    discussion = models.ForeignKey(Discussion, on_delete=models.CASCADE, related_name="turns")
    number = models.PositiveIntegerField()
    member = models.ForeignKey(Member, on_delete=models.RESTRICT, related_name="+")
    body = models.TextField()
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["discussion", "number"], name="turn_number_once")
        ]

    def __str__(self) -> str:
        return f"turn {self.number}"
