"""What people fill in. Rules live in the actions; a form parses, and shows a refusal in place."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any, TypeVar

from django import forms
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from apps.core.errors import Conflict, Invalid
from apps.core.once import FIELD, once
from apps.teams.actions.invitations import MAX_DAYS, MAX_USES
from apps.teams.actions.teams import LIMITED_COLUMNS, MOST
from apps.teams.lifecycle import State
from apps.teams.models import Member, Team, User
from apps.teams.names import suggest_slug
from apps.teams.permissions import Permission, Role

R = TypeVar("R")
STRONG_ENOUGH = "At least 8 characters, not a common word and not only digits."
COLUMNS = tuple(
    (key, label)
    for key, label in (
        ("todo", "To do"),
        ("in_progress", "In progress"),
        ("review", "Review"),
        ("done", "Done"),
    )
    if key in LIMITED_COLUMNS
)


class ActionForm(forms.Form):
    """A form whose values go to one action; `status` is the answer's when it is shown again."""

    status = 200

    def submit(self, act: Callable[..., R], *args: Any) -> R | None:
        """`act(*args, **values)`, or None with the reasons beside the fields.

        Refusals that the values cannot mend (403, 404) pass through. A form with a key goes once.
        """
        if not self.is_valid():
            self.status = Invalid.status
            return None
        try:
            with once(self.data.get(FIELD)):
                return act(*args, **self.cleaned_data)
        except Invalid as error:
            self.status = error.status
            hint = error.hint if len(error.fields) == 1 else ""
            for name, sentence in error.fields.items():
                says = f"{sentence} {hint}".strip()
                self.add_error(name if name in self.fields else None, says)
        except Conflict as error:
            self.status = error.status
            self.add_error(None, f"{error.message} {error.hint}".strip())
        return None


def words(**attrs: str) -> forms.TextInput:
    """A one-line field for names, which no keyboard should correct."""
    return forms.TextInput({"autocapitalize": "none", "spellcheck": "false", **attrs})


class FilesInput(forms.ClearableFileInput):
    """A field for any number of files."""

    allow_multiple_selected = True


class Files(forms.FileField):
    """Any number of files, as a list."""

    widget = FilesInput

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        """Each of them is cleaned alone."""
        listed = data if isinstance(data, list) else [data]
        return [super(Files, self).clean(one, initial) for one in listed if one]


class AccountForm(ActionForm):
    """A user name and a password, for the first administrator and for who follows an invitation."""

    username = forms.CharField(
        label="User name",
        max_length=64,
        widget=words(autocomplete="username", autofocus="true"),
        help_text="Letters, digits, “-”, “_” and “.”. Your teammates see it.",
    )
    password = forms.CharField(
        strip=False,
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
        help_text=STRONG_ENOUGH,
    )
    again = forms.CharField(
        label="Password again",
        strip=False,
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
    )

    def clean(self) -> dict[str, Any]:
        """Compare and judge the passwords; `password_hash` takes their place."""
        values = self.cleaned_data
        password, again = values.pop("password", ""), values.pop("again", "")
        if not (password and again and values.get("username")):
            return values
        if password != again:
            raise ValidationError({"again": "The two passwords differ."})
        try:
            validate_password(password, User(username=values["username"]))
        except ValidationError as error:
            raise ValidationError({"password": error}) from None
        return {**values, "password_hash": make_password(password)}


class NewPassword(PasswordChangeForm):
    """Django's own form in the words of this site."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["new_password1"].help_text = STRONG_ENOUGH
        again = self.fields["new_password2"]
        again.label, again.help_text = "New password again", ""


class TeamForm(ActionForm):
    """A new team."""

    name = forms.CharField(max_length=255, widget=forms.TextInput({"autofocus": "true"}))
    slug = forms.CharField(label="Address", max_length=64, required=False, widget=words())
    description = forms.CharField(
        required=False, max_length=2000, widget=forms.Textarea({"rows": "3"})
    )

    def clean_slug(self) -> str:
        """What was typed, else a free address made of the name."""
        return self.cleaned_data["slug"] or free_slug(self.cleaned_data.get("name", ""))


def free_slug(name: str) -> str:
    """An address made of `name` that no team has, with a number behind it where needed."""
    wanted = suggest_slug(name) or "team"
    taken = {"new", *Team.objects.filter(slug__startswith=wanted).values_list("slug", flat=True)}
    slug, number = wanted, 2
    while slug in taken:
        slug, number = f"{wanted[:58]}-{number}", number + 1
    return slug


class AgentForm(ActionForm):
    """A new agent seat."""

    name = forms.CharField(max_length=64, widget=words(placeholder="hal"))
    agent_type = forms.CharField(
        label="Type", max_length=128, required=False, widget=words(placeholder="general-purpose")
    )
    model = forms.CharField(max_length=128, required=False, widget=words())
    plan_mode_required = forms.BooleanField(
        label="Needs an approved plan before it starts a task", required=False
    )


class SeatForm(ActionForm):
    """A seat's role, its single permissions and, for an agent, what it is."""

    role = forms.ChoiceField(choices=Role.choices)

    def __init__(self, data: Any = None, *, member: Member) -> None:
        super().__init__(data, initial=self._values(member))
        for permission in Permission:
            choices = [("", "By role"), ("granted", "Granted"), ("denied", "Denied")]
            self.fields[permission.value] = forms.ChoiceField(
                label=permission.label, choices=choices, required=False
            )
        if member.kind == Member.Kind.AGENT:
            for name in ("agent_type", "model", "plan_mode_required"):
                self.fields[name] = deepcopy(AgentForm.base_fields[name])

    def permissions(self) -> list[forms.BoundField]:
        """The fields for single permissions."""
        return [self[permission.value] for permission in Permission]

    @staticmethod
    def _values(member: Member) -> dict[str, Any]:
        names = ("role", "agent_type", "model", "plan_mode_required")
        values = {name: getattr(member, name) for name in names}
        values |= dict.fromkeys(member.granted, "granted")
        return values | dict.fromkeys(member.denied, "denied")

    def clean(self) -> dict[str, Any]:
        """The six choices as two lists."""
        values = self.cleaned_data
        chosen = {p.value: values.pop(p.value, "") for p in Permission}
        for word in ("granted", "denied"):
            values[word] = [name for name, choice in chosen.items() if choice == word]
        return values


