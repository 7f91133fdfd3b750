"""The types that input is made of: forgiving in spelling, strict in what they let through."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from apps.core.storing import LARGEST, LARGEST_ID
from apps.tasks.moves import BOARD, Status
from apps.teams.permissions import Permission, Role

Number = Annotated[int, Field(ge=1, le=LARGEST, description="A task's number.")]
Id = Annotated[int, Field(ge=1, le=LARGEST_ID)]
Seq = Annotated[int, Field(ge=0, le=LARGEST_ID)]
Wait = Annotated[
    float,
    Field(ge=0, le=60, description="Seconds to wait for news where there is nothing yet."),
]


def fold(word: str) -> str:
    """The form in which words are compared: `in_progress`, `In-Progress` and `inprogress` agree."""
    return re.sub(r"[\s_-]+", "", word).lower()


def one_of(table: Mapping[str, str]) -> BeforeValidator:
    """Read words in any spelling, and the synonyms of `table`, whose keys are folded."""
    return BeforeValidator(
        lambda word: table.get(fold(word), word) if isinstance(word, str) else word
    )


def words(*choices: str) -> BeforeValidator:
    """Read each of `choices` in any of its spellings."""
    return one_of({fold(choice): choice for choice in choices})


def _split(value: Any) -> Any:
    """`a,b` and repeated parameters alike."""
    if isinstance(value, str):
        value = [value]
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return [word for item in value for part in item.split(",") if (word := part.strip())]
    return value


Split = BeforeValidator(_split)

Column = Annotated[
    Literal["todo", "in_progress", "review", "done", "approved", "trash"],
    words(*BOARD, "trash"),
]
TaskStatus = Annotated[
    Literal["pending", "in_progress", "completed", "deleted"], words(*Status.values)
]
Priority = Annotated[
    Literal["low", "normal", "high", "critical"], words("low", "normal", "high", "critical")
]
MemberRole = Annotated[Literal["leader", "member", "observer"], words(*Role.values)]
MemberKind = Annotated[Literal["human", "agent"], words("human", "agent")]
Right = Annotated[
    Literal["manage_team", "manage_tasks", "work", "review", "decide_plans", "send_messages"],
    words(*Permission.values),
]
TeamState = Annotated[
    Literal["forming", "active", "paused", "completed", "archived", "disbanded"],
    words("forming", "active", "paused", "completed", "archived", "disbanded"),
]
Whom = Annotated[Literal["lead", "human"], words("lead", "human")]
GraphFormat = Annotated[Literal["json", "mermaid", "dot"], words("json", "mermaid", "dot")]
DECISIONS = {"approve": "approved", "approved": "approved", "accept": "approved",
             "reject": "rejected", "rejected": "rejected"}  # fmt: skip
Decision = Annotated[Literal["approved", "rejected"], one_of(DECISIONS)]
StepState = Annotated[
    Literal["todo", "doing", "done", "skipped"], words("todo", "doing", "done", "skipped")
]
Name = Annotated[str, Field(min_length=1, max_length=128, examples=["hal"])]


def _only_text(value: Any) -> Any:
    """Numbers would be taken for seconds since 1970."""
    if isinstance(value, bool | int | float):
        raise ValueError("Write a day or time as in 2025-03-01T09:30:00Z")
    return value


Day = Annotated[date, BeforeValidator(_only_text)]
Moment = Annotated[AwareDatetime, BeforeValidator(_only_text)]


class Input(BaseModel):
    """What a write takes. A value that it does not know is refused, so that no typo is lost."""

    model_config = ConfigDict(extra="forbid")

    def given(self) -> dict[str, Any]:
        """The values that came, and only those."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class PageQuery(BaseModel):
    """How lists are read in parts."""

    limit: int = Field(50, ge=1, le=200, description="Items per page.")
    cursor: Annotated[
        str | None, Field(max_length=64, description="The `next` of the page before.")
    ] = None
