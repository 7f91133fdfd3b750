"""The order of cards that a supervising app keeps in its board file."""

from __future__ import annotations

from collections.abc import Sequence

from apps.claude.formats import Kanban
from apps.claude.models import TeamFiles
from apps.core.actions import action
from apps.tasks.actions import position_task
from apps.tasks.models import Task
from apps.teams.access import system_seat
from apps.teams.lifecycle import Allows


@action
def follow_order(files: TeamFiles, kanban: Kanban | None, *, first: bool) -> None:
    """Take over the columns whose order is news: first what it lists, then all other cards.

    At the `first` look the cards were placed when they were made.
    """
    if kanban is None:
        return
    now = {column: list(names) for column, names in kanban.column_order.items()}
    if now == files.column_order:
        return
    news = [column for column in now if now[column] != files.column_order.get(column)]
    files.column_order = now
    files.save(update_fields=["column_order"])
    if not first and files.team.allows(Allows.TASKS):
        numbers = dict(files.cards.filter(gone_at=None).values_list("file_id", "task__number"))
        for column in news:
            _arrange(files, column, [numbers[name] for name in now[column] if name in numbers])


def _arrange(files: TeamFiles, column: str, wanted: Sequence[int]) -> None:
    """Bring the listed cards to the top in their order; a card in its place stays untouched."""
    cards = Task.objects.filter(team=files.team).in_column(column)
    here = list(cards.values_list("number", flat=True))
    listed = [number for number in dict.fromkeys(wanted) if number in set(here)]
    if not listed or here[: len(listed)] == listed:
        return
    system = system_seat(files.team)
    if here[0] != listed[0]:
        position_task(system, listed[0], before=here[0])
        here.remove(listed[0])
        here.insert(0, listed[0])
    for place, number in enumerate(listed[1:], 1):
        if here[place] != number:
            position_task(system, number, after=listed[place - 1])
            here.remove(number)
            here.insert(place, number)
