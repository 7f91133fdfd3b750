"""Follow a Claude Code home while it lives: its files become our actions, our news its files."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from django.db import close_old_connections, connection

from apps.claude.catching import Catcher, Rows, undecided, with_gone_rows
from apps.claude.formats import Epoch, TeamTree, home_problems, read_team, team_names
from apps.claude.health import (
    note_change,
    note_gone,
    note_troubles,
    started,
    still_looking,
    stopped,
)
from apps.claude.inotify import Inotify
from apps.claude.intake import Memory, Taken, take_in
from apps.claude.models import TeamFiles
from apps.claude.orders import Outcome, carry_out
from apps.claude.origins import READ_ONLY, note_problems
from apps.claude.outbox import check_handovers
from apps.claude.seats import Names
from apps.claude.sending import orders_for, settle
from apps.claude.watching import Watcher
from apps.teams import events
from apps.teams.models import Team

log = logging.getLogger(__name__)
CHECK_SECONDS = 1.0
SWEEP_SECONDS = 30.0
SOON_SECONDS = 0.15
LATER_SECONDS = 5.0
# A file that is torn this often in a row is broken rather than being written.
LOOKS = 6
# A new card gets its file first, then its edges and what is said about it.
ROUNDS = 5


@dataclass
class _Followed:
    """One folder: what was read of it last, and when to look again."""

    name: str
    tree: TeamTree | None = None
    files: TeamFiles | None = None
    names: Names | None = None
    memory: Memory = field(default_factory=Memory)
    seq: int = -1
    looks: int = 0
    due: float = 0.0
    failing: bool = False
    told: list[str] = field(default_factory=list)


class Follower:
    """Keeps the teams of one home and ours in step, from one thread."""

    def __init__(self, home: Path, *, tell: Callable[[str], object] = log.info) -> None:
        self.home = home.resolve()
        self.tell = tell
        self.teams: dict[str, _Followed] = {}
        self._wakes: queue.SimpleQueue[str | int] = queue.SimpleQueue()
        self._catcher = Catcher(self.home)
        self._notify: Inotify | None = None

    def run(self, stop: threading.Event) -> None:
        """Follow until `stop` is set."""
        self._notify = Inotify(self._catcher.catch, stop)
        self._notify.watch(self.home / "teams", below=2)
        self._notify.start()
        Watcher(self.home, touched=self._touched, wake=self._wakes.put, stop=stop).start()
        forget = events.listen(self._wakes.put)
        try:
            self.sweep()
            self._run(stop)
        finally:
            forget()
            stopped(self._followed_files())
            connection.close()

    def _touched(self, path: Path) -> None:
        """From the watcher's thread: a file that changed may be an inbox, in a new folder too."""
        self._catcher.catch(path)
        if path.parent.name == "inboxes" and self._notify:
            self._notify.watch(path.parent)

    def _run(self, stop: threading.Event) -> None:
        swept = checked = time.monotonic()
        while not stop.is_set():
            names, teams = self._woken()
            now = time.monotonic()
            if now - checked >= CHECK_SECONDS:
                close_old_connections()
                checked = now
                teams |= self._with_news()
            if now - swept >= SWEEP_SECONDS:
                swept = now
                still_looking(self._followed_files(well=True))
                names |= set(team_names(self.home)) | set(self.teams)
            names |= {name for name, team in self.teams.items() if 0 < team.due <= now}
            self.look_at(names)
            self.send_for(teams)

    def _woken(self) -> tuple[set[str], set[int]]:
        """The folders and the teams that have news; waits a moment where there are none."""
        found: list[str | int] = []
        try:
            found.append(self._wakes.get(timeout=self._patience()))
            while True:
                found.append(self._wakes.get_nowait())
        except queue.Empty:
            pass
        folders = {wake for wake in found if isinstance(wake, str)}
        return folders, {wake for wake in found if isinstance(wake, int)}

    def _patience(self) -> float:
        due = [team.due for team in self.teams.values() if team.due]
        return min([CHECK_SECONDS, *(max(0.01, at - time.monotonic()) for at in due)])

    def sweep(self) -> None:
        """Look at every team of the home."""
        self.look_at(team_names(self.home))

    def look_at(self, names: Iterable[str]) -> None:
        """Take in what these folders say now, and hand them what we have for them."""
        for name in sorted(names):
            team = self.teams.setdefault(name, _Followed(name))
            with self._in_spite_of_all(team, "Looking at"):
                self._look(team)
                team.failing = False

    @contextmanager
    def _in_spite_of_all(self, team: _Followed, doing: str) -> Iterator[None]:
        """What fails for one team, for whatever reason, is told and tried again: others go on."""
        try:
            yield
        except Exception:
            log.exception("%s the files of %s failed; trying again.", doing, team.name)
            team.due, team.failing = time.monotonic() + LATER_SECONDS, True

    def _look(self, team: _Followed) -> None:
        team.due = 0.0
        # Before the files are read: a row that comes after the reading is not one that is gone.
        caught, before = self._catcher.take(team.name), team.tree
        try:
            taken = self._take_in(team, caught)
        except BaseException:  # whatever it was, nothing was stored
            team.tree = before
            self._catcher.give_back(team.name, caught)
            raise
        if taken is not None:
            self._after(team, taken)

    def _take_in(self, team: _Followed, caught: Rows) -> Taken | None:
        """Store what the files say now; None where they are gone, or not there yet."""
        before, tree = team.tree, read_team(self.home, team.name, team.tree)
        passing = any(problem.passing for problem in tree.problems)
        team.looks = team.looks + 1 if passing else 0
        patient = passing and team.looks < LOOKS
        if patient:
            team.due = time.monotonic() + SOON_SECONDS
            if _is_being_founded(tree):
                self._catcher.give_back(team.name, caught)
                return None
        team.tree = tree
        self._catcher.give_back(team.name, undecided(tree, before, caught))
        if tree.is_empty or self._has_left(team, tree):
            self._gone(team, tree)
            return None
        whole = with_gone_rows(tree, before, caught)
        return take_in(whole, home=str(self.home), memory=team.memory, patient=patient)

    def _after(self, team: _Followed, taken: Taken) -> None:
        first = team.files is None or (taken.files and team.files.pk != taken.files.pk)
        team.files, team.names = taken.files, taken.names
        if team.files is None or taken.refused:
            team.names = None
            self._tell_once(team, taken)
            return
        if self._notify:
            self._notify.watch(self.home / "teams" / team.name, below=1)
        if first:
            started(team.files)
            self.tell(f"Following {team.name} at /teams/{team.files.team.slug}/")
        grows = team.files.epoch == Epoch.CHOSEN
        (self._catcher.growing.add if grows else self._catcher.growing.discard)(team.name)
        if taken.has_news:
            note_change(team.files)
        self._send(team, check=True)

    def _tell_once(self, team: _Followed, taken: Taken) -> None:
        """A folder that has no page yet can be told of here only."""
        words = [taken.refused, *(problem.sentence for problem in taken.problems[:1])]
        if team.files is None and words != team.told:
            team.told = words
            self.tell(f"{team.name} is not followed. {' '.join(words)}")

    def _has_left(self, team: _Followed, tree: TeamTree) -> bool:
        """Whether the team's own folder is gone, as at the end of a session; its tasks may stay."""
        if team.files is None or not team.files.incarnation or tree.config is not None:
            return False
        folder = self.home / "teams" / team.name
        return not tree.is_shut(folder) and not folder.is_dir()

    def _gone(self, team: _Followed, tree: TeamTree) -> None:
        if team.files is None or team.files.gone_at is not None:
            return
        if problems := home_problems(self.home):
            # Nobody can see what became of it; the next sweep looks again.
            note_problems(team.files, tree, problems)
            return
        note_gone(team.files)
        self.tell(f"The files of {team.name} are gone; its board stays.")

    # From here to the files ------------------------------------------------------------------

    def _with_news(self) -> set[int]:
        """Teams that were written to by another process, or whose files refused for a while."""
        ours = {team.files.team_id: team for team in self.teams.values() if team.files}
        rows = Team.objects.filter(pk__in=ours).values_list("pk", "seq")
        return {pk for pk, seq in rows if seq != ours[pk].seq}

    def send_for(self, teams: Container[int]) -> None:
        """Hand the files of these teams what is waiting for them."""
        for team in self.teams.values():
            if team.files is None or team.files.team_id not in teams:
                continue
            with self._in_spite_of_all(team, "Writing"):
                self._send(team)

    def _send(self, team: _Followed, *, check: bool = False) -> None:
        if team.files is None or team.tree is None or team.names is None:
            return
        files = TeamFiles.objects.select_related("team").get(pk=team.files.pk)
        team.files, team.seq = files, files.team.seq
        if files.team.state in READ_ONLY or files.gone_at is not None:
            return
        team.names = Names(team.tree, files.team)
        if check:
            check_handovers(
                files, team.tree, locking=team.name in self._catcher.lockers,
                lost=self._catcher.lost(team.name),
            )  # fmt: skip
        folder = self.home / "teams" / team.name
        if not folder.is_dir() and not (self.home / "tasks" / team.name).is_dir():
            return
        refused: list[Outcome] = []
        for _ in range(ROUNDS):
            orders = orders_for(files, team.names, list(team.tree.inboxes))
            outcomes = list(carry_out(self.home, team.name, orders, witness=self._catcher))
            team.memory.of(files).ours.update(settle(files, outcomes, team.tree))
            refused = [outcome for outcome in outcomes if outcome.refused]
            if len(refused) == len(outcomes):
                break
        self._note_refusals(team, files, refused)

    def _note_refusals(self, team: _Followed, files: TeamFiles, refused: Sequence[Outcome]) -> None:
        note_troubles(files, refused)
        if refused:
            passing = all(outcome.passing for outcome in refused)
            team.due = time.monotonic() + (SOON_SECONDS if passing else LATER_SECONDS)

    def _followed_files(self, *, well: bool = False) -> list[TeamFiles]:
        """The teams that are followed; of `well` ones, those whose last look or writing went well.

        Of the others nobody may claim that they are looked at.
        """
        teams = (team for team in self.teams.values() if not (well and team.failing))
        return [team.files for team in teams if team.files is not None]


def _is_being_founded(tree: TeamTree) -> bool:
    """Whether the files that declare members are being written: without them all is guesswork."""
    return any(
        problem.passing and problem.path.name in ("config.json", "members.meta.json")
        for problem in tree.problems
    )
