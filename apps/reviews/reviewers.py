"""Who reviews: the least loaded, then whoever was chosen longest ago; never the owner."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db.models import Count, Max

from apps.core.closest import closest, did_you_mean
from apps.core.errors import Invalid
from apps.core.prepared import NUMBER, Prepared
from apps.core.text import fold
from apps.reviews.models import Review
from apps.tasks.agenda import Turn, turn
from apps.tasks.models import Task
from apps.tasks.moves import Column, ReviewState
from apps.teams.lifecycle import Allows
from apps.teams.models import Member, Team
from apps.teams.permissions import Permission, Role

# Asked for the board's head at every change of a card.
SEATS = Prepared(Member, lambda _: Member.objects.filter(team_id=NUMBER).seated())
LOAD = Prepared(
    Task,
    lambda _: (
        Task.objects.filter(team_id=NUMBER)
        .in_column(Column.REVIEW)
        .exclude(reviewer=None)
        .order_by()
        .values_list("reviewer")
        .annotate(Count("pk"))
    ),
)
CHOSEN = Prepared(
    Review,
    lambda rounds: (
        rounds.filter(reviewer__team_id=NUMBER)
        .order_by()
        .values_list("reviewer")
        .annotate(Max("requested_at"))
    ),
)


def next_reviewer(task: Task) -> Member | None:
    """Whom a request for a review of `task` would choose now; None where any person may do it."""
    return next_in(task.team, *([task.owner_id] if task.owner_id else []))


def next_in(team: Team, *excluded: int) -> Member | None:
    """Whom a request in `team` would choose now, other than the seats `excluded`."""
    seats = [seat for seat in SEATS.objects(team.pk) if seat.pk not in excluded]
    fit = [seat for seat in seats if is_available(seat)]
    if len(fit) < 2:
        return fit[0] if fit else None
    load: dict[int, int] = dict(LOAD.rows(team.pk))
    chosen: dict[int, datetime] = dict(CHOSEN.rows(team.pk))
    return rank(fit, load, chosen)[0]


def is_available(seat: Member) -> bool:
    """Whether the seat may be chosen without being named."""
    return (
        seat.can(Permission.REVIEW)
        and seat.role != Role.OBSERVER
        and seat.presence() != Member.Presence.TERMINATED
    )


def rank(fit: Iterable[Member], load: dict[int, int], chosen: dict[int, datetime]) -> list[Member]:
    """Fewest open reviews first, then never chosen, then chosen longest ago, then longest here."""

    def key(seat: Member) -> tuple[int, float, datetime, int]:
        last = chosen.get(seat.pk)
        return load.get(seat.pk, 0), last.timestamp() if last else 0.0, seat.joined_at, seat.pk

    return sorted(fit, key=key)


def find_reviewer(task: Task, name: str) -> Member:
    """The member of that name where they may review `task`; else Invalid with the reason."""
    names = [seat.name for seat in task.team.members.seated()]
    seat = task.team.members.exclude(kind=Member.Kind.SYSTEM).filter(key=fold(name)).first()
    if seat is None:
        near = did_you_mean(closest(name, names))
        raise Invalid(fields={"reviewer": f"The team has no member “{name}”.{near}"})
    if why := why_not(task, seat):
        raise Invalid(fields={"reviewer": why})
    return seat


def why_not(task: Task, seat: Member) -> str:
    """Why `seat` cannot review `task`, as a sentence; empty where they can."""
    if seat.left_at is not None:
        return f"{seat.name} has left the team."
    if seat.terminated_at is not None:
        return f"{seat.name} has been shut down."
    if not seat.can(Permission.REVIEW):
        return f"{seat.name} may not review here."
    if seat.pk == task.owner_id and not task.team.allow_self_approval:
        return f"{seat.name} owns #{task.number} and cannot review it."
    return ""


def judges_in(team: Team) -> list[int]:
    """The keys of the people in `team` who may review; one query."""
    people = team.members.filter(kind=Member.Kind.HUMAN, left_at=None)
    return [seat.pk for seat in people if seat.can(Permission.REVIEW)]


def turn_of(task: Task, *, blockers: Sequence[int] = (), plan: str = "", decider: str = "") -> Turn:
    """`agenda.turn` with all that it asks for; one query where no reviewer was chosen."""
    asks_all = task.review_state == ReviewState.REVIEW and task.reviewer_id is None
    judges = judges_in(task.team) if asks_all else None
    return turn(task, blockers=blockers, plan=plan, decider=decider, judges=judges)


def is_valid(task: Task) -> bool:
    """Whether the card's reviewer can still give the verdict."""
    return task.reviewer is not None and not why_not(task, task.reviewer)


def hint(team: Team) -> str:
    """Who would be chosen next, for the head of the board's column; empty where nobody would."""
    chosen = next_in(team) if team.allows(Allows.PLANS) else None
    return f"next: {chosen.name}" if chosen else ""
