"""What the pages send, as typed values. The rules themselves are the actions'."""

from __future__ import annotations

import re
from typing import Any

from django import forms

from apps.tasks.models.task import Asked, Priority
from apps.teams.forms import Files

NUMBERS = re.compile(r"\d{1,9}")
PRIORITIES = [(one.name.lower(), one.label) for one in reversed(Priority)]


class Words(forms.CharField):
    """Words divided by commas, as a list without blanks."""

    def to_python(self, value: Any) -> Any:
        words = str(value or "").replace("\0", "").split(",")
        return [" ".join(word.split()) for word in words if word.strip()]


class Numbers(forms.CharField):
    """Card numbers, however written: `12, #14`."""

    def to_python(self, value: Any) -> Any:
        text = str(value or "").replace(",", " ").split()
        wrong = [part for part in text if not NUMBERS.fullmatch(part.removeprefix("#"))]
        if wrong:
            raise forms.ValidationError(f"“{wrong[0]}” is not the number of a task.")
        return [int(part.removeprefix("#")) for part in text]


class NewTask(forms.Form):
    """A new card. Only the subject is needed."""

    subject = forms.CharField(required=False)
    description = forms.CharField(required=False, strip=False)
    owner = forms.CharField(required=False)
    priority = forms.ChoiceField(choices=PRIORITIES, required=False)
    labels = Words(required=False)
    due = forms.DateField(required=False)
    blocked_by = Numbers(required=False)

    def clean_priority(self) -> str:
        """Normal where nothing was chosen."""
        return self.cleaned_data["priority"] or "normal"


class EditTask(NewTask):
    """A change to a card: what the request does not name stays as it is."""

    active_form = forms.CharField(required=False)
    related = Numbers(required=False)
    expected_version = forms.IntegerField(required=False, min_value=0)

    def changes(self) -> dict[str, Any]:
        """The values that were sent, and the version that they were made on."""
        sent = {key: self.cleaned_data[key] for key in self.cleaned_data if key in self.data}
        return {key: value for key, value in sent.items() if key != "expected_version" or value}


class Place(forms.Form):
    """Where a card was dropped: before a card, or after one."""

    before = forms.IntegerField(required=False, min_value=1)
    after = forms.IntegerField(required=False, min_value=1)


class Note(forms.Form):
    """A text that goes with a move."""

    note = forms.CharField(required=False, max_length=4000)


class Remark(forms.Form):
    """A comment."""

    body = forms.CharField(required=False, strip=False)
    attached = Files(required=False)


class Question(forms.Form):
    """What a card waits for, and whom."""

    question = forms.CharField(required=False)
    of = forms.ChoiceField(choices=[(Asked.HUMAN, "a person"), (Asked.LEAD, "the lead")])


class Reply(forms.Form):
    """The answer to a card's question."""

    text = forms.CharField(required=False)


class Other(forms.Form):
    """Another card."""

    number = Numbers()

    def clean_number(self) -> int:
        """Exactly one."""
        numbers: list[int] = self.cleaned_data["number"]
        if len(numbers) != 1:
            raise forms.ValidationError("Write the number of one task.")
        return numbers[0]
