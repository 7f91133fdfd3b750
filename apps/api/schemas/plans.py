"""Plans and their decisions."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from apps.api.fields import Decision, Input, Number, PageQuery, StepState

__all__ = [
    "NewPlan",
    "Plan",
    "PlanChange",
    "PlanDecision",
    "PlanPage",
    "PlanStep",
    "PlanVerdict",
    "PlansQuery",
    "StepIndex",
    "StepReport",
    "StepText",
]


StepIndex = Annotated[int, Field(ge=0, le=10_000)]


class StepText(Input):
    """A step of a plan."""

    title: str
    detail: str = ""


class PlanChange(Input):
    """A plan's text; what is left out stays. A text alone may stand for a step."""

    title: str | None = None
    body: str | None = None
    steps: list[StepText | str] | None = None


class NewPlan(Input):
    """What you intend to do. It waits for its decision at once, unless it is a `draft`."""

    title: str
    body: str = ""
    steps: list[StepText | str] = []
    task: Number | None = None
    draft: bool = False

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"task": 3, "title": "Parser", "steps": ["Read the grammar", "Write it"]}]
        },
    )


class PlansQuery(PageQuery):
    """Which plans to list."""

    state: Annotated[str | None, Field(max_length=32)] = None
    task: Number | None = None
    author: Annotated[str | None, Field(max_length=128)] = None


class PlanVerdict(Input):
    """A decision about one version, at one stage."""

    decision: Decision
    version: Annotated[int, Field(ge=1)]
    note: str = ""
    stage: Annotated[int, Field(ge=0)] | None = None


class StepReport(Input):
    """How far a step is."""

    state: StepState


class PlanStep(BaseModel):
    """A step; `index` counts from 0."""

    index: int
    title: str
    detail: str
    state: StepState
    reported_at: datetime | None


class PlanDecision(BaseModel):
    """One stage's decision about one version."""

    version: int
    stage: int
    stage_name: str
    decision: str
    note: str
    member: str
    at: datetime


class Plan(BaseModel):
    """A plan at its current version; `stage` names who decides now, while it waits."""

    id: int
    task: int | None
    author: str
    title: str
    body: str
    steps: list[PlanStep]
    version: int
    state: str
    stage: str | None
    stage_index: int
    stages: list[str]
    decisions: list[PlanDecision]
    created_at: datetime
    submitted_at: datetime | None
    decided_at: datetime | None


class PlanPage(BaseModel):
    """Plans, newest first."""

    items: list[Plan]
    next: str | None
