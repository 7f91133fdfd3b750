"""The journal, runs of agents, deliverables."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from apps.api.fields import Input, Number, PageQuery, Seq, Split, Wait

__all__ = [
    "Artifact",
    "ArtifactForm",
    "ArtifactPage",
    "ArtifactsQuery",
    "Event",
    "EventPage",
    "EventsQuery",
    "NewSession",
    "Session",
    "SessionEnd",
]


class EventsQuery(PageQuery):
    """Where in the journal to go on, and which kinds to show."""

    after: Seq = 0
    kind: Annotated[
        list[str],
        Split,
        Field(max_length=50, description="As `task.completed`, or `task` for all of these."),
    ] = []
    wait: Wait = 0


class NewSession(Input):
    """One run of an agent's process."""

    model: str = ""
    cwd: str = ""
    backend: str = ""

    model_config = ConfigDict(extra="ignore")


class SessionEnd(Input):
    """Why a run ended."""

    reason: str = ""


class ArtifactsQuery(PageQuery):
    """Which artifacts to list."""

    task: Number | None = None
    name: Annotated[str | None, Field(max_length=255)] = None


class ArtifactForm(BaseModel):
    """What goes with a file; without a name it keeps its own."""

    name: Annotated[str | None, Field(max_length=255)] = None
    task: Number | None = None
    content_type: Annotated[str | None, Field(max_length=127)] = None


class Event(BaseModel):
    """One line of the journal."""

    seq: int
    kind: str
    actor: str | None
    task: int | None
    data: dict[str, Any]
    at: datetime


class EventPage(BaseModel):
    """Events in order. Go on with `after=<last>`; `reload` says that older ones were pruned."""

    items: list[Event]
    next: str | None
    last: int
    reload: bool


class Session(BaseModel):
    """One run of an agent's process."""

    id: int
    member: str
    model: str
    cwd: str
    backend: str
    started_at: datetime
    last_seen_at: datetime
    ended_at: datetime | None
    end_reason: str


class Artifact(BaseModel):
    """One version of a deliverable; its bytes are at `url` until it is deleted."""

    id: int
    name: str
    version: int
    task: int | None
    content_type: str
    size: int
    sha256: str
    added_by: str | None
    created_at: datetime
    deleted_at: datetime | None
    url: str | None


class ArtifactPage(BaseModel):
    """Artifacts, newest first."""

    items: list[Artifact]
    next: str | None
