"""What each kind of structured message carries: one model per kind, fields in snake_case.

Agents of several generations write these, so a model asks only for what a reader cannot do
without, and keeps every key that it does not know.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError


def _as_text(value: object) -> object:
    """Ids are text on the wire; some writers send the number."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Id = Annotated[str, BeforeValidator(_as_text), Field(min_length=1)]
Moment = str | int | float


class Payload(BaseModel):
    """Any kind without rules of its own."""

    model_config = ConfigDict(extra="allow")

    # Other snake_case spellings that writers use, and the field each means.
    SYNONYMS: ClassVar[dict[str, str]] = {}
    # Whether native files spell the keys in camelCase.
    CAMEL: ClassVar[bool] = True

    summary: str | None = None
    timestamp: Moment | None = None

    @classmethod
    def known(cls) -> frozenset[str]:
        """The canonical names of the fields, as they stand in a stored payload."""
        return frozenset(field.alias or name for name, field in cls.model_fields.items())


class Signed(Payload):
    """Names the member it comes from, as native readers expect."""

    from_: str | None = Field(default=None, alias="from")


class TaskAssignment(Payload):
    task_id: Id
    subject: str
    description: str | None = None
    assigned_by: str | None = None


class IdleNotification(Payload):
    SYNONYMS = {"agent": "from"}

    from_: str = Field(alias="from", min_length=1)
    idle_reason: str | None = None
    last_task_id: Id | None = None
    completed_task_id: Id | None = None
    completed_status: str | None = None
    failure_reason: str | None = None
    result: Any = None


class ShutdownRequest(Signed):
    request_id: Id | None = None
    reason: str | None = None


class ShutdownApproved(Signed):
    request_id: Id | None = None
    pane_id: str | None = None
    backend_type: str | None = None


class ShutdownRejected(Signed):
    SYNONYMS = {"content": "reason"}

    request_id: Id | None = None
    reason: str | None = None


class PlanApprovalRequest(Signed):
    SYNONYMS = {"plan": "plan_content"}

    request_id: Id | None = None
    plan_content: str | None = None
    plan_file_path: str | None = None
    plan_id: int | None = None

    @model_validator(mode="after")
    def says_which_plan(self) -> PlanApprovalRequest:
        if self.plan_content is None and self.plan_file_path is None and self.plan_id is None:
            raise PydanticCustomError("field:plan_content", ": write the plan, or say where it is.")
        return self


class PlanApprovalResponse(Signed):
    SYNONYMS = {"approve": "approved"}

    request_id: Id | None = None
    approved: bool
    feedback: str | None = None
    permission_mode: str | None = None


class PermissionRequest(Payload):
    CAMEL = False

    request_id: Id
    tool_name: str
    agent_id: str | None = None
    tool_use_id: str | None = None
    description: str | None = None
    input: dict[str, Any] | None = None
    permission_suggestions: list[Any] | None = None


class PermissionResponse(Payload):
    """Says `approve`, or has `subtype` `success` with a `response`, or `error` with an `error`."""

    CAMEL = False
    SYNONYMS = {"approved": "approve"}

    request_id: Id
    approve: bool | None = None
    subtype: str | None = None
    response: dict[str, Any] | None = None
    error: str | None = None

    @model_validator(mode="after")
    def says_whether(self) -> PermissionResponse:
        if self.approve is None and self.subtype is None:
            raise PydanticCustomError("field:approve", ": write true or false.")
        return self


class ReviewRequest(Payload):
    task_id: Id
    subject: str | None = None
    reviewer: str | None = None
    round: int | None = None
    note: str | None = None


class ReviewResponse(Payload):
    SYNONYMS = {"approve": "approved", "feedback": "note"}

    task_id: Id
    approved: bool
    subject: str | None = None
    round: int | None = None
    note: str | None = None


class TaskCompleted(Signed):
    SYNONYMS = {"subject": "task_subject"}

    task_id: Id
    task_subject: str | None = None
