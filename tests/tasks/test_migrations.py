"""What databases of before hold comes over whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from apps.tasks.models import Label
from tests.conftest import make_cast


def migrate(name: str) -> Any:
    """The models as they are at that migration of the tasks."""
    MigrationExecutor(connection).migrate([("tasks", name)])
    return MigrationExecutor(connection).loader.project_state([("tasks", name)]).apps


@pytest.fixture
def before(transactional_db: None) -> Iterator[Any]:
    cast = make_cast()
    yield cast, migrate("0001_initial")
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())


def test_labels_that_differ_only_in_case_become_the_first(before: Any) -> None:
    cast, old = before
    labels_then, tasks_then = old.get_model("tasks", "Label"), old.get_model("tasks", "Task")
    labels = [
        labels_then.objects.create(team_id=cast.team.pk, name=name)
        for name in ("bug", "Bug", "Ärger")
    ]
    cards = [
        tasks_then.objects.create(
            team_id=cast.team.pk, number=number, subject="Card", created_by_id=cast.alice.pk
        )
        for number in (1, 2)
    ]
    cards[0].labels.set(labels)
    cards[1].labels.set(labels[1:2])

    migrate("0002_label_key")

    found = {label.name: label for label in Label.objects.filter(team=cast.team)}
    assert {name: label.key for name, label in found.items()} == {"bug": "bug", "Ärger": "ärger"}
    worn = found["bug"].tasks.order_by("number").values_list("number", flat=True)
    assert list(worn) == [1, 2]
    assert list(found["Ärger"].tasks.values_list("number", flat=True)) == [1]
