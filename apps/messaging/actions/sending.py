from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from apps.core.actions import action
from apps.core.errors import Conflict, Invalid
from apps.messaging import shutdowns
from apps.messaging.actions import shutdown
from apps.messaging.actions.posting import mark_answered, post
from apps.messaging.draft import Draft
from apps.messaging.mentions import task_numbers
from apps.messaging.models import Message
from apps.messaging.roster import Roster
from apps.teams.access import system_seat
from apps.teams.actions import lock_team
from apps.teams.artifacts import attachable
from apps.teams.lifecycle import Allows
from apps.teams.models import Member, Team
from apps.teams.permissions import Permission

LONG_THREAD = 5


@action
def send_message(
    actor: Member,
    *,
    to: str | Iterable[str] = (),
    cc: str | Iterable[str] = (),
    subject: str = "",
    body: str = "",
    kind: str = "message",
    payload: Mapping[str, Any] | None = None,
    reply_to: int | None = None,
    broadcast: bool = False,
    message_id: str = "",
    artifacts: Iterable[int] = (),
    tasks: Iterable[int] = (),
) -> Message:
    """Send to members by name, and to whom the body mentions; all get it or nobody does.

    A broadcast goes to everyone but `actor`; names it is also given must be members. A reply that
    names nobody goes to whom it answers. The same `message_id` with the same content returns the
    first message, with other content it is a Conflict. A shutdown's kinds do what
    `request_shutdown` and `answer_shutdown` do.
    """
    draft = Draft.checked(
        sender=actor.name, to=to, cc=cc, subject=subject, body=body, kind=kind, payload=payload,
        reply_to=reply_to, broadcast=broadcast, message_id=message_id, artifacts=artifacts,
        tasks=tasks,
    )  # fmt: skip
    team = lock_team(actor)
    actor.require(Permission.SEND_MESSAGES)
    team.require(Allows.MESSAGES)
    if first := sent_before(actor, draft):
        return first
    if draft.kind in shutdowns.KINDS:
        return shutdown.send(actor, draft, Roster(team))
    return _send(actor, draft, Roster(team))


def sent_before(actor: Member, draft: Draft) -> Message | None:
    """What `actor` sent under this `message_id`; Conflict where that says something else."""
    if not draft.message_id:
        return None
    first = Message.objects.filter(
        team_id=actor.team_id, sender=actor, message_id=draft.message_id
    ).first()
    if first is not None and first.digest != draft.digest:
        raise Conflict(
            f"You already sent another message as “{draft.message_id}”.",
            code="message_id_conflict",
            hint="Use a new message_id for new content.",
            first=first.pk,
        )
    return first


def _send(actor: Member, draft: Draft, roster: Roster) -> Message:
    answered = _answered(actor, draft)
    mentioned = [] if draft.broadcast else roster.mentioned(draft.body, actor=actor)
    to = _recipients(actor, draft, roster, mentioned, answered)
    cc = roster.resolve(draft.cc, actor=actor, field="cc")
    message = post(
        actor, draft.kind, to, cc=[] if draft.broadcast else cc,
        subject=draft.subject, body=draft.body, payload=draft.payload,
        tasks=_tasks(actor.team, draft), artifacts=attachable(actor, draft.artifacts),
        reply_to=answered, message_id=draft.message_id,
        digest=draft.digest if draft.message_id else "",
        mentioned={member.pk for member in mentioned},
    )  # fmt: skip
    if answered is not None:
        mark_answered(actor, answered, message.sent_at)
        suggest_discussion(actor.team, roster, message)
    return message


def _answered(actor: Member, draft: Draft) -> Message | None:
    if draft.reply_to is None:
        return None
    return Message.objects.visible_to(actor).numbered(draft.reply_to)


def _recipients(
    actor: Member,
    draft: Draft,
    roster: Roster,
    mentioned: Sequence[Member],
    answered: Message | None,
) -> list[Member]:
    named = roster.resolve(draft.to, actor=actor)
    if draft.broadcast:
        to = roster.others(actor)
    else:
        to = list({member.pk: member for member in [*named, *mentioned]}.values())
    if not (to or draft.cc or draft.broadcast) and answered is not None:
        to = _whom_it_answers(actor, roster, answered)
    if not to and (draft.broadcast or not draft.cc):
        alone = "Nobody else sits in the team."
        says = alone if draft.broadcast else "Name at least one recipient."
        raise Invalid(fields={"to": says}, hint=_whom_to_name(answered))
    return to


def _whom_to_name(answered: Message | None) -> str:
    if answered is not None and answered.sender.kind == Member.Kind.SYSTEM:
        return (
            "The system sent it and reads no answers; name a member if you have something to say."
        )
    return "Members are addressed by their names."


def _whom_it_answers(actor: Member, roster: Roster, answered: Message) -> list[Member]:
    if answered.sender_id != actor.pk:
        wanted = {answered.sender_id}
    else:
        wanted = set(answered.deliveries.filter(role="to").values_list("recipient_id", flat=True))
    return [seat for seat in roster.live if seat.pk in wanted]


def _tasks(team: Team, draft: Draft) -> list[int]:
    """The cards it names: those given must exist, those of the text are only kept if they do."""
    if unknown := [n for n in draft.tasks if not 0 < n <= team.task_watermark]:
        raise Invalid(fields={"tasks": f"The team has no task #{unknown[0]}."})
    written = [n for n in task_numbers(draft.body) if n <= team.task_watermark]
    return list(dict.fromkeys([*draft.tasks, *written]))


def suggest_discussion(team: Team, roster: Roster, reply: Message) -> None:
    """At a thread's fifth reply, propose to the leaders, once, to settle it in a discussion."""
    leaders = roster.leaders
    replies = Message.objects.filter(thread_id=reply.root)[: LONG_THREAD + 1].count()
    if replies != LONG_THREAD or not leaders:
        return
    topic = Message.objects.get(pk=reply.root)
    post(
        system_seat(team), "system_notification", leaders,
        subject="A long thread: settle it in a discussion?",
        body=f"“{topic.subject or topic.body[:80]}” has {LONG_THREAD} replies. A discussion gives "
        "its members numbered turns and ends with what was agreed.",
        payload={"suggests": "discussion", "thread": topic.pk},
        reply_to=topic, message_id=f"suggest-discussion-{topic.pk}",
    )  # fmt: skip