class InvitationForm(ActionForm):
    """A new invitation."""

    role = forms.ChoiceField(choices=Role.choices, initial=Role.MEMBER)
    days = forms.IntegerField(label="Valid for days", initial=7, min_value=1, max_value=MAX_DAYS)
    max_uses = forms.IntegerField(label="Uses", initial=1, min_value=1, max_value=MAX_USES)


class TokenForm(ActionForm):
    """A new token."""

    label = forms.CharField(
        label="What it is for", max_length=64, required=False, widget=words(placeholder="laptop")
    )
    expires_at = forms.DateTimeField(
        label="Valid until (UTC)",
        required=False,
        widget=forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text="Empty: until it is revoked.",
    )


class TransitionForm(ActionForm):
    """The team's next state; disbanding is confirmed by typing its address."""

    to = forms.ChoiceField(choices=State.choices)
    confirm = forms.CharField(required=False, max_length=64)

    def __init__(self, data: Any = None, *, team: Team) -> None:
        super().__init__(data)
        self.team = team

    def clean(self) -> dict[str, Any]:
        """Only `to` goes to the action."""
        typed = self.cleaned_data.pop("confirm", "")
        if self.cleaned_data.get("to") == State.DISBANDED and typed != self.team.slug:
            raise ValidationError({"confirm": f"Type “{self.team.slug}” to disband the team."})
        return self.cleaned_data


def count(label: str, help_text: str = "", *, required: bool = False) -> forms.IntegerField:
    """A whole number from 1 on."""
    return forms.IntegerField(
        label=label, required=required, min_value=1, max_value=MOST, help_text=help_text
    )


class SettingsForm(ActionForm):
    """Everything a leader may set."""

    name = forms.CharField(max_length=255)
    description = forms.CharField(
        required=False, max_length=2000, widget=forms.Textarea({"rows": "3"})
    )
    protocol = forms.CharField(
        label="Operating rules",
        required=False,
        widget=forms.Textarea({"rows": "8"}),
        help_text="Every agent gets this text first. Markdown, up to 32 KiB.",
    )
    max_members = count("Seats", required=True)
    require_plan_approval = forms.BooleanField(
        label="New agents need an approved plan before they start a task", required=False
    )
    approval_stages = forms.CharField(
        label="Who approves a plan, in turn",
        required=False,
        help_text="One stage a line: a role or permission, for example leader, then staff.",
        widget=forms.Textarea({"rows": "2"}),
    )
    allow_self_approval = forms.BooleanField(
        label="Members may approve their own work", required=False
    )
    dependencies_wait_for_approval = forms.BooleanField(
        label="A task waits until what blocks it is approved, not only done", required=False
    )
    wip_per_member = count("Tasks one member may have in progress", "Empty: no limit.")
    review_sla_minutes = count("Minutes until a review is late", "Empty: never.")
    stall_minutes = count(
        "Minutes of silence until running work is flagged as stalled", required=True
    )
    retention_days = count("Days that messages are kept", "Empty: for good.")

    def __init__(self, data: Any = None, *, team: Team) -> None:
        values = {name: getattr(team, name) for name in self.base_fields}
        values["approval_stages"] = "\n".join(team.approval_stages)
        values |= {f"wip_{column}": team.wip_limit(column) for column, _ in COLUMNS}
        super().__init__(data, initial=values)
        for column, label in COLUMNS:
            self.fields[f"wip_{column}"] = count(label)

    def clean(self) -> dict[str, Any]:
        """The columns' limits as one value, the stages as a list."""
        values = self.cleaned_data
        limits = {column: values.pop(f"wip_{column}", None) for column, _ in COLUMNS}
        values["wip_limits"] = {column: n for column, n in limits.items() if n}
        lines = values.get("approval_stages", "").replace(",", "\n").splitlines()
        values["approval_stages"] = [line.strip() for line in lines if line.strip()]
        # A text area sends its lines with \r\n; what agents read has plain ones.
        for name in ("description", "protocol"):
            values[name] = values.get(name, "").replace("\r\n", "\n")
        return values
