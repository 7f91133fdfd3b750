from __future__ import annotations

from django.contrib.contenttypes.models import ContentType
from django.db import IntegrityError, transaction

from apps.core.actions import action
from apps.core.errors import Conflict, Invalid
from apps.teams.actions.adopting import adopt_teams
from apps.teams.actions.invitations import accept_invitation
from apps.teams.models import Member, User
from apps.teams.names import check_member_name


def setup_is_over() -> bool:
    """Whether the site has its first administrator."""
    return User.objects.filter(is_superuser=True).exists()


@action
def create_first_administrator(username: str, password_hash: str) -> User:
    """The account that administers the site, seated wherever agents work and no person sits.

    Once there is an administrator, a Conflict.
    Passwords come hashed, since hashing takes longer than other writers should wait.
    """
    # There is no row of a user to lock yet; this one is there from the start.
    ContentType.objects.select_for_update().get(app_label="teams", model="user")
    if setup_is_over():
        raise Conflict(
            "This site already has its administrator.",
            code="setup_over",
            hint="Log in. Who has no account asks a team's leader for an invitation.",
        )
    user = _create_user(username, password_hash, is_staff=True, is_superuser=True)
    adopt_teams(user)
    return user


@action
def sign_up(secret: str, username: str, password_hash: str) -> Member:
    """A new account, seated by the invitation behind `secret`; without the seat no account."""
    user = _create_user(username, password_hash)
    return accept_invitation(secret, user)


def _create_user(username: str, password_hash: str, **flags: bool) -> User:
    try:
        name = check_member_name(username)
    except Invalid as error:
        raise Invalid(fields={"username": error.fields["name"]}) from None
    taken = Invalid(fields={"username": f"The name “{name}” is taken; choose another one."})
    if User.objects.filter(username__iexact=name).exists():
        raise taken
    try:
        with transaction.atomic():
            return User.objects.create(username=name, password=password_hash, **flags)
    except IntegrityError:
        raise taken from None
