from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import timedelta

from django.core.files.base import ContentFile
from django.db.models import Count, F, Max, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from apps.core.actions import action
from apps.core.errors import Invalid
from apps.core.text import one_line
from apps.messaging.actions.posting import post
from apps.messaging.draft import BODY_LENGTH, NOT_STORABLE, storable
from apps.messaging.models import Discussion, Message, Turn
from apps.messaging.models.discussion import TOPIC_LENGTH
from apps.messaging.roster import Roster
from apps.teams import events
from apps.teams.access import system_seat
from apps.teams.actions import lock_team
from apps.teams.lifecycle import Allows
from apps.teams.models import Artifact, Member, Team
from apps.teams.permissions import Permission

MOST_ROUNDS = 1_000
GRACE = timedelta(minutes=10)
STALE = timedelta(hours=24)


@action
def open_discussion(
    actor: Member,
    topic: str,
    participants: str | Iterable[str],
    *,
    max_rounds: int = 10,
    task: int | None = None,
    thread: int | None = None,
) -> Discussion:
    """Begin a conversation of these members, of at most `max_rounds` turns; each of them is told.

    `thread` is the message it grew out of, `task` the number of the card it is about.
    """
    topic = topic.strip()
    _require_text(topic, "topic", TOPIC_LENGTH)
    if not 1 <= max_rounds <= MOST_ROUNDS:
        raise Invalid(fields={"max_rounds": f"Choose from 1 to {MOST_ROUNDS:,} turns."})
    team = lock_team(actor)
    actor.require(Permission.SEND_MESSAGES)
    team.require(Allows.MESSAGES)
    if task is not None and not 0 < task <= team.task_watermark:
        raise Invalid(fields={"task": f"The team has no task #{task}."})
    seats = _participants(actor, Roster(team), participants)
    root = None if thread is None else Message.objects.visible_to(actor).numbered(thread)
    discussion = Discussion.objects.create(
        team=team, topic=topic, task=task, opened_by=actor, max_rounds=max_rounds,
        thread_id=None if root is None else root.root,
    )  # fmt: skip
    discussion.participants.set(seats)
    _record(actor, "opened", discussion, topic=topic, participants=[m.name for m in seats])
    rounds = "one turn" if max_rounds == 1 else f"{max_rounds} turns"
    _tell(
        discussion, [seat for seat in seats if seat.pk != actor.pk],
        subject=f"{actor.name} opens a discussion: {topic}",
        body=f"You take part, with {', '.join(m.name for m in seats)}; it has {rounds} in all.",
    )  # fmt: skip
    return discussion


def _participants(actor: Member, roster: Roster, names: str | Iterable[str]) -> list[Member]:
    listed = [names] if isinstance(names, str) else list(names)
    seats = roster.resolve(listed, actor=actor, field="participants")
    if len(seats) < 2:
        raise Invalid(fields={"participants": "A discussion needs at least two members."})
    whole = Member.objects.filter(pk__in=[seat.pk for seat in seats])
    if mute := [seat.name for seat in whole if not seat.can(Permission.SEND_MESSAGES)]:
        says = f"{', '.join(mute)} may not send messages here, and so takes no turns."
        raise Invalid(fields={"participants": says})
    return seats


@action
def take_turn(actor: Member, discussion_id: int, body: str) -> Turn:
    """Say something in a discussion one takes part in; the turn gets the next number.

    The line of the last turn but one says that one is `left`; with the last one everybody hears
    that it is time to conclude. A turn beyond `max_rounds`, or after the end, is a Conflict.
    """
    _require_text(body, "body", BODY_LENGTH)
    discussion = _lock(actor, discussion_id)
    discussion.require_participant(actor)
    actor.require(Permission.SEND_MESSAGES)
    taken = discussion.turns.aggregate(last=Coalesce(Max("number"), 0))["last"]
    number = discussion.next_turn(taken)
    turn = Turn.objects.create(discussion=discussion, number=number, member=actor, body=body)
    discussion.last_turn_at = turn.at
    discussion.save(update_fields=["last_turn_at"])
    left = discussion.max_rounds - number
    _record(actor, "turn", discussion, number=number, **({"left": left} if left == 1 else {}))
    if not left:
        _tell(
            discussion, discussion.participants.filter(left_at=None),
            subject=f"The last turn is taken: {discussion.topic}",
            body=f"It was turn {number}. Conclude what was agreed, or cancel.",
        )  # fmt: skip
    return turn


@action
def conclude(
    actor: Member,
    discussion_id: int,
    conclusion: str,
    *,
    agreed_by: Iterable[str] = (),
    dissent: str = "",
) -> Discussion:
    """End a discussion with what came out of it; a document with that is kept as an artifact.

    Its participants and who opened it may do so, once.
    """
    _require_text(conclusion, "conclusion", BODY_LENGTH)
    _require_text(dissent, "dissent", BODY_LENGTH, empty=True)
    discussion = _lock(actor, discussion_id)
    if discussion.opened_by_id != actor.pk:
        discussion.require_participant(actor)
    actor.require(Permission.SEND_MESSAGES)
    agreed = Roster(actor.team).resolve(agreed_by, actor=actor, field="agreed_by")
    discussion.move_to(Discussion.State.CONCLUDED)
    discussion.conclusion, discussion.dissent = conclusion.strip(), dissent.strip()
    discussion.agreed_by = [member.name for member in agreed]
    discussion.artifact = _keep(actor, discussion)
    discussion.save(
        update_fields=["state", "ended_at", "conclusion", "agreed_by", "dissent", "artifact"]
    )
    _record(actor, "concluded", discussion, agreed_by=discussion.agreed_by)
    return discussion


