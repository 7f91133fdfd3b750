"""The demonstration's team: made once, through the same actions as everybody's."""

from __future__ import annotations

import json
import os
from pathlib import Path

from django.conf import settings

from apps.core.actions import action
from apps.core.errors import DomainError, NotFound
from apps.mcp.demo import story
from apps.reviews import actions as reviews
from apps.tasks import actions as tasks
from apps.teams.access import seat_of_token, system_seat
from apps.teams.actions import add_member, create_token
from apps.teams.actions.observe import observe_team, show_to_administrators
from apps.teams.models import Member, Team

KEYS = "demo_tokens.json"


def ensure() -> dict[str, str]:
    """The tokens of the team's agents by name; the team itself is made at the first call.

    One that was changed or ended by hand stays as it is: then there may be fewer agents, or none.
    """
    try:
        team = Team.objects.at(story.SLUG)
    except NotFound:
        team = make()
    show_to_administrators(team)
    return tokens(team)


@action
def make() -> Team:
    """The team with its seats and cards as on an afternoon in the middle of the work."""
    system = observe_team(
        story.SLUG, name=story.NAME, description=story.DESCRIPTION, protocol=story.PROTOCOL
    )
    seats = {
        seat.name: add_member(
            system,
            seat.name,
            role=seat.role,
            agent_type=seat.agent_type,
            plan_mode_required=seat.needs_plan,
            color=seat.color,
        )
        for seat in story.SEATS
    }
    for number, card in enumerate(story.CARDS, start=1):
        tasks.create_task(
            seats["hal"],
            card.subject,
            description=card.description,
            priority=card.priority,
            labels=card.labels,
            blocked_by=card.blocked_by,
        )
        if card.owner:
            bring(seats, number, card)
    return system.team


def bring(seats: dict[str, Member], number: int, card: story.Card) -> None:
    """Take a card as far as the story says."""
    owner = seats[card.owner]
    reviewer = seats["iris" if card.owner != "iris" else "rae"]
    if card.way == "plan":
        title, body, steps = story.PLAN
        reviews.propose_plan(owner, title, body, steps, task=number)
        return
    tasks.claim_task(owner, number)
    if card.way == "ask":
        tasks.ask(owner, number, story.QUESTION)
        return
    if card.way == "doing":
        tasks.edit_task(owner, number, active_form=story.DOING[number % len(story.DOING)])
        return
    tasks.comment(owner, number, story.FINISHED[number % len(story.FINISHED)])
    tasks.complete_task(owner, number)
    if card.way == "done":
        return
    reviews.request_review(owner, number, reviewer.name)
    if card.way == "approved":
        reviews.approve(reviewer, number, story.APPROVED[number % len(story.APPROVED)])


def tokens(team: Team) -> dict[str, str]:
    """A working token for each agent that still has its seat, kept beside the database."""
    path = settings.DATA_DIR / KEYS
    kept = _read(path)
    system = system_seat(team)
    fresh = {
        seat.name: kept[seat.name] if _works(kept.get(seat.name, ""), seat) else _new(system, seat)
        for seat in team.members.seated().filter(name__in=[seat.name for seat in story.SEATS])
    }
    if fresh != kept:
        _write(path, fresh)
    return fresh


def _new(system: Member, seat: Member) -> str:
    return create_token(system, seat.name, label="demonstration")[1]


def _works(secret: str, seat: Member) -> bool:
    try:
        return seat_of_token(secret)[0] == seat
    except DomainError:
        return False


def _read(path: Path) -> dict[str, str]:
    try:
        kept = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}


def _write(path: Path, secrets: dict[str, str]) -> None:
    with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
        json.dump(secrets, file)
