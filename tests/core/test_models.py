from __future__ import annotations

from typing import Any

import pytest
from django.db import models

from apps.core.models import Model
from apps.messaging.actions import send_message
from apps.messaging.models import Delivery
from apps.teams.models import Member, User
from tests.conftest import Cast


def state(made: models.Model) -> dict[str, Any]:
    kept = vars(made._state).copy()
    cache = kept.pop("fields_cache", {})
    return {**vars(made), "_state": (kept, {name: state(one) for name, one in cache.items()})}


@pytest.mark.parametrize("model", Model.__subclasses__(), ids=lambda model: model.__name__)
def test_no_model_does_more_than_keep_its_columns(model: type[Model]) -> None:
    assert model.__init__ is models.Model.__init__
    assert not models.signals.pre_init.has_listeners(model)
    assert not models.signals.post_init.has_listeners(model)


def test_a_row_becomes_what_django_makes_of_it(cast: Cast, monkeypatch: Any) -> None:
    send_message(cast.alice, to=["bob"], body="Look at this.")

    def read() -> list[Any]:
        return [
            Delivery.objects.select_related("message__sender", "recipient").get(),
            Member.objects.only("name", "team").get(name="bob"),
            *User.objects.order_by("pk"),
            *Member.objects.raw("SELECT id, name FROM teams_member ORDER BY id"),
        ]

    ours = read()
    monkeypatch.delattr(Model, "from_db")
    assert [state(one) for one in ours] == [state(one) for one in read()]


def test_what_was_left_out_is_read_when_asked_for(
    cast: Cast, django_assert_num_queries: Any
) -> None:
    bob = Member.objects.only("name").get(name="bob")
    assert "role" in bob.get_deferred_fields()
    with django_assert_num_queries(1):
        assert bob.role == "member"
    bob.refresh_from_db()
    assert bob.team == cast.team


def test_it_can_be_changed_and_stored(cast: Cast) -> None:
    bob = Member.objects.get(name="bob")
    bob.color = "blue"
    bob.save(update_fields=["color"])
    assert Member.objects.get(pk=bob.pk).color == "blue"
