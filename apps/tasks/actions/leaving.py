"""What happens to cards when who holds them leaves, or when the team counts differently."""

from __future__ import annotations

from apps.tasks.actions.shared import renew, save_task
from apps.tasks.actions.work import apply_step
from apps.tasks.models import Task
from apps.tasks.moves import Status
from apps.teams import events
from apps.teams.lifecycle import State
from apps.teams.models import Member, Team


def let_go(actor: Member, seat: Member) -> None:
    """Running tasks of an ended seat go back to TODO, and what it had not begun is nobody's.

    What it completed stays its own. A seat whose run is over but that did not end also keeps what
    it had not begun: a newer run may.
    """
    note = _why(actor.team, seat)
    held = Task.objects.filter(owner=seat, status__in=(Status.IN_PROGRESS, Status.PENDING))
    for task in held.order_by("number"):
        task.team = actor.team
        if task.status == Status.IN_PROGRESS:
            apply_step(actor, task, "release", note=note)
        elif seat.left_at is not None:
            _disown(actor, task)


def _why(team: Team, seat: Member) -> str:
    if seat.left_at is None:
        return f"{seat.name} has shut down."
    return (
        "The team was disbanded."
        if team.state == State.DISBANDED
        else f"The seat of {seat.name} ended."
    )


def _disown(actor: Member, task: Task) -> None:
    task.owner = None
    save_task(task, "owner")
    events.record(actor, "task.edited", **task.as_fact(), changed=["owner"], owner=None)


def renew_waiting(actor: Member, team: Team, changed: frozenset[str]) -> None:
    """Where a team counts finished dependencies differently, the cards that wait look different."""
    if "dependencies_wait_for_approval" not in changed:
        return
    waiting = Task.objects.filter(team=team, waiting_on__isnull=False).on_board()
    renew(team, set(waiting.values_list("number", flat=True)))
