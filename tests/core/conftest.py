"""Fixtures for the tests of the front."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from apps.core.front import Front
from tests.core import front_site
from tests.core.front_site import seen


@pytest.fixture
def site(settings: Any) -> None:
    """The views above behind a few of Django's middlewares."""
    settings.ROOT_URLCONF = front_site.__name__
    settings.MIDDLEWARE = front_site.MIDDLEWARE
    settings.ALLOWED_HOSTS = ["testserver"]
    seen.clear()
    seen.update(inside=0, most=0, threads=set(), count=0, connections=[])
    seen.update(gate=threading.Event(), entered=threading.Event())


@pytest.fixture
def make_front(site: None) -> Iterator[Callable[[int], Front]]:
    """Fronts that end with the test."""
    fronts: list[Front] = []

    def make(threads: int) -> Front:
        fronts.append(Front(threads))
        return fronts[-1]

    yield make
    seen["gate"].set()
    for front in fronts:
        front.pool.close()


@pytest.fixture
def front(make_front: Callable[[int], Front]) -> Front:
    return make_front(2)
