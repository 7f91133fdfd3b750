from __future__ import annotations

from collections.abc import Iterable

from apps.core.actions import action
from apps.core.errors import Invalid
from apps.messaging.notices import Way, Why
from apps.teams.models import User


@action
def choose_notices(user: User, **ways: Iterable[str]) -> User:
    """Choose of what `user` hears in each given way: `browser=["mention"]`, `email=[]`."""
    chosen: dict[str, list[str]] = {}
    for way, whys in ways.items():
        chosen[way] = sorted(set(whys))
        if way not in Way.values or set(chosen[way]) - set(Why.values):
            raise Invalid(fields={way: "There is no such notice."})
    user = User.objects.select_for_update().get(pk=user.pk)
    user.notifications = {**(user.notifications or {}), **chosen}
    user.save(update_fields=["notifications"])
    return user
