from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from ninja import Query

from apps.api import paging, schemas, shapes
from apps.api.answers import reply
from apps.api.counts import counts_for
from apps.api.door import Call
from apps.api.fields import Id, PageQuery
from apps.api.idempotency import write
from apps.api.section import Section
from apps.core.errors import Invalid
from apps.teams import actions
from apps.teams.models import Member, Team, Token
from apps.teams.permissions import DEFAULTS, Kind, Permission, Role

me = Section("Me")
team = Section("Team")


@me.get("/me", schemas.Me)
def get_me(request: Call) -> HttpResponse:
    """The member behind the token: team, role, permissions, and how much waits."""
    member = request.auth
    shown = {**shapes.of_member(member), "team": shapes.of_team_line(member.team)}
    return reply({**shown, "counts": counts_for(member)})


@team.get("", schemas.Team)
def get_team(request: Call) -> HttpResponse:
    """The team: state, settings, rules, live members and counts."""
    return reply(shapes.of_team(request.auth.team))


@team.patch("", schemas.Team)
def change_team(request: Call, body: schemas.TeamChange) -> HttpResponse:
    """Change settings of the team."""
    return write(request, lambda actor: actions.change_team(actor, **body.given()), shapes.of_team)


@team.post("/transition", schemas.Team)
def transition_team(request: Call, body: schemas.Transition) -> HttpResponse:
    """Move the team to another state, by its lifecycle."""
    return write(request, lambda actor: _move(actor, body.to), shapes.of_team)


def _move(actor: Member, to: str) -> Team:
    moved = actions.transition_team(actor, to)
    moved.refresh_from_db(fields=["seq"])
    return moved


@team.get("/members", schemas.MemberPage)
def list_members(request: Call, query: Query[schemas.MembersQuery]) -> HttpResponse:
    """The seats of the team, oldest first."""
    seats = request.auth.team.members.exclude(kind=Member.Kind.SYSTEM)
    found, more = paging.cut(seats if query.everyone else seats.seated(), query)
    last = found[-1].pk if more else None
    return reply(paging.page([shapes.of_member(seat) for seat in found], last))


@team.post("/members", schemas.Member, status=201)
def add_member(request: Call, body: schemas.NewMember) -> HttpResponse:
    """Seat an agent, or take an ended seat of that name up again."""
    values = _seat_values(body, body.kind, body.role)
    del values["name"]
    return write(
        request,
        lambda actor: actions.add_member(actor, body.name, **values),
        shapes.of_member,
        status=201,
    )


@team.patch("/members/{name}", schemas.Member)
def change_member(request: Call, name: str, body: schemas.MemberChange) -> HttpResponse:
    """Change a seat's role, permissions or description."""

    def change(actor: Member) -> Member:
        seat = actor.team.members.named(name)
        return actions.change_member(actor, name, **_seat_values(body, seat.kind, seat.role))

    return write(request, change, shapes.of_member)


@team.delete("/members/{name}", schemas.Member)
def end_seat(request: Call, name: str) -> HttpResponse:
    """End a seat: its tokens are revoked, its name and history stay."""
    return write(request, lambda actor: actions.end_seat(actor, name), shapes.of_member)


def _seat_values(body: schemas.MemberChange, kind: str, role: str) -> dict[str, Any]:
    """`permissions` as what is granted and denied beside the role's own."""
    values = body.given()
    wanted = values.pop("permissions", None)
    if wanted is None:
        return {key: value for key, value in values.items() if value is not None}
    if "granted" in values or "denied" in values:
        raise Invalid(fields={"permissions": "Give the whole list, or what is granted and denied."})
    own = DEFAULTS.get((Kind(kind), Role(values.get("role", role))), frozenset())
    values["granted"] = sorted(set(wanted) - own)
    values["denied"] = sorted(str(right) for right in own - {Permission(word) for word in wanted})
    return values


@team.get("/tokens", schemas.TokenPage)
def list_tokens(request: Call, query: Query[PageQuery]) -> HttpResponse:
    """Keys, newest first: a leader sees the team's, anybody else their own."""
    member = request.auth
    tokens = Token.objects.filter(member__team_id=member.team_id).select_related("member")
    if not member.can(Permission.MANAGE_TEAM):
        tokens = tokens.filter(member=member)
    found, more = paging.cut(tokens, query, newest=True)
    last = found[-1].pk if more else None
    return reply(paging.page([shapes.of_token(token) for token in found], last))


@team.post("/members/{name}/tokens", schemas.FreshToken, status=201)
def create_token(request: Call, name: str, body: schemas.NewToken | None = None) -> HttpResponse:
    """Make a key for a member. Its secret is shown this once."""
    asked = body or schemas.NewToken()

    def create(actor: Member) -> tuple[Token, str]:
        return actions.create_token(actor, name, label=asked.label, expires_at=asked.expires_at)

    return write(
        request,
        create,
        lambda made: {**shapes.of_token(made[0]), "secret": made[1]},
        status=201,
        keep=lambda made: {**shapes.of_token(made[0]), "secret": None},
    )


@team.delete("/tokens/{int:token_id}", schemas.Token)
def revoke_token(request: Call, token_id: Id) -> HttpResponse:
    """End a key at once."""
    return write(request, lambda actor: actions.revoke_token(actor, token_id), shapes.of_token)
