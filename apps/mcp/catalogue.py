"""The list of tools: each with what it takes and answers, as types and as schemas."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar, get_type_hints

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from apps.api.parsing import is_storable
from apps.core.closest import closest, did_you_mean
from apps.core.errors import DomainError, Invalid
from apps.mcp.caller import Caller
from apps.mcp.slim import slim
from apps.messaging.draft import NOT_STORABLE

Data = dict[str, Any]
MOVES = dict.fromkeys(
    ("status", "column", "review_state"),
    "A task moves by claim_task, finish_task, request_review, review_task and resolve_conflict.",
)
Act = TypeVar("Act", bound=Callable[..., Any])


class UnknownTool(DomainError):
    """There is no tool of that name."""

    status = 404
    code = "unknown_tool"


@dataclass(frozen=True)
class Tool:
    """A tool. `act` takes the member, or the caller where it may wait, and what `takes` parsed."""

    name: str
    description: str
    takes: type[BaseModel]
    gives: Any
    act: Callable[..., Any]
    reads_only: bool

    @cached_property
    def input(self) -> Data:
        """The schema of its arguments."""
        return slim(self.takes.model_json_schema(), nulls=False)

    @cached_property
    def output(self) -> Data:
        """The schema of its answer."""
        return slim(TypeAdapter(self.gives).json_schema(mode="serialization"), nulls=True)

    def call(self, caller: Caller, arguments: Data) -> Awaitable[Data]:
        """Parse, act and answer; a DomainError says why not."""
        asked = self._parse(arguments)
        if inspect.iscoroutinefunction(self.act):
            waits: Awaitable[Data] = self.act(caller, asked)
            return waits
        return caller.run(lambda member: self.act(member, asked))

    def _parse(self, arguments: Data) -> BaseModel:
        try:
            if not is_storable(arguments):
                raise Invalid(fields={"arguments": NOT_STORABLE})
            return self.takes.model_validate(arguments)
        except RecursionError:
            raise Invalid(fields={"arguments": "They are nested too deeply."}) from None
        except ValidationError as error:
            raise Invalid(fields=self._mistakes(error), hint=self._takes()) from None

    def _mistakes(self, error: ValidationError) -> dict[str, str]:
        mistakes = error.errors(include_url=False, include_context=False, include_input=False)
        return {
            ".".join(map(str, mistake["loc"])) or "arguments": self._sentence(mistake)
            for mistake in mistakes
        }

    def _sentence(self, mistake: ErrorDetails) -> str:
        name = str(mistake["loc"][-1]) if mistake["loc"] else ""
        if mistake["type"] == "extra_forbidden":
            near = closest(name, self.input.get("properties", {}), 1)
            return MOVES.get(name) or f"There is no such argument.{did_you_mean(near)}"
        if mistake["type"] == "missing":
            return "This is needed."
        return f"{mistake['msg'].removeprefix('Value error, ')}."

    def _takes(self) -> str:
        names = self.input.get("properties", {})
        needed = self.input.get("required", [])
        listed = ", ".join(f"{name} (needed)" if name in needed else name for name in names)
        return f"{self.name} takes {listed}." if listed else f"{self.name} takes no arguments."


TOOLS: dict[str, Tool] = {}


def tool(act: Act) -> Act:
    """Register a function under its name; its docstring is what a model reads to choose it."""
    return _register(act, reads_only=False)


def reader(act: Act) -> Act:
    """The same for a function that changes nothing others see."""
    return _register(act, reads_only=True)


def _register(act: Act, *, reads_only: bool) -> Act:
    hints = get_type_hints(act)
    gives = hints.pop("return")
    _, takes = hints.values()
    name = act.__name__
    TOOLS[name] = Tool(name, " ".join((act.__doc__ or "").split()), takes, gives, act, reads_only)
    return act


def find(name: str) -> Tool:
    """The tool of that name; UnknownTool names the closest ones."""
    if name not in TOOLS:
        hint = did_you_mean(closest(name, TOOLS)) or f"There are: {', '.join(TOOLS)}."
        raise UnknownTool(f"There is no tool “{name}”.", hint=hint.strip())
    return TOOLS[name]
