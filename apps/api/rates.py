"""How many calls a key may make: a steady rate, and a burst saved up while it was quiet.

With Redis all processes share a key's bucket; without, or while Redis is away, each has its own.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from functools import cache
from typing import Protocol

from django.conf import settings

from apps.core.errors import DomainError

log = logging.getLogger(__name__)
BURST_SECONDS = 10
MOST_KEYS = 10_000
PATIENCE_SECONDS = 0.25
ASK_AGAIN_SECONDS = 5.0
# The same sum as `Buckets.take`, by the clock of Redis. A bucket that would be full is forgotten.
TAKE = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local rate, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local kept = redis.call('HMGET', KEYS[1], 'left', 'since')
local left, since = tonumber(kept[1] or burst), tonumber(kept[2] or now)
left = math.min(burst, left + math.max(0, now - since) * rate)
local wait = 0
if left >= 1 then left = left - 1 else wait = (1 - left) / rate end
redis.call('HSET', KEYS[1], 'left', left, 'since', now)
redis.call('PEXPIRE', KEYS[1], math.ceil(burst / rate * 1000))
return tostring(wait)
"""


class TooMany(DomainError):
    """Too many calls in a short time; `retry_after` is in whole seconds."""

    status = 429
    code = "rate_limited"


class Taking(Protocol):
    """Where calls are counted."""

    def take(self, key: str) -> float:
        """Spend one call. 0 where there was one to spend, else the seconds until there is."""


class Buckets:
    """A bucket for each key, `rate` calls a second, full at `burst`, in this process."""

    def __init__(
        self, rate: float, burst: float, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.rate, self.burst, self.clock = rate, burst, clock
        self._left: dict[str, tuple[float, float]] = {}
        self._guard = threading.Lock()

    def take(self, key: str) -> float:
        """Spend one call. 0 where there was one to spend, else the seconds until there is."""
        now = self.clock()
        with self._guard:
            left, since = self._left.get(key, (self.burst, now))
            left = min(self.burst, left + (now - since) * self.rate)
            granted = left >= 1
            self._left[key] = (left - 1 if granted else left, now)
            if len(self._left) > MOST_KEYS:
                self._forget_full(now)
        return 0.0 if granted else (1 - left) / self.rate

    def _forget_full(self, now: float) -> None:
        """A key whose bucket is full again is as good as one never seen."""
        quiet = self.burst / self.rate
        self._left = {k: (n, at) for k, (n, at) in self._left.items() if now - at < quiet}


class SharedBuckets:
    """Buckets that `ask` keeps for all processes. While it cannot, `own` ones do, and for a few
    seconds nobody asks again, so that no call waits for what is away.
    """

    def __init__(
        self, own: Buckets, ask: Callable[[str], float], *,
        away: tuple[type[Exception], ...] = (OSError,),
    ) -> None:  # fmt: skip
        self.own, self._ask, self._away = own, ask, away
        self._not_before = 0.0

    def take(self, key: str) -> float:
        """Spend one call. 0 where there was one to spend, else the seconds until there is."""
        if self.own.clock() >= self._not_before:
            try:
                return self._ask(key)
            except self._away as error:
                self._not_before = self.own.clock() + ASK_AGAIN_SECONDS
                log.warning("Redis counts no calls now, each process does: %s", error)
        return self.own.take(key)


def in_redis(url: str, own: Buckets) -> SharedBuckets:
    """Buckets with the rate of `own`, kept in the Redis at `url`: one round trip a call."""
    from redis import Redis, RedisError

    client = Redis.from_url(
        url, socket_timeout=PATIENCE_SECONDS, socket_connect_timeout=PATIENCE_SECONDS
    )
    script = client.register_script(TAKE)

    def ask(key: str) -> float:
        return float(script(keys=[f"agent-teams:calls:{key}"], args=[own.rate, own.burst]))

    return SharedBuckets(own, ask, away=(RedisError, OSError))


@cache
def buckets() -> Taking:
    """Those of this site, by the settings `API_RATE` and `REDIS_URL`."""
    own = Buckets(settings.API_RATE, settings.API_RATE * BURST_SECONDS)
    return in_redis(settings.REDIS_URL, own) if settings.REDIS_URL else own


def spend(key: str) -> None:
    """Count one call of `key`; raises TooMany where it has none left."""
    wait = buckets().take(key)
    if wait:
        seconds = int(wait) + 1
        raise TooMany(
            f"Too many calls with this token; it may make {settings.API_RATE} a second.",
            hint=f"Call again in {seconds} s. To hear of news, wait for it: ?wait=60.",
            retry_after=seconds,
        )
