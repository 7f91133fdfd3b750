"""Cards, the board and the graph."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from apps.api.fields import (
    Column,
    Day,
    GraphFormat,
    Id,
    Input,
    Number,
    PageQuery,
    Priority,
    Split,
    TaskStatus,
    Whom,
)
from apps.api.schemas.teams import TeamLine
from apps.teams.artifacts import MOST_ATTACHED

__all__ = [
    "AnswerText",
    "Ask",
    "Board",
    "BoardColumn",
    "Card",
    "Comment",
    "CommentPage",
    "Graph",
    "GraphEdge",
    "GraphNode",
    "GraphQuery",
    "NewComment",
    "NewTask",
    "PlanProgress",
    "Position",
    "Release",
    "ReviewRequest",
    "Task",
    "TaskChange",
    "TaskPage",
    "TasksQuery",
    "Verdict",
]

Metadata = dict[str, Any]
Numbers = Annotated[list[Number], Field(max_length=500)]
Labels = Annotated[list[str], Field(max_length=100)]


class Said(Input):
    """What can be said of a card."""

    subject: str = ""
    description: str = ""
    owner: str | None = None
    priority: Priority = "normal"
    labels: Labels = []
    blocked_by: Numbers = []
    related: Numbers = []
    due: Day | None = None
    active_form: str = ""
    metadata: Metadata = {}


class NewTask(Said):
    """A card."""

    subject: str

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"subject": "Write the parser", "priority": "high", "blocked_by": []}]
        },
    )


class TaskChange(Said):
    """What a card says; what is left out stays. Moves have addresses of their own.

    With `version`, a card that changed meanwhile is refused as `stale`. `metadata` is merged; a
    null deletes its key.
    """

    version: Annotated[int, Field(ge=1)] = 1

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"priority": "critical", "version": 3}]}
    )


class TasksQuery(PageQuery):
    """Which cards to list; all that is given must hold."""

    column: Annotated[list[Column], Split] = []
    status: Annotated[list[TaskStatus], Split] = []
    owner: Annotated[
        str | None, Field(max_length=128, description="A name, `me`, or `none` for nobody's.")
    ] = None
    label: Annotated[list[str], Split, Field(max_length=20)] = []
    ready: Annotated[bool | None, Field(description="Whether you could start it now.")] = None
    blocked: bool | None = None
    needs_input: bool | None = None
    q: Annotated[
        str | None, Field(max_length=200, description="Words of subject or description, or #12.")
    ] = None


class GraphQuery(BaseModel):
    """How to draw the graph."""

    format: GraphFormat = "json"


class Release(Input):
    """Why a card goes back."""

    note: str = ""


class Ask(Input):
    """A question about a card, to the lead or to a person."""

    question: str
    of: Whom = "human"


class AnswerText(Input):
    """The answer to a card's question."""

    text: str


class Position(Input):
    """The card of the same column to stand before or after."""

    before: Number | None = None
    after: Number | None = None


class NewComment(Input):
    """A remark. With artifacts, by their ids, it needs no words."""

    body: Annotated[str, Field(validation_alias=AliasChoices("body", "text"))] = ""
    artifacts: Annotated[list[Id], Field(max_length=MOST_ATTACHED)] = []

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class ReviewRequest(Input):
    """Who shall review; nobody named means whoever is next."""

    reviewer: str | None = None
    note: str = ""


class Verdict(Input):
    """What the reviewer says."""

    note: Annotated[str, Field(validation_alias=AliasChoices("note", "text"))] = ""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class PlanProgress(BaseModel):
    """How far the approved plan of a card is."""

    by: str
    steps: int
    done: int
    doing: str


class Card(BaseModel):
    """A task as the board shows it."""

    number: int
    subject: str
    status: TaskStatus
    column: Column
    review_state: str
    review_round: int
    reviewer: str | None
    owner: str | None
    priority: Priority
    labels: list[str]
    blocked_by: list[int]
    open_blockers: list[int]
    blocks: list[int]
    related: list[int]
    blocked: bool
    ready: bool
    needs_input: str | None
    question: str
    asked_at: datetime | None
    due: date | None
    active_form: str
    plan: PlanProgress | None
    conflict: bool
    stalled: bool
    comments: int
    created_by: str | None
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    review_requested_at: datetime | None
    worked_seconds: int
    version: int


class Task(Card):
    """A task with everything it says."""

    description: str
    metadata: dict[str, Any]


class TaskPage(BaseModel):
    """Tasks by number."""

    items: list[Task]
    next: str | None


class BoardColumn(BaseModel):
    """A column: its first cards in order, and how many it holds in all."""

    name: Column
    label: str
    count: int
    wip_limit: int | None
    cards: list[Card]


class Board(BaseModel):
    """The five columns as of journal number `seq`."""

    team: TeamLine
    columns: list[BoardColumn]
    wip_per_member: int | None
    seq: int


class GraphNode(BaseModel):
    """A card in the graph."""

    number: int
    subject: str
    status: TaskStatus
    column: Column
    owner: str | None
    finished: bool
    open_blockers: list[int]


class GraphEdge(BaseModel):
    """`blocked` waits for `blocker`."""

    blocker: int
    blocked: int


class Graph(BaseModel):
    """Dependencies: what is ready, an order to do it in, the longest chain of what is left."""

    nodes: list[GraphNode]
    edges: list[GraphEdge]
    ready: list[int]
    order: list[int]
    stuck: list[int]
    cycle: list[int]
    critical_path: list[int]


class Comment(BaseModel):
    """A remark on a task."""

    id: int
    task: int
    author: str
    kind: str
    body: str
    artifacts: list[int]
    created_at: datetime


class CommentPage(BaseModel):
    """Remarks, oldest first."""

    items: list[Comment]
    next: str | None
