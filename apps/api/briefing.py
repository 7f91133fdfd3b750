"""What a member needs to go on, as one text and as data; the same size however large the team."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.utils import timezone

from apps.api import counts, shapes
from apps.api.models import Briefed
from apps.api.next_step import Line, Step, next_step
from apps.core.actions import action
from apps.core.prepared import NUMBER, OTHER, Prepared
from apps.core.text import one_line
from apps.core.timetext import ago
from apps.messaging.kinds import summary
from apps.messaging.models import Delivery, Message
from apps.reviews.models import Plan
from apps.tasks.agenda import Who, turn
from apps.tasks.models import Task
from apps.tasks.models.task import Priority
from apps.tasks.moves import ReviewState, Status
from apps.teams.lifecycle import Allows
from apps.teams.models import Event, Member
from apps.teams.permissions import Permission
from apps.teams.words import in_words

LONGEST = 6_000
MOST_CHANGES = 12
LINE = 150
PLAN_NOTES = {
    "submit_plan": "needs a plan first",
    "decide_plan": "your plan waits for its decision",
}
QUIET = ("message.", "session.", "task.moved")
# How much is shown where all of it would be too long: lines a section, characters of the rules.
SIZES = ((10, 1_600), (8, 1_200), (6, 1_000), (4, 700), (3, 400), (2, 200), (1, 100))


SHUTDOWNS = Prepared(
    Message,
    lambda _: (
        Message.objects.filter(
            team_id=OTHER,
            kind="shutdown_request",
            deliveries__recipient_id=NUMBER,
            deliveries__answered_at=None,
            deliveries__archived_at=None,
        )
        .order_by("-pk")
        .values_list("pk")[:1]
    ),
)


class Part(NamedTuple):
    """A heading, how many there are in all, and the first of them."""

    title: str
    total: int
    lines: list[Line]

    def text(self, most: int) -> str:
        """The heading and up to `most` lines; empty where there is nothing."""
        if not self.total:
            return ""
        shown = self.lines[:most]
        left = self.total - len(shown)
        more = [f"- … and {left} more"] if left > 0 else []
        return "\n".join(
            [f"{self.title} ({self.total}):", *(f"- {line.text}" for line in shown), *more]
        )


class Told(NamedTuple):
    """A briefing, and the step that it ends with."""

    data: dict[str, Any]
    step: Step


def brief(member: Member, *, since: int | None = None, peek: bool = False) -> Told:
    """All that `member` needs to go on, as of now; the next one tells what changed since this one.

    `since` is a journal number to tell changes from. With `peek`, a briefing that has nothing to
    say does not count as one.
    """
    seq = member.team.seq
    before = _last(member)
    start = min(seq, since if since is not None else before if before is not None else seq)
    parts = parts_of(member, start)
    step = next_step(member, {name: part.lines for name, part in parts.items()}, _shutdown(member))
    if not (peek and step.is_idle) and before != seq:
        note(member, seq)
    data = {
        "text": as_text(member, parts, step),
        "me": _me(member, parts),
        "may": [Permission(word).label for word in sorted(member.permissions)],
        "rules": member.team.protocol,
        **{name: [{"id": line.id, "line": line.text} for line in part.lines]
           for name, part in parts.items()},
        "since": start,
        "seq": seq,
        "next_step": step.as_dict(member.team.slug),
    }  # fmt: skip
    return Told(data, step)


def _last(member: Member) -> int | None:
    return Briefed.objects.filter(member=member).values_list("seq", flat=True).first()


@action
def note(member: Member, seq: int) -> None:
    """Remember that `member` was told everything up to `seq`."""
    Briefed.objects.update_or_create(member=member, defaults={"seq": seq, "at": timezone.now()})


def _me(member: Member, parts: dict[str, Part]) -> dict[str, Any]:
    names = ("running", "ready", "reviews", "plans", "questions", "care", "unread")
    return {
        **shapes.of_member(member),
        "team": shapes.of_team_line(member.team),
        "counts": {name: parts[name].total for name in names},
    }


def parts_of(member: Member, since: int) -> dict[str, Part]:
    """Everything that `member` is told of, by name; whose turn a card is, says the agenda."""
    now = timezone.now()
    kinds, planned = counts.kinds(member), _planned(member)
    begin = "You could start" if member.team.allows(Allows.WORK) else "Ready when work goes on"
    plans, asked = counts.plans(member), counts.by_kind(counts.calls(member))

    def part(name: str, title: str, line: Callable[[Any], Line]) -> Part:
        kind = kinds.get(name)
        shown = kind.first(member) if kind else []
        total = kind.count(member) if kind and len(shown) == counts.MOST else len(shown)
        return Part(title, total, [line(one) for one in shown])

    def listed(title: str, found: Sequence[Any], line: Callable[[Any], Line]) -> Part:
        return Part(title, len(found), [line(one) for one in found[: counts.MOST]])

    return {
        "running": part("running", "You are working on", lambda task: _running_line(member, task)),
        "ready": part("ready", begin, lambda task: _ready_line(member, task, planned)),
        "my_plans": part("my_plans", "Your plans", _own_plan_line),
        "reviews": listed("Your verdict is asked for", asked["reviews"], _review_line),
        "plans": listed("Your decision is asked for", plans, _decision_line),
        "questions": listed("Your answer is asked for", asked["questions"], _asked_line),
        "care": listed("Needs your care", asked["care"], _care_line),
        "unread": part("unread", "Unread messages, newest first", lambda c: _unread_line(c, now)),
        "changes": _changes(member, since),
    }


def _running_line(member: Member, task: Task) -> Line:
    task.team, task.owner = member.team, member
    notes = []
    if task.plan_steps:
        notes.append(f"plan {task.plan_done}/{task.plan_steps}")
    return _line(task, [*notes, *_question(task)], turn(task).action)


def _question(task: Task) -> list[str]:
    return [f"waits for an answer: {one_line(task.question, 60)}"] if task.needs_input else []


def _ready_line(member: Member, task: Task, planned: Mapping[int | None, str]) -> Line:
    """What the turn would be where the member took the card, which nothing blocks."""
    notes = [] if task.owner_id != member.pk else ["yours"]
    if task.priority != Priority.NORMAL:
        notes.append(Priority(task.priority).name.lower())
    if task.review_state == ReviewState.NEEDS_FIX:
        notes.append("needs a fix")
    notes += _question(task)
    task.team, task.owner = member.team, member
    action = turn(task, plan=planned.get(task.pk, "")).action
    notes += [PLAN_NOTES[action]] if action in PLAN_NOTES else []
    return _line(task, notes, action)


def _review_line(one: counts.Asked) -> Line:
    task = one.task
    by = [f"by {task.owner.name}"] if task.owner else []
    return _line(task, [*by, f"round {task.review_round}"])


def _asked_line(one: counts.Asked) -> Line:
    task = one.task
    by = f"{task.owner.name} asks: " if task.owner else ""
    text = f"#{task.number} {one_line(task.subject, 60)}: {by}{task.question}"
    return Line(task.number, one_line(text, LINE))


def _care_line(one: counts.Asked) -> Line:
    text = f"#{one.task.number} {one_line(one.task.subject, 60)}: {one.call.turn.why}"
    late = " It is late." if one.call.turn.who == Who.REVIEWER else ""
    return Line(one.task.number, one_line(text + late, LINE), one.call.kind)


def _decision_line(plan: Plan) -> Line:
    return Line(plan.pk, _plan_line(plan), plan=plan)


def _plan_line(plan: Plan) -> str:
    place = f" for #{plan.task.number}" if plan.task else ""
    return one_line(
        f"plan {plan.pk}, version {plan.version}, by {plan.author.name}{place}: {plan.title}", LINE
    )


def _line(task: Task, notes: Sequence[str], mark: str = "") -> Line:
    """The notes come whole; a long subject makes room for them."""
    said = f" ({'; '.join(notes)})" if notes else ""
    subject = one_line(task.subject, max(40, LINE - len(said) - 12))
    return Line(task.number, f"#{task.number} {subject}{said}", mark)


def _planned(member: Member) -> dict[int | None, str]:
    """The state of the member's latest plan by task key; nothing for who needs no plans."""
    if not member.needs_plan:
        return {}
    mine = Plan.objects.filter(author=member, task__status=Status.PENDING).order_by("pk")
    return dict(mine.values_list("task_id", "state"))


