"""The life of a team as two tables: which state follows which, and what each state allows."""

from __future__ import annotations

from django.db import models


class State(models.TextChoices):
    """The six states of a team."""

    FORMING = "forming"
    ACTIVE = "active"
    PAUSED = "paused"
    COMPLETED = "completed"
    ARCHIVED = "archived"
    DISBANDED = "disbanded"


MOVES: dict[State, frozenset[State]] = {
    State.FORMING: frozenset({State.ACTIVE, State.DISBANDED}),
    State.ACTIVE: frozenset({State.PAUSED, State.COMPLETED, State.ARCHIVED, State.DISBANDED}),
    State.PAUSED: frozenset({State.ACTIVE, State.COMPLETED, State.ARCHIVED, State.DISBANDED}),
    State.COMPLETED: frozenset({State.ACTIVE, State.ARCHIVED}),
    State.ARCHIVED: frozenset({State.COMPLETED}),
    State.DISBANDED: frozenset(),
}


class Allows(models.TextChoices):
    """What a state may allow; the label completes "The team is …: it takes no …"."""

    MEMBERS = "members", "changes to members or settings"
    TASKS = "tasks", "new tasks or edits"
    WORK = "work", "claims, starts or completions"
    MESSAGES = "messages", "messages"
    SESSIONS = "sessions", "sessions"
    PLANS = "plans", "new plans or reviews"
    DECISIONS = "decisions", "decisions"


ALLOWED: dict[State, frozenset[Allows]] = {
    State.FORMING: frozenset({Allows.MEMBERS, Allows.TASKS, Allows.MESSAGES, Allows.SESSIONS}),
    State.ACTIVE: frozenset(Allows),
    State.PAUSED: frozenset(Allows) - {Allows.WORK, Allows.PLANS},
    State.COMPLETED: frozenset({Allows.MESSAGES, Allows.SESSIONS}),
    State.ARCHIVED: frozenset(),
    State.DISBANDED: frozenset(),
}

VERBS: dict[tuple[State, State], str] = {
    (State.FORMING, State.ACTIVE): "Activate",
    (State.ACTIVE, State.PAUSED): "Pause",
    (State.PAUSED, State.ACTIVE): "Resume",
    (State.COMPLETED, State.ACTIVE): "Reopen",
    (State.ARCHIVED, State.COMPLETED): "Restore",
}


def verb(now: State, to: State) -> str:
    """The word on the button that moves a team from `now` to `to`."""
    general = {State.COMPLETED: "Complete", State.ARCHIVED: "Archive", State.DISBANDED: "Disband"}
    return VERBS.get((now, to)) or general[to]
