from __future__ import annotations

from collections.abc import Collection, Iterable

from django.db.models import F
from django.utils import timezone

from apps.core.closest import closest, did_you_mean
from apps.core.errors import Invalid
from apps.core.prepared import NUMBER, OTHER, Prepared
from apps.core.statements import fetch, here
from apps.core.storing import LARGEST, update
from apps.core.text import fold
from apps.messaging.actions import post
from apps.tasks.models import Task
from apps.tasks.models.task import STEP, no_such_task
from apps.tasks.moves import Column, Status
from apps.teams.access import system_seat
from apps.teams.actions import lock_team
from apps.teams.lifecycle import Allows
from apps.teams.models import Member, Team

TOP = (
    f"SELECT position FROM {Task._meta.db_table} "  # noqa: S608
    "WHERE team_id = %s AND board_column = %s ORDER BY position LIMIT 1"
)
CARD = Prepared(Task, lambda tasks: tasks.filter(team_id=NUMBER, number=OTHER).order_by())
DEPENDENTS = Prepared(
    Task,
    lambda tasks: (
        tasks.filter(waiting_on__blocker_id=NUMBER, internal=False)
        .exclude(status=Status.DELETED)
        .order_by("number")
        .values_list("number")
    ),
)
PLACE = ("status", "position", "started_at", "completed_at", "deleted_at", "stalled_at",
         "worked_seconds")  # fmt: skip


def lock_task(actor: Member, number: int) -> Task:
    """The first beat: the team's row held, the card read behind it."""
    team = lock_team(actor)
    found = CARD.objects(team.pk, number) if number <= LARGEST else []
    if not found:
        raise no_such_task(number)
    task = found[0]
    task.team = team
    if task.owner_id == actor.pk:
        task.owner = actor
    return task


def save_task(task: Task, *fields: str) -> None:
    """Save `fields`, and note that the card looks different now."""
    task.version += 1
    task.updated_at = timezone.now()
    update(task, *fields, "version", "updated_at")


def renew(team: Team, numbers: Collection[int]) -> None:
    """Note that these cards look different now, without reading them."""
    cards = Task.objects.filter(team=team, number__in=numbers)
    cards.update(version=F("version") + 1, updated_at=timezone.now())


def put_on_top(task: Task, column: str) -> None:
    """Give the card the first place of `column`. Saves nothing."""
    # Every move asks this: the ORM takes ten times as long.
    top = fetch(here(), TOP, [task.team_id, str(column)])
    task.position = top[0][0] - STEP if top else 0.0


def renew_dependents(task: Task, *, was_finished: bool) -> list[int]:
    """Where the card was or became finished: renew the cards that wait for it.

    Returns their numbers, for the event and then for `tell_ready`.
    """
    if task.is_finished == was_finished:
        return []
    numbers = [number for (number,) in DEPENDENTS.rows(task.pk)]
    if numbers:
        renew(task.team, numbers)
    return numbers


def tell_ready(task: Task, numbers: Collection[int]) -> None:
    """Tell the owners of those of the cards `numbers` that can start now, `task` being finished."""
    if not numbers or not task.is_finished:
        return
    waiting = Task.objects.filter(team=task.team, number__in=numbers, board_column=Column.TODO)
    _tell_owners(task, waiting.blocked(task.team, yes=False).with_people().order_by("number"))


def _tell_owners(task: Task, unblocked: Iterable[Task]) -> None:
    system: Member | None = None
    for waiting in unblocked:
        if waiting.holder is None:
            continue
        system = system or system_seat(task.team)
        post(
            system,
            "system_notification",
            [waiting.holder],
            subject=f"#{waiting.number} is ready to start",
            body=f"#{task.number} is finished, and nothing else blocks #{waiting.number}.",
            tasks=[waiting.number],
        )


def find_owner(team: Team, name: str | None) -> Member | None:
    """The live, working seat of that name; Invalid where there is none."""
    if not name:
        return None
    owner = team.members.seated().filter(key=fold(name)).first()
    if owner is None:
        names = [seat.name for seat in team.members.seated() if seat.can("work")]
        some = f"{', '.join(names[:10])}{' and more' if len(names) > 10 else ''}"
        others = f"Those who work are: {some}." if names else "Nobody works here yet."
        hint = did_you_mean(closest(name, names)).lstrip() or others
        raise Invalid(fields={"owner": f"The team has no member “{name[:64]}”."}, hint=hint)
    if not owner.can("work"):
        raise Invalid(fields={"owner": f"{owner.name} does not work on tasks here."})
    return owner


def assign(actor: Member, task: Task, *, before: Member | None = None) -> None:
    """Tell the owner of a card that it is theirs, and the one `before` that it no longer is.

    Nobody is told what they did themselves.
    """
    if not task.team.allows(Allows.MESSAGES):
        return
    if before is not None and before.pk != actor.pk and before.left_at is None:
        now = f"{task.owner.name} owns it now." if task.owner else "Nobody owns it now."
        post(
            actor,
            "system_notification",
            [before],
            subject=f"#{task.number} is no longer yours: {task.subject}",
            body=f"{now} Stop working on it, and comment what they should know.",
            tasks=[task.number],
        )
    if task.owner is not None and task.owner_id != actor.pk:
        _hand_over(actor, task, task.owner)


def _hand_over(actor: Member, task: Task, owner: Member) -> None:
    post(
        actor,
        "task_assignment",
        [owner],
        subject=f"#{task.number} is yours: {task.subject}",
        body=task.description,
        payload={
            "task_id": str(task.number),
            "subject": task.subject,
            "description": task.description,
            "assigned_by": actor.name,
        },
        tasks=[task.number],
    )
