"""What was said about a card: its discussions, and the conversations that name it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from operator import or_
from typing import NamedTuple

from django.db.models import Count, Q, Subquery, TextField
from django.db.models.functions import Cast, Coalesce

from apps.messaging.kinds import SAID
from apps.messaging.models import Discussion, Message
from apps.messaging.models.message import MessageQuerySet
from apps.teams.models import Member

# How many of the team's latest messages are looked through, and how many conversations are shown.
WINDOW, MOST = 5_000, 8


class Thread(NamedTuple):
    """A conversation: its first message, and the latest of those that name the card."""

    first: Message
    latest: Message


class Talk(NamedTuple):
    """What a card's page lists, the latest first; each discussion knows how many are `taken`."""

    discussions: list[Discussion]
    threads: list[Thread]


def talk_about(member: Member, task: int) -> Talk:
    """The discussions about #task, and the latest conversations that name it; three queries."""
    discussions = Discussion.objects.visible_to(member).filter(task=task)
    return Talk(
        list(discussions.annotate(taken=Count("turns"))),
        list(_threads(_naming(member, task))),
    )


def _naming(member: Member, task: int) -> MessageQuerySet:
    """What members lately said that names #task, the latest first."""
    team = Message.objects.visible_to(member)
    before = Subquery(team.order_by("-pk").values("pk")[WINDOW : WINDOW + 1])
    said = team.filter(pk__gt=Coalesce(before, 0), kind__in=SAID)
    # As text, since not every database looks into a list; all of them write `[3, 12]`.
    said = said.annotate(listed=Cast("tasks", TextField())).order_by("-pk")
    ways = (f"[{task}]", f"[{task},", f" {task},", f" {task}]")
    return said.filter(reduce(or_, (Q(listed__contains=way) for way in ways)))


def _threads(found: MessageQuerySet) -> Iterable[Thread]:
    latest: dict[int, int] = {}
    for number, thread in found.values_list("pk", "thread_id")[: MOST * 10]:
        latest.setdefault(thread or number, number)
    pairs = list(latest.items())[:MOST]
    wanted = {number for pair in pairs for number in pair}
    known = Message.objects.select_related("sender").defer("native").in_bulk(wanted)
    for first, number in pairs:
        yield Thread(known[first], known[number])
