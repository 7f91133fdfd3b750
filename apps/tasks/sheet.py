"""Everything the page of one task shows, read at once. Reads only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from django.db.models import Q
from django.urls import reverse

from apps.tasks import flow
from apps.tasks.flow import Interval
from apps.tasks.models import Comment, Dependency, Task
from apps.tasks.models.task import Asked, finished
from apps.tasks.moves import Column
from apps.tasks.rights import Offer, offers
from apps.teams.models import Event, Member, Team
from apps.teams.words import Words, in_words

HISTORY = 60
COMMENTS = 200


class References(NamedTuple):
    """What names and numbers in a text link to."""

    members: Mapping[str, str]
    task_url: Callable[[int], str | None]


class Linked(NamedTuple):
    """A card that hangs together with another one."""

    number: int
    subject: str
    column: str
    is_finished: bool


class Line(NamedTuple):
    """One line of the history."""

    event: Event
    words: Words


class Stretch(NamedTuple):
    """What went on, and since when; without `since` the journal no longer knows its beginning."""

    what: str
    time: Interval

    @property
    def seconds(self) -> int | None:
        """How long it took; None while it goes on or where that is not known."""
        if self.time.since is None or self.time.until is None:
            return None
        return int((self.time.until - self.time.since).total_seconds())


@dataclass(frozen=True)
class Sheet:
    """The page of a task as `member` sees it."""

    task: Task
    labels: list[str]
    blockers: list[Linked]
    blocks: list[Linked]
    related: list[Linked]
    comments: list[Comment]
    more_comments: int
    history: list[Line]
    stretches: list[Stretch]
    offers: list[Offer]
    members: list[Member]
    references: References
    may_edit: bool
    may_answer: bool
    may_ask: bool
    may_comment: bool


def sheet_for(member: Member, number: int) -> Sheet:
    """Task #number of the member's team with all that its page shows, or NotFound."""
    team = member.team
    task = Task.objects.visible_to(member).select_related("created_by").numbered(number)
    task.team = team
    people = list(team.members.seated())
    latest = Comment.objects.filter(task=task).select_related("author")
    latest = latest.prefetch_related("artifacts")
    comments = list(latest.order_by("-created_at", "-pk")[:COMMENTS])[::-1]
    events = _events(task)
    allows = team.allows
    return Sheet(
        task=task,
        labels=[label.name for label in task.labels.all()],
        comments=comments,
        more_comments=max(0, task.comment_count - len(comments)),
        history=[Line(event, in_words(event)) for event in events[:HISTORY]],
        stretches=stretches(task, events),
        offers=offers(member, task),
        members=people,
        references=references(team, people),
        may_edit=member.may_edit_tasks and allows("tasks"),
        may_answer=(member.is_leader or member.can("manage_tasks")) and allows("messages"),
        may_ask=_may_ask(member, task) and allows("messages"),
        may_comment=member.can("send_messages") and allows("messages"),
        **_linked(task),
    )


def _may_ask(member: Member, task: Task) -> bool:
    if task.column == Column.TRASH or member.left_at is not None:
        return False
    return member.can("manage_tasks") or task.owner_id == member.pk


def _events(task: Task) -> list[Event]:
    """The card's own lines of the journal, the latest first."""
    found = Event.objects.filter(team_id=task.team_id, task=task.number).select_related("actor")
    events = list(found.order_by("-seq")[:400])
    for event in events:
        event.team = task.team
    return events


def _linked(task: Task) -> dict[str, list[Linked]]:
    """Both directions of both kinds of edges, in two queries."""
    over = set(
        Task.objects.filter(Q(blocking__blocked=task) | Q(waiting_on__blocker=task))
        .filter(finished(wait_for_approval=task.team.dependencies_wait_for_approval))
        .values_list("pk", flat=True)
    )
    edges = Dependency.objects.filter(Q(blocked=task) | Q(blocker=task))
    blockers, blocks = [], []
    for edge in edges.select_related("blocker", "blocked"):
        if edge.blocked_id == task.pk:
            blockers.append(edge.blocker)
        else:
            blocks.append(edge.blocked)
    return {
        "blockers": _links(blockers, over),
        "blocks": _links(blocks, over),
        "related": _links(task.related.all(), set()),
    }


def _links(tasks: object, over: set[int]) -> list[Linked]:
    found = sorted(tasks, key=lambda other: other.number)  # type: ignore[call-overload]
    return [Linked(t.number, t.subject, t.column.label, t.pk in over) for t in found]


def references(team: Team, members: list[Member]) -> References:
    """How texts of this team link: names of its members, numbers of its cards."""
    highest = team.task_watermark

    def task_url(number: int) -> str | None:
        return reverse("task", args=[team.address, number]) if number <= highest else None

    return References({member.name: member.name for member in members}, task_url)


def stretches(task: Task, events: list[Event]) -> list[Stretch]:
    """When the card was worked on, in review, and waiting for a person; the latest first.

    `events` are the latest first, too.
    """
    facts = sorted(map(flow.fact_of, reversed(events)), key=lambda fact: fact.at)
    waits = {"question": "Waiting for an answer", "plan": "Waiting for a decision"}
    found = [
        *(Stretch("In progress", one) for one in flow.work_intervals(facts)),
        *(Stretch("In review", one) for one in flow.review_intervals(facts)),
        *(
            Stretch(waits[one.what], one)
            for one in flow.waiting_intervals(facts)
            if one.what in waits
        ),
    ]
    open_now = {
        "In progress": task.column == Column.IN_PROGRESS,
        "In review": task.column == Column.REVIEW,
        "Waiting for an answer": task.needs_input == Asked.HUMAN,
    }
    shown = [one for one in found if one.time.until is not None or open_now.get(one.what, True)]
    return sorted(shown, key=lambda one: one.time.since or facts[0].at, reverse=True)
