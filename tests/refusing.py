"""What every refusal test asks: the kind, its code, and that the journal stayed as it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import pytest

from apps.core.errors import DomainError
from apps.teams.models import Event

E = TypeVar("E", bound=DomainError)


@contextmanager
def refused(kind: type[E], code: str = "") -> Iterator[pytest.ExceptionInfo[E]]:
    """The block is refused with `kind` and `code`, and records nothing."""
    before = Event.objects.count()
    with pytest.raises(kind) as info:
        yield info
    assert info.value.code == (code or kind.code)
    assert Event.objects.count() == before
