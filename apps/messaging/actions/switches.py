from __future__ import annotations

from collections.abc import Iterable

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from apps.core.actions import action
from apps.core.errors import Invalid
from apps.messaging.notices import Way, Why
from apps.teams.models import User


@action
def choose_notices(user: User, *, address: str | None = None, **ways: Iterable[str]) -> User:
    """Choose of what `user` hears in each given way: `browser=["mention"]`, `email=[]`.

    `address` is where e-mail goes; "" for nowhere, None leaves it.
    """
    chosen: dict[str, list[str]] = {}
    for way, whys in ways.items():
        chosen[way] = sorted(set(whys))
        if way not in Way.values or set(chosen[way]) - set(Why.values):
            raise Invalid(fields={way: "There is no such notice."})
    if address:
        try:
            validate_email(address)
        except ValidationError:
            raise Invalid(fields={"address": "This is no e-mail address."}) from None
    user = User.objects.select_for_update().get(pk=user.pk)
    user.notifications = {**(user.notifications or {}), **chosen}
    user.email = user.email if address is None else address
    user.save(update_fields=["notifications", "email"])
    return user
