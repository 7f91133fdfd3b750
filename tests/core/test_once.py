from __future__ import annotations

import pytest
from django.core.cache import cache

from apps.core.errors import Conflict
from apps.core.once import new_key, once


@pytest.fixture(autouse=True)
def _empty() -> None:
    cache.clear()


def test_a_key_lets_one_through() -> None:
    key, done = new_key(), []
    with once(key):
        done.append(1)
    with pytest.raises(Conflict) as refused, once(key):
        done.append(2)
    assert (done, refused.value.code) == ([1], "replayed")
    with once(new_key()):
        done.append(3)
    assert done == [1, 3]


def test_what_failed_may_be_sent_again() -> None:
    key = new_key()
    with pytest.raises(ZeroDivisionError), once(key):
        _ = 1 / 0
    with once(key):
        pass


@pytest.mark.parametrize("key", ["", None])
def test_a_form_without_a_key_is_not_checked(key: str | None) -> None:
    for _ in range(2):
        with once(key):
            pass


def test_whatever_somebody_sends_in_its_place_is_a_key() -> None:
    with once(" ödd\n" * 50):
        pass
    with pytest.raises(Conflict), once(" ödd\n" * 50):
        pass
