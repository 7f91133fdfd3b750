"""The OpenAPI document as a page reads it: operations by subject, each with all it takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Doc = dict[str, Any]
METHODS = ("get", "post", "patch", "put", "delete")


@dataclass
class Value:
    """Something that an operation takes or answers."""

    name: str
    type: str
    about: str = ""
    needed: bool = False
    where: str = ""


@dataclass
class Operation:
    """One method of one address."""

    id: str
    method: str
    path: str
    summary: str
    about: str
    parameters: list[Value] = field(default_factory=list)
    body: list[Value] = field(default_factory=list)
    body_type: str = ""
    answer: str = ""
    statuses: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class Subject:
    """The operations of one subject."""

    name: str
    operations: list[Operation]

    @property
    def anchor(self) -> str:
        """Its place on the page."""
        return f"subject-{self.name.lower()}"


@dataclass
class Shape:
    """An object that operations take or answer."""

    name: str
    about: str
    fields: list[Value]


def shapes(doc: Doc) -> list[Shape]:
    """All named objects, by name."""
    return [
        Shape(name, schema.get("description", ""), fields(doc, schema))
        for name, schema in sorted(doc["components"]["schemas"].items())
        if "properties" in schema
    ]


def sections(doc: Doc) -> list[Subject]:
    """All operations, in the order of the document."""
    found: dict[str, list[Operation]] = {}
    for path, operations in doc["paths"].items():
        for method in METHODS:
            if method in operations:
                one = operations[method]
                tag = one.get("tags", ["Other"])[0]
                found.setdefault(tag, []).append(_operation(doc, path, method, one))
    return [Subject(name, operations) for name, operations in found.items()]


def _operation(doc: Doc, path: str, method: str, one: Doc) -> Operation:
    about = one.get("description", "")
    answers = [
        (status, _follow(doc, answer)) for status, answer in sorted(one["responses"].items())
    ]
    body_type, body = _body(doc, one)
    return Operation(
        id=one["operationId"],
        method=method.upper(),
        path=path,
        summary=one["summary"],
        about="" if about.strip().rstrip(".") == one["summary"] else about,
        parameters=[_parameter(doc, parameter) for parameter in one.get("parameters", [])],
        body=body,
        body_type=body_type,
        answer=_answer(doc, answers),
        statuses=[(status, answer["description"]) for status, answer in answers],
    )


def _parameter(doc: Doc, parameter: Doc) -> Value:
    return Value(
        name=parameter["name"],
        type=type_of(doc, parameter["schema"]),
        about=parameter.get("description", ""),
        needed=bool(parameter.get("required")),
        where=parameter["in"],
    )


def _body(doc: Doc, one: Doc) -> tuple[str, list[Value]]:
    for kind, content in one.get("requestBody", {}).get("content", {}).items():
        return kind, fields(doc, content["schema"])
    return "", []


def _answer(doc: Doc, answers: list[tuple[str, Doc]]) -> str:
    for status, answer in answers:
        if status.startswith("2"):
            for content in answer.get("content", {}).values():
                return type_of(doc, content.get("schema", {}))
    return ""


def fields(doc: Doc, schema: Doc) -> list[Value]:
    """The fields of an object; of several alternatives those of the first that has any."""
    schema = _follow(doc, schema)
    for option in schema.get("anyOf", []):
        if found := fields(doc, option):
            return found
    needed = schema.get("required", [])
    return [
        Value(name, type_of(doc, value), value.get("description", ""), name in needed)
        for name, value in schema.get("properties", {}).items()
    ]


def type_of(doc: Doc, schema: Doc) -> str:
    """A type in a few words: `integer`, `list of string`, `low | high`, `Task`."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(type_of(doc, option) for option in schema["anyOf"]))
    if schema.get("type") == "array":
        return f"list of {type_of(doc, schema.get('items', {}))}"
    if schema.get("format") in ("date", "date-time", "binary"):
        return {"date": "day", "date-time": "time", "binary": "file"}[schema["format"]]
    return str(schema.get("type", "anything"))


def _follow(doc: Doc, schema: Doc) -> Doc:
    while "$ref" in schema:
        target: Any = doc
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        schema = target
    return schema
