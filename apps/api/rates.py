"""How many calls a key may make: a steady rate, and a burst saved up while it was quiet."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from functools import cache

from django.conf import settings

from apps.core.errors import DomainError

BURST_SECONDS = 10
MOST_KEYS = 10_000


class TooMany(DomainError):
    """Too many calls in a short time; `retry_after` is in whole seconds."""

    status = 429
    code = "rate_limited"


class Buckets:
    """A bucket for each key, `rate` calls a second, full at `burst`. Each process has its own."""

    def __init__(
        self, rate: float, burst: float, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.rate, self.burst, self.clock = rate, burst, clock
        self._left: dict[Hashable, tuple[float, float]] = {}
        self._guard = threading.Lock()

    def take(self, key: Hashable) -> float:
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


@cache
def buckets() -> Buckets:
    """Those of this process, by the setting `API_RATE`."""
    return Buckets(settings.API_RATE, settings.API_RATE * BURST_SECONDS)


def spend(key: Hashable) -> None:
    """Count one call of `key`; raises TooMany where it has none left."""
    wait = buckets().take(key)
    if wait:
        seconds = int(wait) + 1
        raise TooMany(
            f"Too many calls with this token; it may make {settings.API_RATE} a second.",
            hint=f"Call again in {seconds} s. To hear of news, wait for it: ?wait=60.",
            retry_after=seconds,
        )
