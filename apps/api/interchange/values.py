"""Reading the values of a document: every refusal says where, and what is wrong there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.dateparse import parse_datetime

from apps.api.interchange.tables import FORMAT, VERSION, Keys, fields_of
from apps.core.errors import Invalid
from apps.messaging.draft import storable

M = TypeVar("M", bound=models.Model)
Row = Mapping[str, Any]
SECTIONS = frozenset({
    "format", "version", "exported_at", "team", "members", "labels", "tasks", "dependencies",
    "comments", "artifacts", "messages", "discussions", "reviews", "plans", "sessions", "events",
})  # fmt: skip


def wrong(where: str, what: str) -> Invalid:
    """The refusal of a document, with the place."""
    return Invalid(
        f"{where}: {what}.", code="bad_document", hint="Choose a file made by `export_team`."
    )


def check_format(document: Any) -> None:
    """Raise Invalid where this is not a document that can be read here."""
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise wrong("The file", "it is not an exported team")
    version = document.get("version")
    if not isinstance(version, int) or version > VERSION:
        raise Invalid(
            f"The file is of version {version}; this program reads up to {VERSION}.",
            code="bad_document",
            hint="Import it with a newer version of the program.",
        )
    if unknown := sorted(document.keys() - SECTIONS):
        raise wrong("The file", f"nothing is known of {', '.join(unknown)}")
    check_text(document, "The file")


def check_text(value: Any, where: str) -> None:
    """Raise Invalid where some text holds what not every database can keep."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str) and not storable(one):
            raise wrong(where, "it has characters that are not text")
        if isinstance(one, dict):
            waiting += [*one, *one.values()]
        elif isinstance(one, list):
            waiting += one


def told(row: Row, name: str) -> Row:
    """The object `name`."""
    if not isinstance(row.get(name), dict):
        raise wrong(name, "it is missing")
    found: Row = row[name]
    return found


def listed(row: Row, name: str, where: str = "") -> list[tuple[str, Row]]:
    """The objects of the list `name`, each with its place; none where there is no such list."""
    found, place = row.get(name, []), f"{where}.{name}" if where else name
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise wrong(place, "it is not a list of objects")
    return [(f"{place}[{index}]", one) for index, one in enumerate(found)]


def ids(rows: list[tuple[str, Row]]) -> list[int]:
    """The rows' own numbers."""
    return [need(row, "id", int, where) for where, row in rows]


def keys_in(row: Row, name: str, where: str) -> list[Any]:
    """The list `name` of names or numbers; empty where there is none."""
    found = row.get(name, [])
    if not isinstance(found, list) or not all(isinstance(one, str | int) for one in found):
        raise wrong(where, f"its {name} are not a list of names or numbers")
    return found


def need(row: Any, name: str, kind: type, where: str) -> Any:
    """The value `name`, which must be there and of that kind."""
    value = row.get(name) if isinstance(row, dict) else None
    if not isinstance(value, kind) or isinstance(value, bool):
        raise wrong(where, f"its {name} is missing")
    return value


def moment(value: Any, where: str) -> datetime:
    """A time with its zone."""
    try:
        found = parse_datetime(value) if isinstance(value, str) else None
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise wrong(where, f"{value!r} is not a time with its zone")
    return found


def build(
    model: type[M], row: Row, where: str, keys: Keys, *, known: Iterable[str] = (), **given: Any
) -> M:
    """A new row of `model`, its values checked; `known` names what somebody else reads.

    A value that is missing is the model's default; one that nothing is known of is refused.
    """
    fields = fields_of(model)
    names = {field.name for field in (*fields.plain, *fields.links)}
    if unknown := sorted(row.keys() - names - set(known)):
        raise wrong(where, f"nothing is known of {', '.join(unknown)}")
    values = dict(given)
    for field in fields.plain:
        if field.name in row:
            values[field.name] = _value(field, row[field.name], f"{where}.{field.name}")
        elif not (field.has_default() or field.null or field.blank):
            raise wrong(where, f"its {field.name} is missing")
    for link in fields.links:
        values[link.attname] = _target(link, row.get(link.name), keys, f"{where}.{link.name}")
    return model(**values)


def _value(field: models.Field[Any, Any], raw: Any, where: str) -> Any:
    if raw is None:
        if not field.null:
            raise wrong(where, "it cannot be null")
        return None
    if isinstance(field, models.DateTimeField):
        return moment(raw, where)
    if isinstance(field, models.JSONField) and field.has_default():
        _check_kind(field, raw, where)
    try:
        value = field.to_python(raw)
        field.run_validators(value)
    except (ValidationError, TypeError, ValueError, OverflowError) as error:
        messages = error.messages if isinstance(error, ValidationError) else [str(error)]
        raise wrong(where, " ".join(messages).rstrip(".")) from None
    if field.choices and not (value == "" and field.blank):
        choices = [choice for choice, _ in field.flatchoices]
        if value not in choices:
            raise wrong(where, f"{raw!r} is not one of {', '.join(map(str, choices))}")
    return value


def _check_kind(field: models.JSONField[Any, Any], raw: Any, where: str) -> None:
    kind = type(field.get_default())
    if not isinstance(raw, kind):
        raise wrong(where, "it is not " + ("an object" if kind is dict else "a list"))


def _target(link: models.ForeignKey[Any, Any], key: Any, keys: Keys, where: str) -> Any:
    if key is None:
        if not link.null:
            raise wrong(where, "it is missing")
        return None
    try:
        return keys[link.related_model][key]
    except (KeyError, TypeError):
        raise wrong(where, f"{key!r} is not in the document") from None
