"""The values of a card as people and agents give them: cleaned, or Invalid by field."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from apps.core.errors import Invalid
from apps.messaging.draft import ESCAPED_NUL, NOT_STORABLE, storable
from apps.tasks.models import Label, Task, label_key
from apps.tasks.models.task import DESCRIPTION_LENGTH, SUBJECT_LENGTH, Priority

LABEL_LENGTH = 40
MOST_LABELS = 12
METADATA_LENGTH = 200_000
PLAIN = frozenset({"subject", "description", "priority", "due", "active_form"})
LONGEST = {
    "description": (DESCRIPTION_LENGTH, f"At most {DESCRIPTION_LENGTH:,} characters."),
    "active_form": (SUBJECT_LENGTH, f"At most {SUBJECT_LENGTH} characters."),
    "subject": (
        SUBJECT_LENGTH,
        f"At most {SUBJECT_LENGTH} characters; the description takes more.",
    ),
}


def checked(**values: Any) -> dict[str, Any]:
    """The plain values of a card, cleaned; Invalid by field."""
    fields: dict[str, str] = {}
    for key in LONGEST.keys() & values.keys():
        text = str(values[key] or "")
        values[key] = text if key == "description" else " ".join(text.split())
        if why := text_trouble(values[key], *LONGEST[key]):
            fields[key] = why
    if "subject" in values and not values["subject"]:
        fields["subject"] = "Write what is to be done."
    if "priority" in values:
        try:
            values["priority"] = parse_priority(values["priority"])
        except (KeyError, ValueError):
            fields["priority"] = "Choose low, normal, high or critical."
    if fields:
        raise Invalid(fields=fields)
    return values


def text_trouble(text: str, longest: int, sentence: str) -> str:
    """Why `text` cannot be kept, as a sentence; empty where it can."""
    if len(text) > longest:
        return sentence
    return "" if storable(text) else NOT_STORABLE


def checked_text(field: str, text: str, longest: int) -> str:
    """`text` without blanks around it; Invalid where it is empty, too long or no text."""
    text = text.strip()
    sentence = f"Write 1 to {longest:,} characters."
    if why := text_trouble(text, longest, sentence) or ("" if text else sentence):
        raise Invalid(fields={field: why})
    return text


def parse_priority(value: int | str) -> Priority:
    """A priority by number or by word, ignoring case."""
    if isinstance(value, str) and not value.isdecimal():
        return Priority[value.strip().upper()]
    return Priority(int(value))


def checked_metadata(values: dict[str, Any] | None) -> dict[str, Any]:
    """Values that fit into a card's metadata; Invalid where they are no JSON or too much."""
    try:
        text = json.dumps(values or {}, allow_nan=False, ensure_ascii=False)
    except (TypeError, ValueError):
        raise Invalid(fields={"metadata": "It is not plain JSON."}) from None
    too_long = f"At most {METADATA_LENGTH:,} characters as JSON."
    why = NOT_STORABLE if ESCAPED_NUL.search(text) else ""
    if why := why or text_trouble(text, METADATA_LENGTH, too_long):
        raise Invalid(fields={"metadata": why})
    return values or {}


def merged(old: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """`old` with `patch` over it; a null deletes its key."""
    return {key: value for key, value in {**old, **patch}.items() if value is not None}


def set_labels(task: Task, names: Iterable[str]) -> bool:
    """Give the card exactly these labels; true where that changed it.

    They are the team's whatever their case, each as the first who used it spelled it.
    """
    wanted: dict[str, str] = {}
    for name in names:
        wanted.setdefault(label_key(str(name)), " ".join(str(name).split()))
    wanted.pop("", None)
    if len(wanted) > MOST_LABELS:
        raise Invalid(fields={"labels": f"At most {MOST_LABELS} labels."})
    sentence = f"A label has at most {LABEL_LENGTH} characters."
    for name in sorted(wanted.values()):
        if why := text_trouble(name, LABEL_LENGTH, sentence):
            raise Invalid(fields={"labels": why})
    if wanted.keys() == set(task.labels.values_list("key", flat=True)):
        return False
    known = {label.key: label for label in Label.objects.filter(team=task.team, key__in=wanted)}
    for key, label in known.items():
        if label.name != wanted[key] and not label.tasks.exists():  # nobody remembers the old one
            label.name = wanted[key]
            label.save(update_fields=["name"])
    fresh = [Label.called(task.team, wanted[key]) for key in sorted(wanted.keys() - known.keys())]
    task.labels.set([*known.values(), *Label.objects.bulk_create(fresh)])
    return True