def _own_plan_line(plan: Plan) -> Line:
    text = f"{plan.get_state_display()}: {_plan_line(plan)}"
    return Line(plan.pk, one_line(text, LINE), plan.state, plan)


def _unread_line(copy: Delivery, now: datetime) -> Line:
    message = copy.message
    says = message.subject or summary(message.kind, message.payload) or message.body
    who = f"{message.sender.name}, {ago(message.sent_at, now)}"
    return Line(message.pk, f"{who}: {one_line(says, 100)} [message {message.pk}]")


def _shutdown(member: Member) -> int | None:
    """The id of a shutdown request that the member has not answered, or None."""
    found = SHUTDOWNS.rows(member.pk, member.team_id)
    return int(found[0][0]) if found else None


def _changes(member: Member, since: int) -> Part:
    title = "Changed since your last call, newest first"
    if since == member.team.seq:
        return Part(title, 0, [])
    found = Event.objects.filter(team_id=member.team_id, seq__gt=since).exclude(actor=member)
    for quiet in QUIET:
        found = found.exclude(kind__startswith=quiet)
    latest = list(found.select_related("actor").order_by("-seq")[:MOST_CHANGES])
    count = len(latest) if len(latest) < MOST_CHANGES else found.count()
    for event in latest:
        event.team = member.team
    lines = [Line(event.seq, one_line(in_words(event).text, LINE)) for event in latest]
    return Part(title, count, lines)


def as_text(member: Member, parts: dict[str, Part], step: Step) -> str:
    """The briefing in words, at most `LONGEST` characters: all of it, or the start of each part."""
    text = ""
    for most, rules in SIZES:
        blocks = [
            _who(member),
            _rules(member, rules),
            *(part.text(most) for part in parts.values()),
            f"Next: {step.why}",
        ]
        text = "\n\n".join(block for block in blocks if block)
        if len(text) <= LONGEST:
            return text
    return text[: LONGEST - 1] + "…"


def _who(member: Member) -> str:
    team = member.team
    article = "an" if member.kind == Member.Kind.AGENT or member.role == "observer" else "a"
    kind = f"{article} {member.kind} with the role {member.role}"
    may = ", ".join(Permission(word).label.lower() for word in sorted(member.permissions))
    lines = [
        f"You are {member.name}, {kind} in the team {one_line(team.name, 80)}.",
        f"The team is {team.state}.",
        f"You may: {may}." if may else "You may read everything and change nothing.",
    ]
    if member.needs_plan and may:
        lines.append("Before you start a task, a plan of yours for it must be approved.")
    return "\n".join(lines)


def _rules(member: Member, most: int) -> str:
    rules = member.team.protocol.strip()
    if not rules:
        return ""
    cut = rules if len(rules) <= most else rules[:most].rstrip() + "… (cut; the team has the rest)"
    return f"Rules of the team:\n{cut}"
