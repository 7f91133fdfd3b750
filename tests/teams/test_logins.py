from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.sessions.models import Session
from django.http import HttpRequest
from django.test import Client
from django.utils import timezone

from apps.teams.logins import SessionStore
from apps.teams.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice() -> User:
    return User.objects.create_user("alice", password="correct horse staple")


def asking(key: str | None) -> HttpRequest:
    request = HttpRequest()
    request.session = SessionStore(key)
    return request


def key_of(client: Client) -> str:
    return str(client.cookies[settings.SESSION_COOKIE_NAME].value)


def test_a_login_is_known_again_in_two_queries(
    client: Client, alice: User, django_assert_num_queries: Any
) -> None:
    assert client.login(username="alice", password="correct horse staple")
    for _ in range(2):
        with django_assert_num_queries(2):
            assert get_user(asking(key_of(client))) == alice


@pytest.mark.parametrize("key", [None, "", "made-up-by-hand", "with-a-\0-in-it", "x" * 500])
def test_a_key_nobody_has_is_nobody(key: str | None) -> None:
    request = asking(key)
    assert get_user(request).is_anonymous
    assert request.session.session_key is None


def test_a_session_that_is_over_is_nobody(client: Client, alice: User) -> None:
    client.force_login(alice)
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert get_user(asking(key_of(client))).is_anonymous


def test_a_session_written_by_somebody_else_is_nobody(client: Client, alice: User) -> None:
    client.force_login(alice)
    Session.objects.update(session_data="eyJfYXV0aF91c2VyX2lkIjoiMSJ9:forged:signature")
    assert get_user(asking(key_of(client))).is_anonymous


@pytest.mark.parametrize("change", ["switched off", "deleted", "other password"])
def test_an_account_that_may_not_log_in_is_nobody(client: Client, alice: User, change: str) -> None:
    client.force_login(alice)
    if change == "switched off":
        User.objects.update(is_active=False)
    elif change == "deleted":
        alice.delete()
    else:
        alice.set_password("another one altogether")
        alice.save()
    assert get_user(asking(key_of(client))).is_anonymous


def test_logging_out_ends_the_session(client: Client, alice: User) -> None:
    client.force_login(alice)
    key = key_of(client)
    client.logout()
    assert get_user(asking(key)).is_anonymous
