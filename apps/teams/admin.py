"""The administration of accounts, teams and keys. What a journal keeps changes by actions only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.core.exceptions import ValidationError
from django.db.models import Count, Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from apps.core.actions import action
from apps.core.errors import DomainError, Invalid
from apps.teams.actions import (
    delete_team,
    end_seat,
    revoke_invitation,
    revoke_token,
    seat_staff,
    transition_team,
)
from apps.teams.lifecycle import State
from apps.teams.models import AgentSession, Event, Invitation, Member, Team, Token, User
from apps.teams.names import check_member_name

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
    BaseUserAdmin = UserAdmin[User]
    BaseNewUserForm = AdminUserCreationForm[User]
else:
    ModelAdmin = admin.ModelAdmin
    BaseUserAdmin = UserAdmin
    BaseNewUserForm = AdminUserCreationForm

admin.site.site_header = admin.site.site_title = "Agent Teams"
admin.site.index_title = "Administration"


class NewUserForm(BaseNewUserForm):
    """A new account; its name is one that a seat may have."""

    def clean_username(self) -> str:
        """The name as it is kept."""
        try:
            self.cleaned_data["username"] = check_member_name(self.cleaned_data["username"])
        except Invalid as error:
            raise ValidationError(error.message) from None
        return str(super().clean_username())


@admin.register(User)
class Users(BaseUserAdmin):
    """Accounts."""

    add_form = NewUserForm
    list_display = ("username", "email", "is_active", "is_staff", "is_superuser", "last_login")
    list_filter = ("is_active", "is_staff", "is_superuser", "groups")


class Shown(ModelAdmin):
    """Lists and pages to read; what may be done is an action."""

    list_per_page = 50
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nothing is added by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nothing is changed by hand."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nothing is deleted by hand."""
        return False

    def has_admin_permission(self, request: HttpRequest) -> bool:
        """Actions are for administrators."""
        return bool(cast(User, request.user).is_superuser)


def each(request: HttpRequest, rows: Iterable[Any], act: Any, done: str) -> None:
    """Call `act(row)` for each row; say how many went well, and each refusal once."""
    went = 0
    for row in rows:
        try:
            action(act)(row)  # a refusal takes back the seat that was made for it
            went += 1
        except DomainError as error:
            text = f"{row}: {error.message} {error.hint}".strip()
            messages.error(request, text)
    if went:
        messages.success(request, f"{went} {done}.")


def mover(to: State, label: str) -> Any:
    """An admin action that moves teams to state `to`."""

    @admin.action(description=label, permissions=["admin"])
    def move(model_admin: Any, request: HttpRequest, teams: QuerySet[Team]) -> None:
        user = cast(User, request.user)
        each(request, teams, lambda t: transition_team(seat_staff(user, t), to), f"now {to}")

    move.__name__ = f"move_to_{to}"
    return move


def confirmed(request: HttpRequest) -> bool:
    """Whether the page in between was answered."""
    return "confirmed" in request.POST


def confirmation(
    model_admin: Any, request: HttpRequest, rows: QuerySet[Any], action_name: str, question: str
) -> HttpResponse:
    """The page in between, which asks `question` and sends the same action again."""
    context = {
        **model_admin.admin_site.each_context(request),
        "title": "Are you sure?",
        "opts": model_admin.opts,
        "rows": rows,
        "action": action_name,
        "question": question,
    }
    return TemplateResponse(request, "teams/admin_confirm.html", context)


@admin.register(Team)
class Teams(Shown):
    """Teams, with the moves of their life."""

    list_display = ("slug", "name", "state", "seats", "created_at", "state_changed_at")
    list_filter = ("state",)
    search_fields = ("slug", "name", "description")
    date_hierarchy = "created_at"
    actions = (
        mover(State.ACTIVE, "Activate, resume or reopen"),
        mover(State.PAUSED, "Pause"),
        mover(State.COMPLETED, "Complete, or restore from the archive"),
        mover(State.ARCHIVED, "Archive"),
        "disband",
        "delete_disbanded",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Team]:
        """With the number of seats that are taken."""
        taken = Q(members__left_at=None) & ~Q(members__kind=Member.Kind.SYSTEM)
        found: QuerySet[Team] = super().get_queryset(request)
        return found.annotate(taken=Count("members", filter=taken))

    @admin.display(ordering="taken")
    def seats(self, team: Team) -> str:
        """Taken and allowed."""
        return f"{team.taken} / {team.max_members}"  # type: ignore[attr-defined]

    @admin.action(description="Disband", permissions=["admin"])
    def disband(self, request: HttpRequest, teams: QuerySet[Team]) -> HttpResponse | None:
        """Disband after a question: it is final."""
        question = "Disbanding is final: every seat ends and every token is revoked."
        if not confirmed(request):
            return confirmation(self, request, teams, "disband", question)
        move = mover(State.DISBANDED, "")
        move(self, request, teams)
        return None

    @admin.action(description="Delete disbanded teams", permissions=["admin"])
    def delete_disbanded(self, request: HttpRequest, teams: QuerySet[Team]) -> HttpResponse | None:
        """Delete disbanded teams with everything in them, after a question."""
        question = "Tasks, messages, files and the journal of these teams go for good."
        if not confirmed(request):
            return confirmation(self, request, teams, "delete_disbanded", question)
        each(request, teams, delete_team, "deleted")
        return None


