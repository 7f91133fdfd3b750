"""What a page shows of a thread: its letters, what they carry, and how far they have come."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.urls import reverse

from apps.core.text import as_number
from apps.messaging import inbox, shutdowns
from apps.messaging.actions import permissions
from apps.messaging.kinds import granted, summary
from apps.messaging.models import Delivery, Message
from apps.messaging.notices import headline
from apps.messaging.roster import Roster
from apps.teams.lifecycle import Allows
from apps.teams.models import Member, Team
from apps.teams.permissions import Permission

LETTERS = 100
MOST_FACTS, FACT_LENGTH = 40, 4_000
TEXTS = ("description", "reason", "plan_content", "feedback", "note", "error", "failure_reason",
         "result")  # fmt: skip
# What a payload says that its letter shows in another way, or that only programs need.
SHOWN = frozenset({
    "agent_id", "approve", "approved", "assigned_by", "backend_type", "completed_status",
    "completed_task_id", "description", "discussion", "error", "failure_reason", "feedback", "from",
    "idle_reason", "last_task_id", "note", "pane_id", "plan_content", "plan_file_path", "plan_id",
    "permission_suggestions", "reason", "request_id", "response", "result", "reviewer", "round",
    "subject", "subtype", "suggests", "summary", "task_id", "task_subject", "thread", "timestamp",
    "tool_name", "tool_use_id", "topic",
})  # fmt: skip


class References(NamedTuple):
    """What names and numbers in a text link to."""

    members: Mapping[str, str]
    task_url: Callable[[int], str | None]


def references(team: Team, roster: Roster) -> References:
    """The names of a team's seats, and the addresses of its cards."""

    def task_url(number: int) -> str | None:
        known = number <= team.task_watermark
        return reverse("task", args=[team.address, number]) if known else None

    return References({name: name for name in roster.all_names}, task_url)


@dataclass(slots=True)
class Letter:
    """A message in its thread, as `member` sees it."""

    message: Message
    mine: Delivery | None
    steps: list[inbox.Step]
    answer: Message | None
    may_answer: bool

    @property
    def payload(self) -> Mapping[str, Any]:
        """What it carries besides its text."""
        return self.message.payload or {}

    @property
    def says(self) -> str:
        """The payload in one line."""
        return summary(self.message.kind, self.message.payload)

    @property
    def is_unread(self) -> bool:
        """Whether I have not read it."""
        return self.mine is not None and self.mine.read_at is None

    @property
    def is_chatter(self) -> bool:
        """Whether it says no more than that somebody is idle."""
        return any(step.copy.noise for step in self.steps)

    @property
    def granted(self) -> bool | None:
        """What an answer decided."""
        if self.message.kind in shutdowns.ANSWERS:
            return self.message.kind == shutdowns.APPROVED
        return granted(self.message.payload)

    @property
    def answered(self) -> bool | None:
        """What the answer to this request decided."""
        if self.answer is None:
            return None
        if self.answer.kind in shutdowns.ANSWERS:
            return self.answer.kind == shutdowns.APPROVED
        return granted(self.answer.payload)

    @property
    def is_settled(self) -> bool:
        """Whether the answer to another request decided this one."""
        return self.answer is not None and self.answer.reply_to_id != self.message.pk

    @property
    def card(self) -> int | None:
        """The number of the card that the payload is about."""
        for key in ("task_id", "completed_task_id"):
            number = as_number(str(self.payload.get(key) or "").removeprefix("#"), 9)
            if number is not None:
                return number
        return None

    @property
    def card_subject(self) -> str:
        """What the payload calls that card."""
        return str(self.payload.get("subject") or self.payload.get("task_subject") or "")

    @property
    def to(self) -> list[Member]:
        """Who got it as `to`."""
        return [step.copy.recipient for step in self.steps if step.role == Delivery.Role.TO]

    @property
    def cc(self) -> list[Member]:
        """Who got a copy."""
        return [step.copy.recipient for step in self.steps if step.role == Delivery.Role.CC]

    @property
    def counts(self) -> list[tuple[str, int]]:
        """How many copies have come to which step, the farthest first."""
        order = [step.value for step in reversed(Delivery.Step)]
        found = [(name, sum(step.step == name for step in self.steps)) for name in order]
        return [(name, number) for name, number in found if number]

    @property
    def texts(self) -> list[str]:
        """The texts for people in it, each once: its body and what its payload says at length."""
        found = [self.message.body, *(self.payload.get(key) for key in TEXTS)]
        return list(dict.fromkeys(text for text in found if isinstance(text, str) and text.strip()))

    @property
    def facts(self) -> list[tuple[str, str]]:
        """What else the payload says, flat: names of values and the values as text."""
        rest = {key: value for key, value in self.payload.items() if key not in SHOWN}
        return list(_flat(rest))[:MOST_FACTS]


