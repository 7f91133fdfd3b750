"""What a list of messages shows: conversations, each on one line, and idle chatter folded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from django.utils.timezone import localdate

from apps.core.text import one_line
from apps.messaging.kinds import summary
from apps.messaging.models import Delivery, Message
from apps.messaging.notices import Why, headline, plain
from apps.teams.models import Member

Pair = tuple[Message, Delivery | None]


@dataclass(slots=True)
class Conversation:
    """The messages of one thread that a page of a list has, newest first."""

    pairs: list[Pair] = field(default_factory=list)
    is_chatter: bool = False

    @property
    def message(self) -> Message:
        """The newest of them."""
        return self.pairs[0][0]

    @property
    def root(self) -> int:
        """The id of the thread's first message."""
        return self.message.root

    @property
    def day(self) -> date:
        """The day of the newest of them."""
        return localdate(self.message.sent_at)

    @property
    def unread(self) -> int:
        """How many of them I have not read."""
        return sum(copy is not None and copy.read_at is None for _, copy in self.pairs)

    @property
    def count(self) -> int:
        """How many there are here."""
        return len(self.pairs)

    @property
    def senders(self) -> list[Member]:
        """Who wrote, the latest first, each once."""
        return list({message.sender_id: message.sender for message, _ in self.pairs}.values())

    @property
    def names(self) -> str:
        """Who wrote, in a few words."""
        names = [sender.name for sender in self.senders]
        return ", ".join(names[:3]) + (f" +{len(names) - 3}" if len(names) > 3 else "")

    @property
    def to(self) -> str:
        """To whom the newest went, in a few words."""
        names = [copy.recipient.name for copy in self.message.deliveries.all()]
        return ", ".join(names[:3]) + (f" +{len(names) - 3}" if len(names) > 3 else "")

    @property
    def why(self) -> str:
        """Why the newest copy came to me."""
        copy = self.pairs[0][1]
        return copy.why if copy is not None else ""

    @property
    def asks(self) -> bool:
        """Whether the newest asks me something that nobody has answered."""
        message = self.message
        answered = any(copy.answered_at is not None for copy in message.deliveries.all())
        return self.why == Why.QUESTION and not answered and message.sender.left_at is None

    @property
    def title(self) -> str:
        """The thread's subject, else the newest message's headline."""
        return self._topic or headline(self.message)

    @property
    def excerpt(self) -> str:
        """What the newest message says, where the title does not already tell."""
        if not self._topic:
            return ""
        message = self.message
        return one_line(plain(message.body) or summary(message.kind, message.payload), 120)

    @property
    def badge(self) -> str:
        """The kind where neither title nor excerpt tells it."""
        kind = self.message.kind
        return (
            kind if self.message.subject and kind not in ("message", "system_notification") else ""
        )

    @property
    def _topic(self) -> str:
        message, copy = self.pairs[0]
        topic = getattr(message, "topic", None) or getattr(copy, "topic", None)
        return message.subject or topic or ""

    @property
    def progress(self) -> str:
        """How far the copies of the newest message have come, the farthest first."""
        steps = [copy.step for copy in self.message.deliveries.all()]
        counts = [(step.value, steps.count(step)) for step in reversed(Delivery.Step)]
        if len(steps) == 1:
            return steps[0].value
        return ", ".join(f"{number} {step}" for step, number in counts if number)


def conversations(pairs: Iterable[Pair]) -> list[Conversation]:
    """Messages, newest first, gathered by thread; each day's idle chatter is one line.

    Every line stands where its newest message belongs.
    """
    found: list[Conversation] = []
    by_key: dict[int | date, Conversation] = {}
    for message, copy in pairs:
        noise = any(one.noise for one in message.deliveries.all())
        key = localdate(message.sent_at) if noise else message.root
        if key not in by_key:
            by_key[key] = Conversation(is_chatter=noise)
            found.append(by_key[key])
        by_key[key].pairs.append((message, copy))
    return found