@action
def cancel(actor: Member, discussion_id: int) -> Discussion:
    """End a discussion without an outcome, once; also a leader may."""
    discussion = _lock(actor, discussion_id)
    discussion.require_ending(actor)
    discussion.move_to(Discussion.State.CANCELLED)
    discussion.save(update_fields=["state", "ended_at"])
    _record(actor, "cancelled", discussion)
    return discussion


def close_all(actor: Member, team: Team) -> None:
    """Cancel every open discussion of a team that disbands."""
    for discussion in team.discussions.open():
        discussion.move_to(Discussion.State.CANCELLED)
        discussion.save(update_fields=["state", "ended_at"])
        _record(actor, "cancelled", discussion)


def stuck(*, grace: timedelta = GRACE, stale: timedelta = STALE) -> list[int]:
    """The ids of active discussions that cannot or do not go on; one cheap query.

    Every turn is taken and nobody said anything for `grace`, or nothing happened for `stale`.
    """
    now = timezone.now()
    idle = Discussion.objects.filter(state=Discussion.State.ACTIVE).annotate(
        taken=Count("turns"), since=Coalesce("last_turn_at", "opened_at")
    )
    used_up = Q(taken__gte=F("max_rounds"), since__lte=now - grace)
    found = idle.filter(used_up | Q(since__lte=now - stale))
    return list(found.values_list("pk", flat=True))


@action
def sweep_deadlocks(
    team: Team, *, grace: timedelta = GRACE, stale: timedelta = STALE
) -> list[Discussion]:
    """Mark the team's stuck discussions as deadlocked and tell those who can end them, once."""
    system = system_seat(Team.objects.select_for_update().get(pk=team.pk))
    found = Discussion.objects.filter(pk__in=stuck(grace=grace, stale=stale), team=team)
    deadlocked = list(found.select_related("opened_by"))
    for discussion in deadlocked:
        discussion.move_to(Discussion.State.DEADLOCKED)
        discussion.save(update_fields=["state", "ended_at"])
        _record(system, "deadlocked", discussion)
        ends = Q(pk__in=discussion.participants.all()) | Q(pk=discussion.opened_by_id)
        _tell(
            discussion, system.team.members.filter(ends, left_at=None),
            subject=f"Deadlocked: {discussion.topic}",
            body="Nobody went on. Conclude it with what was agreed, or cancel it.",
        )  # fmt: skip
    return deadlocked


def _lock(actor: Member, discussion_id: int) -> Discussion:
    team = lock_team(actor)
    discussion = Discussion.objects.visible_to(actor).numbered(discussion_id)
    team.require(Allows.MESSAGES)
    discussion.team = team
    return discussion


def _record(actor: Member, what: str, discussion: Discussion, **data: object) -> None:
    events.record(
        actor, f"discussion.{what}", task=discussion.task, discussion=discussion.pk,
        state=discussion.state, **data,
    )  # fmt: skip


def _tell(discussion: Discussion, to: Iterable[Member], *, subject: str, body: str) -> None:
    members: Sequence[Member] = list(to)
    if not members or not discussion.team.allows(Allows.MESSAGES):
        return
    post(
        system_seat(discussion.team), "system_notification", members,
        subject=one_line(subject, 200), body=body,
        payload={"discussion": discussion.pk, "topic": discussion.topic},
        tasks=[] if discussion.task is None else [discussion.task],
    )  # fmt: skip


def _keep(actor: Member, discussion: Discussion) -> Artifact:
    """The outcome and the transcript as Markdown, on the card it was about or on the team."""
    name = f"Session conclusion: {discussion.topic}"
    text = minutes(discussion).encode()
    older = Artifact.objects.filter(team=discussion.team, task=discussion.task, name=name)
    artifact = Artifact(
        team=discussion.team, task=discussion.task, name=name, added_by=actor,
        version=(older.aggregate(last=Max("version"))["last"] or 0) + 1,
        content_type="text/markdown", size=len(text), sha256=hashlib.sha256(text).hexdigest(),
    )  # fmt: skip
    artifact.content.save("conclusion.md", ContentFile(text), save=False)
    artifact.save(force_insert=True)
    events.record(
        actor, "artifact.added", task=discussion.task, artifact=artifact.pk, name=name,
        version=artifact.version,
    )  # fmt: skip
    return artifact


def minutes(discussion: Discussion) -> str:
    """A concluded discussion as a Markdown document."""
    lines = [f"# {discussion.topic}", "", discussion.conclusion, ""]
    if discussion.agreed_by:
        lines += [f"Agreed by: {', '.join(discussion.agreed_by)}", ""]
    if discussion.dissent:
        lines += ["## Dissent", "", discussion.dissent, ""]
    lines += ["## Transcript", ""]
    for turn in discussion.turns.select_related("member"):
        lines += [f"**{turn.number}. {turn.member.name}**", "", turn.body, ""]
    return "\n".join(lines)


def _require_text(text: str, field: str, longest: int, *, empty: bool = False) -> None:
    if not text.strip() and not empty:
        raise Invalid(fields={field: "Write a text; it is empty."})
    if len(text) > longest:
        raise Invalid(fields={field: f"At most {longest:,} characters."})
    if not storable(text):
        raise Invalid(fields={field: NOT_STORABLE})