@admin.register(Member)
class Members(Shown):
    """Seats of teams."""

    list_display = ("name", "team", "kind", "role", "user", "model", "last_seen_at", "left_at")
    list_select_related = ("team", "user")
    list_filter = ("kind", "role", ("left_at", admin.EmptyFieldListFilter), "team")
    search_fields = ("name", "team__slug", "user__username")
    actions = ("end_seats",)

    @admin.action(description="End the seat", permissions=["admin"])
    def end_seats(self, request: HttpRequest, seats: QuerySet[Member]) -> None:
        """End seats; their history stays."""
        user = cast(User, request.user)
        rows = seats.exclude(kind=Member.Kind.SYSTEM)
        each(request, rows, lambda s: end_seat(seat_staff(user, s.team), s.name), "ended")


@admin.register(Token)
class Tokens(Shown):
    """Keys of members; only their beginning is known."""

    list_display = ("prefix", "member", "team", "name", "last_used_at", "expires_at", "revoked_at")
    list_select_related = ("member__team",)
    list_filter = (("revoked_at", admin.EmptyFieldListFilter), "member__team")
    search_fields = ("prefix", "name", "member__name", "member__team__slug")
    exclude = ("digest",)
    actions = ("revoke",)

    @admin.display(ordering="member__team")
    def team(self, token: Token) -> Team:
        """Where its member sits."""
        return token.member.team

    @admin.action(description="Revoke", permissions=["admin"])
    def revoke(self, request: HttpRequest, tokens: QuerySet[Token]) -> None:
        """End keys at once."""
        user = cast(User, request.user)
        act = lambda t: revoke_token(seat_staff(user, t.member.team), t.pk)  # noqa: E731
        each(request, tokens.select_related("member__team"), act, "revoked")


@admin.register(Invitation)
class Invitations(Shown):
    """Links that seat people; only their beginning is known."""

    list_display = ("prefix", "team", "role", "uses", "max_uses", "expires_at", "revoked_at")
    list_select_related = ("team",)
    list_filter = (("revoked_at", admin.EmptyFieldListFilter), "team")
    search_fields = ("prefix", "team__slug")
    exclude = ("digest",)
    actions = ("revoke",)

    @admin.action(description="Withdraw", permissions=["admin"])
    def revoke(self, request: HttpRequest, invitations: QuerySet[Invitation]) -> None:
        """Withdraw invitations."""
        user = cast(User, request.user)
        act = lambda i: revoke_invitation(seat_staff(user, i.team), i.pk)  # noqa: E731
        each(request, invitations.select_related("team"), act, "withdrawn")


@admin.register(Event)
class Journal(Shown):
    """The journals of all teams."""

    list_display = ("team", "seq", "at", "kind", "actor", "task")
    list_select_related = ("team", "actor")
    list_filter = ("team", "kind")
    search_fields = ("kind", "actor__name")
    ordering = ("-at", "-seq")
    actions = None


@admin.register(AgentSession)
class Sessions(Shown):
    """Runs of agents."""

    list_display = ("member", "team", "model", "backend", "started_at", "last_seen_at", "ended_at")
    list_select_related = ("member__team",)
    list_filter = (("ended_at", admin.EmptyFieldListFilter), "backend", "member__team")
    search_fields = ("member__name", "member__team__slug", "model", "cwd")
    actions = None

    @admin.display(ordering="member__team")
    def team(self, session: AgentSession) -> Team:
        """Where the member sits."""
        return session.member.team
