"""What a document holds: for each model its fields, and what stands for the rows it refers to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NamedTuple

from django.db import models

from apps.messaging.models import Delivery, Discussion, Message, Turn
from apps.reviews.models import Plan, PlanDecision, PlanStep, PlanVersion, Review
from apps.tasks.models import Comment, Label, Task
from apps.teams.models import AgentSession, Artifact, Event, Member, Team

FORMAT = "agent-teams/team"
VERSION = 1
USERNAME = "username"
Model = type[models.Model]

# What the place in the document says already, what is made anew, and what is told otherwise.
UNTOLD: dict[Model, frozenset[str]] = {
    Team: frozenset(),
    Member: frozenset({"team", "user", "key"}),
    Label: frozenset({"team", "key"}),
    Task: frozenset({"team"}),
    Comment: frozenset(),
    AgentSession: frozenset(),
    Artifact: frozenset({"team", "content"}),
    Message: frozenset({"team"}),
    Delivery: frozenset({"message"}),
    Discussion: frozenset({"team"}),
    Turn: frozenset({"discussion"}),
    Review: frozenset(),
    Plan: frozenset({"team"}),
    PlanVersion: frozenset({"plan"}),
    PlanStep: frozenset({"version"}),
    PlanDecision: frozenset({"version"}),
    Event: frozenset({"team"}),
}
# What the journal calls the rows it speaks of; lists of them are in the plural.
TOLD: dict[str, Model] = {
    "message": Message, "thread": Message, "reply_to": Message, "plan": Plan, "comment": Comment,
    "discussion": Discussion, "artifact": Artifact, "session": AgentSession,
}  # fmt: skip
TOLD_MANY: dict[str, Model] = {"messages": Message, "threads": Message}
# The same in payloads, where agents write what they like: so a reference is marked as one.
MARKED: dict[str, tuple[str, Model]] = {
    "plan_id": ("$plan", Plan), "discussion": ("$discussion", Discussion),
    "thread": ("$message", Message),
}  # fmt: skip

Keys = Mapping[Model, Mapping[Any, Any]]
"""For each model: from what stands on one side to what stands on the other."""


class Fields(NamedTuple):
    """The fields of a model that a document tells: plain values, and references."""

    plain: list[models.Field[Any, Any]]
    links: list[models.ForeignKey[Any, Any]]


@cache
def fields_of(model: Model) -> Fields:
    """What the document tells of a row of `model`."""
    told = [
        field
        for field in model._meta.concrete_fields
        if not field.primary_key
        and not isinstance(field, models.GeneratedField)
        and field.name not in UNTOLD[model]
    ]
    links = [field for field in told if isinstance(field, models.ForeignKey)]
    return Fields([field for field in told if field not in links], links)


def translated(data: dict[str, Any], keys: Keys) -> dict[str, Any]:
    """A journal line's data with the ids it names translated; what is gone reads null."""
    told = dict(data)
    for name, model in TOLD.items():
        if _is_id(told.get(name)):
            told[name] = keys[model].get(told[name])
    for name, model in TOLD_MANY.items():
        if isinstance(told.get(name), list):
            told[name] = [
                keys[model][one] for one in told[name] if _is_id(one) and one in keys[model]
            ]
    return told


def marked(payload: Any, keys: Keys) -> Any:
    """A payload in which ids of the team's own rows are marked as references."""
    return _each(payload, lambda value, mark, model: (
        {mark: keys[model][value]} if _is_id(value) and value in keys[model] else value
    ))  # fmt: skip


def unmarked(payload: Any, keys: Keys) -> Any:
    """The opposite of `marked`; a reference to nothing reads null."""
    return _each(payload, lambda value, mark, model: (
        keys[model].get(value[mark])
        if isinstance(value, dict) and _is_id(value.get(mark)) else value
    ))  # fmt: skip


def _each(payload: Any, change: Callable[[Any, str, Model], Any]) -> Any:
    if not isinstance(payload, dict) or not MARKED.keys() & payload.keys():
        return payload
    known = {name: MARKED[name] for name in MARKED.keys() & payload.keys()}
    return payload | {name: change(payload[name], *known[name]) for name in known}


def _is_id(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
