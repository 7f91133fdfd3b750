"""What the pages send, as typed values. The rules themselves are the actions'."""

from __future__ import annotations

from typing import Any

from django import forms

from apps.reviews.models import PlanStep


class Place(forms.Form):
    """Where a card was dropped: before a card, or after one."""

    before = forms.IntegerField(required=False, min_value=1)
    after = forms.IntegerField(required=False, min_value=1)


class Verdict(Place):
    """What goes with a move of a review: a text, a reviewer's name. `text` is read as `note`."""

    note = forms.CharField(required=False)
    text = forms.CharField(required=False)
    reviewer = forms.CharField(required=False)

    def clean(self) -> dict[str, Any]:
        """One note, whichever of the two names it came under."""
        values = self.cleaned_data
        values["note"] = values.get("note") or values.pop("text", "") or ""
        return values


class Decision(forms.Form):
    """A decision about the version and the stage that the decider saw."""

    decision = forms.CharField()
    version = forms.IntegerField(min_value=1)
    stage = forms.IntegerField(required=False, min_value=0)
    note = forms.CharField(required=False)


class Steps(forms.CharField):
    """Steps, one a line; what follows ` — ` on it is the step's detail."""

    MARK = " — "

    def to_python(self, value: Any) -> Any:
        lines = [line.strip() for line in str(value or "").splitlines() if line.strip()]
        pairs = [line.partition(self.MARK) for line in lines]
        return [{"title": title, "detail": detail} for title, _, detail in pairs]

    @classmethod
    def as_text(cls, steps: list[PlanStep]) -> str:
        """The steps as they are typed; a detail's line breaks become spaces."""
        return "\n".join(
            step.title + (cls.MARK + " ".join(step.detail.split()) if step.detail else "")
            for step in steps
        )


class PlanText(forms.Form):
    """The text of a plan."""

    title = forms.CharField(required=False)
    body = forms.CharField(required=False, strip=False)
    steps = Steps(required=False)


class NewPlan(PlanText):
    """A plan, perhaps for a card; `draft` keeps it to its author for now."""

    task = forms.IntegerField(required=False, min_value=1)
    draft = forms.BooleanField(required=False)


class Report(forms.Form):
    """How far a step is."""

    state = forms.CharField()
