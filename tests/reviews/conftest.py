"""Cards in the states that reviews start from."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from apps.tasks.actions import claim_task, complete_task, create_task
from apps.tasks.models import Task
from apps.teams.models import Member

MakeTask = Callable[..., Task]


@pytest.fixture
def running(alice: Member, hal: Member) -> MakeTask:
    """A card that Hal, or the given owner, has in progress."""

    def make(subject: str = "Fix the cart", owner: Member | None = None) -> Task:
        task = create_task(alice, subject)
        return claim_task(owner or hal, task.number)

    return make


@pytest.fixture
def done(running: MakeTask, hal: Member) -> MakeTask:
    """A card that Hal, or the given owner, has completed."""

    def make(subject: str = "Fix the cart", owner: Member | None = None) -> Task:
        task = running(subject, owner)
        return complete_task(owner or hal, task.number)

    return make
