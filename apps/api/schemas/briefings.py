"""What an agent is told at the start."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from apps.api.fields import Seq, Wait
from apps.api.schemas.teams import Me

__all__ = ["Briefing", "BriefingLine", "BriefingQuery", "Suggestion"]


class BriefingQuery(BaseModel):
    """What counts as new, and whether to wait for work."""

    since: Annotated[Seq | None, Field(description="A journal number; else your last call.")] = None
    wait: Wait = 0


class Suggestion(BaseModel):
    """One next step: what to do, why, and the call that does it here."""

    action: str
    why: str
    task: int | None
    call: str


class BriefingLine(BaseModel):
    """Something that concerns the caller, in one line."""

    id: int
    line: str


class Briefing(BaseModel):
    """Everything an agent needs to go on: the same as `text` and as data."""

    text: str
    me: Me
    may: list[str]
    rules: str
    running: list[BriefingLine]
    ready: list[BriefingLine]
    my_plans: list[BriefingLine]
    reviews: list[BriefingLine]
    plans: list[BriefingLine]
    questions: list[BriefingLine]
    care: list[BriefingLine]
    unread: list[BriefingLine]
    changes: list[BriefingLine]
    since: int
    seq: int
    next_step: Suggestion