def _flat(value: Any, path: str = "") -> Iterable[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _flat(inner, f"{path} {key}" if path not in ("", "input") else str(key))
    elif isinstance(value, list) and any(isinstance(item, Mapping | list) for item in value):
        for number, inner in enumerate(value, 1):
            yield from _flat(inner, f"{path} {number}")
    elif isinstance(value, list):
        yield path, ", ".join(_word(item) for item in value)
    elif value not in (None, "", {}, []):
        yield path, _word(value)


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)[:FACT_LENGTH]


@dataclass(slots=True)
class Thread:
    """A conversation as a page of it shows it; a reply `answers` a letter, and goes `to` names."""

    first: Message
    letters: list[Letter]
    earlier: str | None
    answers: Letter
    to: str

    @property
    def last(self) -> Message:
        """Its newest message."""
        return self.letters[-1].message

    @property
    def root(self) -> int:
        """What names the thread."""
        return self.first.root

    @property
    def title(self) -> str:
        """What it is about."""
        return headline(self.first)

    @property
    def unread(self) -> int:
        """How many of its messages I have not read."""
        return sum(letter.is_unread for letter in self.letters)

    @property
    def is_archived(self) -> bool:
        """Whether I have put all my copies of it away."""
        mine = [letter.mine for letter in self.letters if letter.mine is not None]
        return bool(mine) and all(copy.archived_at is not None for copy in mine)

    @property
    def is_mine(self) -> bool:
        """Whether any of it came to me."""
        return any(letter.mine is not None for letter in self.letters)

    @property
    def is_chatter(self) -> bool:
        """Whether nothing is said in it but that somebody is idle."""
        return all(letter.is_chatter for letter in self.letters)

    @property
    def is_of_system(self) -> bool:
        """Whether only the system speaks in it, which reads no answers."""
        return all(one.message.sender.kind == Member.Kind.SYSTEM for one in self.letters)

    @property
    def people(self) -> list[Member]:
        """Who takes part."""
        people = {m.pk: m for one in self.letters for m in [one.message.sender, *one.to, *one.cc]}
        return list(people.values())


def thread_for(member: Member, number: int, cursor: str | None = None) -> Thread:
    """The newest part of the conversation that message `number` belongs to, or what came before."""
    found = inbox.thread(member, number, order="newest", cursor=cursor, limit=LETTERS)
    messages = found.items[::-1]
    answers = _answers(messages)
    letters = [_letter(member, message, answers.get(message.pk)) for message in messages]
    first = messages[0] if found.next is None else inbox.get(member, messages[0].root)
    answered = _to_answer(letters)
    return Thread(first, letters, found.next, answered, _whom(member, answered))


ANSWERS = frozenset({*shutdowns.ANSWERS, permissions.RESPONSE})


def _answers(messages: Sequence[Message]) -> dict[int | None, Message]:
    """What decided each request: its own answer, or consent to another request to shut down."""
    own = {message.reply_to_id: message for message in messages if message.kind in ANSWERS}
    asks = [one for one in messages if one.kind == shutdowns.REQUEST and one.pk not in own]
    return {**shutdowns.settled(asks), **own}


def _letter(member: Member, message: Message, answer: Message | None) -> Letter:
    steps = inbox.deliveries(message)
    mine = next((step.copy for step in steps if step.copy.recipient_id == member.pk), None)
    asks = message.kind in (permissions.REQUEST, shutdowns.REQUEST)
    may = asks and answer is None and mine is not None and member.team.allows(Allows.MESSAGES)
    return Letter(message, mine, steps, answer, may and member.can(Permission.SEND_MESSAGES))


def _to_answer(letters: Sequence[Letter]) -> Letter:
    """The newest letter that came to me, else the newest, of those whose sender reads answers."""
    read = [letter for letter in letters if _reads_answers(letter.message.sender)]
    mine = [letter for letter in read if letter.mine is not None and not letter.is_chatter]
    return (mine or read or letters)[-1]


def _reads_answers(sender: Member) -> bool:
    return sender.kind != Member.Kind.SYSTEM and not sender.left_at


def _whom(member: Member, answered: Letter) -> str:
    """The names that a reply to the letter goes to."""
    sender = answered.message.sender
    if sender.pk == member.pk:
        return ", ".join(one.name for one in answered.to if not one.left_at)
    return sender.name if _reads_answers(sender) else ""
