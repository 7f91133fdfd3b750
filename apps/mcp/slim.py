"""Schemas in fewer words: a model reads every one of them before its first call."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]
NULL = {"type": "null"}
# Names and bounds that no caller needs: the text of a field says what matters.
IDLE = frozenset({"title", "default", "additionalProperties", "minimum", "maximum", "minLength",
                  "maxLength", "format", "examples", "$defs"})  # fmt: skip


def slim(schema: Schema, *, nulls: bool) -> Schema:
    """The same schema with references resolved and what is idle left out.

    Without `nulls` an optional value is not said to take null: it can be left out as well.
    """
    known = {f"#/$defs/{name}": part for name, part in schema.get("$defs", {}).items()}

    def node(part: Any) -> Any:
        if isinstance(part, list):
            return [node(item) for item in part]
        if not isinstance(part, dict):
            return part
        part = resolved(part)
        return {key: below(key, value) for key, value in part.items() if key not in IDLE}

    def below(key: str, value: Any) -> Any:
        if key == "properties":
            return {name: node(item) for name, item in value.items()}
        return node(value)

    def resolved(part: Schema) -> Schema:
        rest = {key: value for key, value in part.items() if key not in ("$ref", "anyOf")}
        if "$ref" in part:
            return {**bare(known[part["$ref"]]), **rest}
        options = part.get("anyOf", [])
        if not nulls and len(options) == 2 and NULL in options:
            (only,) = (option for option in options if option != NULL)
            return {**resolved(only), **rest}
        return part

    return node(bare(schema))  # type: ignore[no-any-return]


def bare(schema: Schema) -> Schema:
    """Without the docstring of the type, which is for readers of the code."""
    return {key: value for key, value in schema.items() if key != "description"}
