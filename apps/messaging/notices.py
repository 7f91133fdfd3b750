"""Why something came to a person, in which ways they want to hear of it, and the e-mail way.

Whatever concerns somebody comes as a message, so a copy of one is the only thing that notifies:
nobody is told twice of one event.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.urls import NoReverseMatch, reverse

from apps.core.prepared import NUMBER, Prepared
from apps.core.text import one_line
from apps.messaging import mail
from apps.messaging.kinds import summary
from apps.messaging.models import Delivery, Message
from apps.teams.models import User


class Why(models.TextChoices):
    """What a copy of a message is to its recipient; each has switches of its own."""

    MESSAGE = "message", "Messages to me"
    MENTION = "mention", "Mentions of me"
    QUESTION = "question", "Questions that wait for me"
    PLAN = "plan", "Plans"
    REVIEW = "review", "Reviews"
    ASSIGNMENT = "assignment", "Tasks given to me"
    STALLED = "stalled", "Stalled tasks"
    SHUTDOWN = "shutdown", "Shutdowns"
    NEWS = "news", "News of my tasks"


class Way(models.TextChoices):
    """How a person can be told beyond the pages themselves."""

    BROWSER = "browser", "In the browser"
    EMAIL = "email", "By e-mail"


LINK = re.compile(r"!?\[([^\]\n]*)\]\([^)\n]*\)")
MARKS = re.compile(r"^[ \t]*(?:#{1,6}[ \t]|>|```.*$|[-*+][ \t])|\*{1,3}|`+|~~", re.MULTILINE)

BY_KIND: dict[str, Why] = {
    "task_assignment": Why.ASSIGNMENT,
    "shutdown_request": Why.SHUTDOWN,
    "shutdown_approved": Why.SHUTDOWN,
    "shutdown_rejected": Why.SHUTDOWN,
    "plan_approval_request": Why.PLAN,
    "plan_approval_response": Why.PLAN,
    "permission_request": Why.QUESTION,
    "permission_response": Why.NEWS,
    "review_request": Why.REVIEW,
    "review_response": Why.REVIEW,
    "idle_notification": Why.NEWS,
    "task_completed": Why.NEWS,
    "system_notification": Why.NEWS,
}
DEFAULTS: dict[str, frozenset[Why]] = {
    Way.BROWSER: frozenset(Why) - {Why.NEWS, Why.SHUTDOWN},
    Way.EMAIL: frozenset(),
}
# The people of a team who have an e-mail address.
PEOPLE = Prepared(
    User,
    lambda users: (
        users.filter(seats__team_id=NUMBER, seats__left_at=None, is_active=True)
        .exclude(email="")
        .values_list("pk", "email", "notifications")
    ),
)


def why(kind: str) -> Why:
    """What a message of that kind is to its recipients where nothing else is known."""
    return BY_KIND.get(kind, Why.MESSAGE)


def wanted(switches: Mapping[str, Any] | None, way: str) -> frozenset[str]:
    """What `User.notifications` says comes in that way."""
    chosen = (switches or {}).get(way)
    if not isinstance(chosen, list):
        return frozenset(map(str, DEFAULTS[way]))
    return frozenset(chosen) & frozenset(Why.values)


def tell(message: Message, copies: Sequence[Delivery]) -> None:
    """After the commit, write an e-mail to each person who wants one for their copy."""
    people = {
        copy.recipient.user_id: copy
        for copy in copies
        if copy.recipient.user_id is not None and not copy.noise
    }
    if not people or not settings.EMAIL_HOST:
        return
    letters = list(_letters(message, people))
    if letters:
        transaction.on_commit(lambda: mail.send(letters), robust=True)


def _letters(message: Message, people: Mapping[int, Delivery]) -> Iterable[mail.Letter]:
    for pk, address, switches in PEOPLE.rows(message.team_id):
        if pk in people and people[pk].why in wanted(switches, Way.EMAIL):
            yield mail.Letter(address, headline(message), _text(message))


def headline(message: Message) -> str:
    """One line about a message: its subject, what its payload says, or how its text begins."""
    told = message.subject or summary(message.kind, message.payload)
    return one_line(told or plain(message.body), 120) or "(no text)"


def plain(text: str) -> str:
    """The beginning of a Markdown text without its marks, for one line."""
    text = LINK.sub(r"\1", text[:1000])
    return MARKS.sub("", text)


def _text(message: Message) -> str:
    says = message.body or summary(message.kind, message.payload)
    lines = [f"{message.sender.name} wrote in {message.team}:", "", says]
    if settings.PUBLIC_URL:
        lines += ["", settings.PUBLIC_URL + address(message)]
    return "\n".join(lines)


def address(message: Message) -> str:
    """The path of the page that shows the message."""
    try:
        return reverse("message", args=[message.team.address, message.pk])
    except NoReverseMatch:
        return "/"
