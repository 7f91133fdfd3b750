"""From what a team's files say to what this site keeps of it. Twice is the same as once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from django.db.models import F

from apps.claude import formats
from apps.claude.cards import CardNews, observe_cards
from apps.claude.formats import Problem, TeamTree, read_team, team_names
from apps.claude.letters import Known, MailNews, observe_mail
from apps.claude.models import TeamFiles
from apps.claude.origins import READ_ONLY, find_files, found_files, keep_up, note_problems
from apps.claude.placing import follow_order
from apps.claude.seats import Names, seen_seats
from apps.tasks.actions.sweep import unflag
from apps.tasks.models import Task
from apps.teams.access import system_seat
from apps.teams.actions import transition_team
from apps.teams.actions.adopting import adopt_team
from apps.teams.actions.observe import observe_seats, show_to_administrators
from apps.teams.lifecycle import State
from apps.teams.models import Member


@dataclass
class Taken:
    """What one reading of a team's files brought; `refused` says why nothing was taken over."""

    folder: str
    files: TeamFiles | None = None
    is_new: bool = False
    refused: str = ""
    seats: int = 0
    changed_seats: int = 0
    cards: CardNews = field(default_factory=CardNews)
    mail: MailNews = field(default_factory=MailNews)
    problems: tuple[Problem, ...] = ()
    new_problems: list[Problem] = field(default_factory=list)
    names: Names | None = None

    @property
    def has_news(self) -> bool:
        """Whether anything was written."""
        cards, mail = self.cards, self.mail
        return bool(
            self.is_new or self.changed_seats or self.new_problems or cards.created
            or cards.changed or cards.gone or mail.stored or mail.added or mail.read
        )  # fmt: skip


class Memory:
    """What one team's messages were at the last look."""

    def __init__(self) -> None:
        self._known: dict[int, Known] = {}

    def of(self, files: TeamFiles) -> Known:
        """What is known of the messages of these files."""
        if files.pk not in self._known:
            self._known = {files.pk: Known(files)}
        return self._known[files.pk]


def take_in_home(home: Path) -> Iterator[Taken]:
    """Take in every team of `home`, one after the other."""
    for name in team_names(home):
        tree = read_team(home, name)
        if not tree.is_empty:
            yield take_in(tree)


def take_in(
    tree: TeamTree, *, home: str = "", memory: Memory | None = None, patient: bool = False,
    owner: Member | None = None,
) -> Taken:  # fmt: skip
    """Take in one team as its files are now. `home` names the place where they are.

    `memory` spares asking the database what it already has. Who is `patient` looks again soon, so
    that a file which is just being written is no problem yet. With an `owner`, the files come from
    elsewhere in that member's name: no other place's team is taken for theirs, and they lead it.
    """
    taken = Taken(tree.name, problems=tree.problems)
    place = home or str(tree.home.resolve())
    taken.files = files = find_files(tree, place, copies=owner is None)
    if files is not None and files.team.state in READ_ONLY:
        taken.refused = f"The team is {files.team.state} here; its files are left alone."
        return taken
    taken.refused = _why_not(tree)
    if taken.refused:
        if files is not None and not patient:
            taken.new_problems = note_problems(files, tree, tree.problems)
        return taken
    taken.is_new = files is None
    if files is None:
        files = found_files(tree, place)
    else:
        keep_up(files, tree, place)
    taken.files = files
    _observe(taken, files, tree, memory or Memory(), owner)
    if not patient:
        taken.new_problems = note_problems(files, tree, tree.problems)
    return taken


def _why_not(tree: TeamTree) -> str:
    if tree.is_foreign:
        return "The team file belongs to another product."
    if not (tree.config or tree.meta or tree.inboxes or tree.tasks):
        return "No file of it can be read."
    return ""


def _observe(
    taken: Taken, files: TeamFiles, tree: TeamTree, memory: Memory, owner: Member | None
) -> None:
    system = system_seat(files.team)
    known = memory.of(files)
    tree = known.without_ours(tree)
    roster = formats.roster(tree)
    seats = seen_seats(tree, files.team, roster)
    taken.seats = sum(seat.ended_at is None for seat in seats)
    taken.changed_seats = len(observe_seats(system, seats))
    if taken.is_new:
        show_to_administrators(files.team)
        if owner is not None and owner.user is not None:
            adopt_team(owner.user, files.team)
    taken.names = names = Names(tree, files.team, roster)
    taken.cards = observe_cards(files, tree, names)
    follow_order(files, tree.kanban, first=taken.is_new)
    taken.mail = observe_mail(files, tree, names, known)
    _back_at_work(files)
    if taken.is_new and tree.config and tree.config.deleted_at:
        transition_team(system, State.ARCHIVED)


def _back_at_work(files: TeamFiles) -> None:
    """Take the flag off running cards whose owner runs and was seen since it was set."""
    stalled = Task.objects.filter(
        team=files.team, owner__last_seen_at__gt=F("stalled_at"), owner__terminated_at=None
    )
    for owner in Member.objects.filter(pk__in=stalled.values("owner")):
        unflag(owner)
