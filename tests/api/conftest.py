"""Programs at the door: each of the cast with a token of their own."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from apps.api.rates import buckets
from apps.teams.actions import create_team
from apps.teams.models import Member, Token
from tests.conftest import Cast, person

API = "/api/v1"


@dataclass
class Caller:
    """A program that holds a member's token and works at the team's address."""

    secret: str
    slug: str

    def ask(
        self, method: str, path: str, body: Any = None, *, key: str = "", **headers: str
    ) -> HttpResponse:
        """`path` is under the team's address, or whole where it begins with `/api`."""
        where = path if path.startswith("/api") else f"{API}/teams/{self.slug}{path}"
        given = {"Authorization": f"Bearer {self.secret}", **headers}
        if key:
            given["Idempotency-Key"] = key
        data = json.dumps(body) if body is not None else ""
        client = Client(raise_request_exception=False)
        return client.generic(method, where, data, "application/json", headers=given)

    def get(self, path: str, **headers: str) -> HttpResponse:
        return self.ask("GET", path, **headers)

    def post(self, path: str, body: Any = None, **more: str) -> HttpResponse:
        return self.ask("POST", path, body, **more)

    def patch(self, path: str, body: Any = None, **more: str) -> HttpResponse:
        return self.ask("PATCH", path, body, **more)

    def put(self, path: str, **more: str) -> HttpResponse:
        return self.ask("PUT", path, **more)

    def delete(self, path: str, **more: str) -> HttpResponse:
        return self.ask("DELETE", path, **more)


def token_for(member: Member) -> str:
    """A live token, made without anybody's rights."""
    secret, kept = Token.mint()
    Token.objects.create(member=member, **kept)
    return secret


@pytest.fixture(autouse=True)
def _full_buckets() -> None:
    buckets.cache_clear()


@pytest.fixture
def call(cast: Cast) -> Callable[[str], Caller]:
    """The program of one of the cast, by name."""

    def as_member(name: str) -> Caller:
        return Caller(token_for(getattr(cast, name)), cast.team.slug)

    return as_member


@pytest.fixture
def by_alice(call: Callable[[str], Caller]) -> Caller:
    return call("alice")


@pytest.fixture
def by_bob(call: Callable[[str], Caller]) -> Caller:
    return call("bob")


@pytest.fixture
def by_hal(call: Callable[[str], Caller]) -> Caller:
    return call("hal")


@pytest.fixture
def by_vera(call: Callable[[str], Caller]) -> Caller:
    return call("vera")


@pytest.fixture
def stranger(db: None) -> Caller:
    """Mallory leads a team of her own and asks at the address of another one."""
    team = create_team(person("mallory"), "elsewhere")
    return Caller(token_for(team.members.get(name="mallory")), "checkout")


def said(response: HttpResponse, status: int = 200) -> Any:
    """The JSON of an answer with that status."""
    assert response.status_code == status, (response.status_code, response.content[:500])
    return json.loads(response.content)


def refused(response: HttpResponse, status: int, code: str) -> dict[str, Any]:
    """The error of a refusal with that status and code."""
    error = said(response, status)["error"]
    assert error["code"] == code, error
    assert error["message"]
    assert "hint" in error
    return dict(error)
