"""The desk in the admin with 5,000 pending plans of 200 teams.

    python tests/benchmarks/desk.py [PLANS] [TEAMS]

Prints the time of the queue, of what is mine of it, of one plan, of the question that open pages
repeat, and of a decision, in one process without a network, each with the number of its queries.
"""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[2])
from tests.benchmarks.inside import measure  # isort: skip

from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.reviews.models import Plan, PlanStep, PlanVersion
from apps.teams.actions import add_member, create_team, transition_team
from apps.teams.models import Team, User
from tests.benchmarks.harness import report

LIST = "/admin/reviews/plan/"


def fill(plans: int, teams: int) -> None:
    """The plans, spread over the teams; every third team has two stages."""
    founder = User.objects.create_user("founder", password=None)
    authors = []
    for index in range(teams):
        team = create_team(founder, f"team-{index}")
        leader = team.members.get(user=founder)
        transition_team(leader, "active")
        authors.append(add_member(leader, "hal"))
        if index % 3 == 0:
            Team.objects.filter(pk=team.pk).update(approval_stages=["leader", "staff"])
    now = timezone.now()
    rows = []
    for number in range(plans):
        author = authors[number % teams]
        stages = ["leader", "staff"] if (number % teams) % 3 == 0 else ["leader"]
        rows.append(
            Plan(
                team_id=author.team_id,
                author=author,
                title=f"Plan {number}: split the totals",
                state="pending_review",
                step_count=5,
                stages=stages,
                stage_name="leader",
                submitted_at=now - timedelta(seconds=number),
            )
        )
    made = Plan.objects.bulk_create(rows, batch_size=500)
    texts = PlanVersion.objects.bulk_create(
        (PlanVersion(plan=plan, number=1, title=plan.title, body="Because **slow**.",
                     submitted_at=plan.submitted_at) for plan in made),
        batch_size=500,
    )  # fmt: skip
    PlanStep.objects.bulk_create(
        (PlanStep(version=text, index=n, title=f"Step {n}") for text in texts for n in range(5)),
        batch_size=1000,
    )


def main(plans: int, teams: int) -> None:
    """Fill, then read and decide."""
    call_command("migrate", verbosity=0)
    fill(plans, teams)
    if connection.vendor == "postgresql":
        connection.cursor().execute("ANALYZE")
    staff = User.objects.create_user("sam", password=None, is_staff=True)
    staff.user_permissions.add(Permission.objects.get(codename="decide_plan"))
    client = Client()
    client.force_login(staff)
    plan = Plan.objects.filter(stages=["leader"]).first()
    assert plan is not None
    page = reverse("admin:reviews_plan_change", args=[plan.pk])
    waiting = iter(Plan.objects.filter(stages=["leader"]).values_list("pk", flat=True)[10:500])

    def decide() -> None:
        address = reverse("admin:reviews_plan_decide", args=[next(waiting)])
        client.post(address, {"decision": "approve", "version": 1, "stage": 0})

    rows = [
        measure("the queue", lambda: client.get(LIST)),
        measure("what is mine of it", lambda: client.get(LIST, {"queue": "mine"})),
        measure("a search in it", lambda: client.get(LIST, {"q": "team-17"})),
        measure("one plan", lambda: client.get(page)),
        measure("has the queue changed?", lambda: client.get(LIST + "state/")),
        measure("a decision", decide),
    ]
    report(f"The desk: {plans:,} pending plans of {teams} teams ({connection.vendor})", rows)


if __name__ == "__main__":
    given = [int(number) for number in sys.argv[1:3]]
    main(*given, *(5_000, 200)[len(given) :])
