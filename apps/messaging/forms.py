"""What people write in. The rules live in the actions; a form only parses."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.conf import settings

from apps.messaging.draft import BODY_LENGTH
from apps.messaging.models.discussion import TOPIC_LENGTH
from apps.messaging.models.message import SUBJECT_LENGTH
from apps.messaging.notices import Way, Why, wanted
from apps.teams.forms import ActionForm, Files
from apps.teams.models import User

BETWEEN = re.compile(r"[,;\s]+")


class Names(forms.CharField):
    """Names of members with commas, semicolons or blanks between them."""

    def clean(self, value: Any) -> list[str]:
        """The names in order."""
        return [word for word in BETWEEN.split(super().clean(value) or "") if word]


def _people(**attrs: str) -> forms.TextInput:
    return forms.TextInput({
        "data-completes": "people", "autocomplete": "off", "autocapitalize": "none",
        "spellcheck": "false", **attrs,
    })  # fmt: skip


def _text(**attrs: str) -> forms.Textarea:
    return forms.Textarea({"data-completes": "text", "maxlength": str(BODY_LENGTH), **attrs})


class Reply(forms.Form):
    """An answer in a thread."""

    to = Names(required=False, widget=_people())
    body = forms.CharField(strip=False, widget=_text(rows="2"))
    message_id = forms.CharField(required=False, widget=forms.HiddenInput)
    reply_to = forms.IntegerField(required=False, widget=forms.HiddenInput)
    attached = Files(required=False)


class Compose(ActionForm):
    """A new message to some members or to everybody."""

    to = Names(required=False, label="To", widget=_people(placeholder="Names, or @ in the text"))
    cc = Names(required=False, label="Copy to", widget=_people())
    broadcast = forms.BooleanField(required=False, label="To everybody in the team")
    subject = forms.CharField(
        required=False, max_length=SUBJECT_LENGTH, widget=forms.TextInput({"autocomplete": "off"})
    )
    body = forms.CharField(
        strip=False, label="Message", widget=_text(rows="7", placeholder="Markdown, @name, #12")
    )
    message_id = forms.CharField(required=False, widget=forms.HiddenInput)
    attached = Files(required=False)


class Shutdown(ActionForm):
    """Asking an agent to end its run."""

    name = forms.CharField(widget=forms.HiddenInput)
    reason = forms.CharField(
        required=False, max_length=2_000, widget=forms.Textarea({"rows": "2"}),
        help_text="The agent reads it, and may refuse with a reason of its own.",
    )  # fmt: skip


class Open(ActionForm):
    """A new discussion."""

    topic = forms.CharField(max_length=TOPIC_LENGTH)
    participants = Names(widget=_people(placeholder="At least two names"))
    max_rounds = forms.IntegerField(label="Turns at most", initial=10, min_value=1)
    task = forms.IntegerField(required=False, label="About task", min_value=1)
    thread = forms.IntegerField(required=False, widget=forms.HiddenInput)


class Say(forms.Form):
    """A turn in a discussion."""

    body = forms.CharField(
        strip=False, label="Your turn", widget=_text(rows="3", placeholder="Your turn; Markdown")
    )


class Conclude(ActionForm):
    """What came out of a discussion."""

    conclusion = forms.CharField(strip=False, widget=_text(rows="4"))
    agreed_by = Names(required=False, label="Agreed by", widget=_people())
    dissent = forms.CharField(
        required=False, strip=False, widget=_text(rows="2"), label="Who disagreed, and why"
    )


class Switches(ActionForm):
    """Of what a person hears, and how. E-mail is a choice where the site sends any."""

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ways = [way for way in Way if way != Way.EMAIL or settings.EMAIL_HOST]
        for way in self.ways:
            self.fields[way.value] = forms.MultipleChoiceField(
                choices=Why.choices, required=False, widget=forms.CheckboxSelectMultiple,
                initial=sorted(wanted(user.notifications, way)), label=way.label,
            )  # fmt: skip
        if Way.EMAIL in self.ways:
            self.fields["address"] = forms.EmailField(
                label="E-mail goes to", required=False, initial=user.email,
                widget=forms.EmailInput({"autocomplete": "email"}),
            )  # fmt: skip
