"""Is what the site stands on there? Each question answers with a word or a short sentence."""

from __future__ import annotations

from django.conf import settings
from django.db import Error, connection

OK = "ok"
NOT_USED = "not used"
FINE = frozenset({OK, NOT_USED})
PATIENCE_SECONDS = 2


def database() -> str:
    """Whether the database answers a query."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error as error:
        return f"does not answer ({type(error).__name__})"
    return OK


def redis() -> str:
    """Whether Redis answers, where it is used."""
    if not settings.REDIS_URL:
        return NOT_USED
    from redis import Redis, RedisError

    wait = {"socket_timeout": PATIENCE_SECONDS, "socket_connect_timeout": PATIENCE_SECONDS}
    try:
        with Redis.from_url(settings.REDIS_URL, **wait) as client:
            client.ping()
    except (RedisError, OSError) as error:
        return f"does not answer ({type(error).__name__})"
    return OK
