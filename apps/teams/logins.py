"""Who is logged in. Every request asks twice, the session and then the account behind it."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.contrib.sessions.models import Session
from django.utils import timezone

from apps.core.prepared import NUMBER, TEXT, Prepared
from apps.teams.models import User

SESSION = Prepared(
    Session,
    lambda sessions: sessions.filter(session_key=TEXT).values_list("session_data", "expire_date"),
)
ACCOUNT = Prepared(User, lambda users: users.filter(pk=NUMBER))


class SessionStore(DatabaseStore):
    """Django's sessions in the database, read by a query that is compiled once."""

    def load(self) -> dict[str, Any]:
        """The session's values; none where it is unknown or over, and then it has no key."""
        key = (self.session_key or "").replace("\0", "")  # PostgreSQL refuses to compare with it
        for data, expires in SESSION.rows(key):
            if expires > timezone.now():
                return self.decode(data)
        self._session_key = None
        return {}


class Accounts(ModelBackend):
    """Django's passwords and permissions, its accounts read by a query that is compiled once."""

    def get_user(self, user_id: int) -> User | None:
        """The account of that key that may be logged in, or None."""
        found = [user for user in ACCOUNT.objects(user_id) if self.user_can_authenticate(user)]
        return found[0] if found else None
