"""What needs me, for a person in 50 teams with 100,000 cards.

    python tests/benchmarks/needs.py [TEAMS] [CARDS]

Prints the time of the page, of its list alone, of one thing and of the frame's count, in one
process without a network, each with the number of its queries.
"""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[2])
from tests.benchmarks.inside import measure  # isort: skip

from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from apps.messaging.models import Delivery, Message
from apps.reviews.actions import propose_plan
from apps.reviews.needs import needs_count, needs_of
from apps.reviews.scope import Scope
from apps.tasks.models import Task
from apps.tasks.models.task import STEP
from apps.teams.actions import add_member, create_team, transition_team
from apps.teams.models import Member, Team, User
from tests.benchmarks.harness import report


def fill(user: User, teams: int, cards: int) -> None:
    """The teams, each with its share of the cards, a few of which wait for `user`."""
    each = cards // teams
    for index in range(teams):
        team = create_team(user, f"team-{index}", max_members=20)
        leader = team.members.get(user=user)
        transition_team(leader, "active")
        agents = [add_member(leader, f"agent-{number}") for number in range(4)]
        _cards(team, leader, agents, each)
        propose_plan(agents[0], "Split the totals", "Why.", ["One", "Two", "Three"])
        _letters(team, leader, agents[0])


STATES = [("completed", "approved")] * 12 + [("completed", "none")] * 4 + [
    ("pending", "none"), ("pending", "needs_fix"), ("in_progress", "none"), ("completed", "review"),
]  # fmt: skip


def _cards(team: Team, leader: Member, agents: list[Member], number: int) -> None:
    now = timezone.now()
    rows = []
    for n in range(1, number + 1):
        status, review = STATES[n % len(STATES)]
        rows.append(
            Task(
                team=team,
                number=n,
                subject=f"Card {n}: keep what was typed after an error",
                description="Make it right.",
                status=status,
                review_state=review,
                owner=agents[n % 4],
                position=n * STEP,
                completed_at=now if status == "completed" else None,
                reviewer=agents[1] if review == "review" else None,
                review_requested_at=now if review == "review" else None,
            )
        )
    rows[18].reviewer = leader
    rows[2].needs_input, rows[2].question, rows[2].asked_at = "human", "Which one?", now
    rows[1].stalled_at = now - timedelta(minutes=5)
    Task.objects.bulk_create(rows, batch_size=500)
    Team.objects.filter(pk=team.pk).update(task_watermark=number)


def _letters(team: Team, leader: Member, sender: Member) -> None:
    """Two hundred unread messages, one of them a mention."""
    sent = Message.objects.bulk_create(
        Message(team=team, sender=sender, message_id=f"m{n}", body="Hello.") for n in range(200)
    )
    Delivery.objects.bulk_create(
        Delivery(message=message, recipient=leader, why="mention" if n == 7 else "message")
        for n, message in enumerate(sent)
    )


def main(teams: int, cards: int) -> None:
    """Fill, then read."""
    call_command("migrate", verbosity=0)
    user = User.objects.create_user("bench", password=None)
    fill(user, teams, cards)
    if connection.vendor == "postgresql":
        connection.cursor().execute("ANALYZE")
    client = Client()
    client.force_login(user)
    found = needs_of(Scope.of(user))
    item = next(need.key for need in found if need.kind == "plan")
    listed = {"HX-Request": "true", "HX-Target": "needs-list"}
    pane = {"HX-Request": "true", "HX-Target": "need"}
    rows = [
        measure("the page", lambda: client.get("/")),
        measure("its list alone", lambda: client.get("/", headers=listed)),
        measure("one plan in it", lambda: client.get("/", {"item": item}, headers=pane)),
        measure("the digest", lambda: client.get("/digest/")),
        measure("finding what waits", lambda: needs_of(Scope.of(user))),
        measure("the frame's count", lambda: needs_count(user)),
    ]
    title = f"What needs me: {teams} teams, {cards:,} cards, {len(found)} waiting"
    report(f"{title} ({connection.vendor})", rows)


if __name__ == "__main__":
    given = [int(number) for number in sys.argv[1:3]]
    main(*given, *(50, 100_000)[len(given) :])
