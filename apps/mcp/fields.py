"""The types of arguments, as forgiving as models are inventive: `"#12"`, `"3, 4"`, `"[3]"`."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from apps.core.storing import LARGEST, LARGEST_ID


class Args(BaseModel):
    """What a tool takes. An argument that it does not know is refused, so that no typo is lost."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True, populate_by_name=True)

    def given(self) -> dict[str, Any]:
        """The arguments that came, and only those."""
        return {name: getattr(self, name) for name in self.model_fields_set}


def _number(value: Any) -> Any:
    return value.strip().lstrip("#") if isinstance(value, str) else value


def _listed(value: Any) -> Any:
    """A list that came as text: as JSON, or with commas between."""
    if isinstance(value, str):
        with suppress(ValueError):
            parsed = json.loads(value)
            return parsed if isinstance(parsed, list) else [value]
        return [part.strip() for part in value.split(",") if part.strip()]
    return [value] if isinstance(value, int) else value


def _object(value: Any) -> Any:
    """An object that came as text."""
    if isinstance(value, str):
        with suppress(ValueError):
            return json.loads(value)
    return value


Number = Annotated[int, Field(ge=1, le=LARGEST), BeforeValidator(_number)]
Id = Annotated[int, Field(ge=1, le=LARGEST_ID), BeforeValidator(_number)]
Seq = Annotated[int, Field(ge=0, le=LARGEST_ID), BeforeValidator(_number)]
Numbers = Annotated[list[Number], BeforeValidator(_listed)]
Ids = Annotated[list[Id], BeforeValidator(_listed)]
Words = Annotated[list[str], BeforeValidator(_listed)]
Owner = Annotated[
    str | None,
    BeforeValidator(lambda name: None if str(name).lower() in ("none", "nobody", "null") else name),
]
Object = Annotated[dict[str, Any], BeforeValidator(_object)]
Wait = Annotated[float, Field(ge=0, le=60, description="Seconds to wait if there is nothing yet.")]
Limit = Annotated[int, Field(ge=1, le=200)]
