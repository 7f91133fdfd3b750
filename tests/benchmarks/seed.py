"""Fills an empty database for a benchmark; run inside the server's environment.

    python tests/benchmarks/seed.py CARDS [COLUMN] [PEOPLE]

Prints one JSON object: the team's slug, its journal's number, the header lines of its leader's
login, and of as many further people's logins as were asked for.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "teams_site.settings")

import django

django.setup()

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore

from apps.tasks.models import Task
from apps.tasks.models.task import STEP
from apps.teams.actions import add_member, create_team, seat_person, transition_team
from apps.teams.models import Team, User


def login(user: User) -> str:
    """The cookie lines of a browser that is logged in as `user`."""
    store = SessionStore()
    store[SESSION_KEY] = str(user.pk)
    store[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    store[HASH_SESSION_KEY] = user.get_session_auth_hash()
    store.save()
    token = "b" * 32
    cookies = f"{settings.SESSION_COOKIE_NAME}={store.session_key}; "
    return f"Cookie: {cookies}{settings.CSRF_COOKIE_NAME}={token}\r\nX-CSRFToken: {token}\r\n"


def main(cards: int, column: str, people: int = 0) -> None:
    """One active team with `cards` cards: all in TODO, or spread over the columns."""
    user = User.objects.create_user("bench", password=None)
    team = create_team(user, "bench", max_members=200, require_plan_approval=False)
    leader = team.members.get(name="bench")
    transition_team(leader, "active")
    owners = [add_member(leader, f"agent-{number}") for number in range(8)]
    states = [("pending", "none"), ("in_progress", "none"), ("completed", "review"),
              ("completed", "none"), ("completed", "approved")]  # fmt: skip
    team = Team.objects.get(pk=team.pk)
    tasks = []
    for number in range(1, cards + 1):
        status, review = states[0] if column == "todo" else states[number % 5]
        tasks.append(
            Task(
                team=team,
                number=number,
                status=status,
                review_state=review,
                subject=f"Card {number}: keep what was typed after an error in the form",
                owner=owners[number % 8] if status != "pending" else None,
                priority=number % 4,
                position=number * STEP,
                created_by=leader,
            )
        )
    Task.objects.bulk_create(tasks, batch_size=500)
    Team.objects.filter(pk=team.pk).update(task_watermark=cards)
    crowd = [User.objects.create_user(f"person-{n}", password=None) for n in range(people)]
    for person in crowd:
        seat_person(team, person)
    seq = Team.objects.values_list("seq", flat=True).get(pk=team.pk)
    found = {
        "slug": "bench",
        "seq": seq,
        "login": login(user),
        "logins": [login(person) for person in crowd],
    }
    print(json.dumps(found))


if __name__ == "__main__":
    given = [*sys.argv[1:], *("100", "todo", "0")[len(sys.argv) - 1 :]]
    main(int(given[0]), given[1], int(given[2]))
