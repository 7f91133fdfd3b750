"""The description of the API: complete for programs, readable offline for people."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from apps.api.views import document
from tests.api.conftest import said

SPECIFIED = """
GET /me
GET T
PATCH T
POST T/transition
GET T/members
POST T/members
PATCH T/members/{name}
DELETE T/members/{name}
GET T/board
GET T/tasks
POST T/tasks
GET T/tasks/{n}
PATCH T/tasks/{n}
DELETE T/tasks/{n}
POST T/tasks/{n}/restore
POST T/tasks/claim-next
POST T/tasks/{n}/claim
POST T/tasks/{n}/start
POST T/tasks/{n}/complete
POST T/tasks/{n}/release
POST T/tasks/{n}/ask
POST T/tasks/{n}/answer
POST T/tasks/{n}/request-review
POST T/tasks/{n}/approve
POST T/tasks/{n}/request-changes
POST T/tasks/{n}/withdraw-review
POST T/tasks/{n}/reopen
POST T/tasks/{n}/position
PUT T/tasks/{n}/blocked-by/{n}
DELETE T/tasks/{n}/blocked-by/{n}
PUT T/tasks/{n}/related/{n}
DELETE T/tasks/{n}/related/{n}
GET T/tasks/{n}/comments
POST T/tasks/{n}/comments
GET T/graph
GET T/plans
POST T/plans
GET T/plans/{n}
POST T/plans/{n}/submit
POST T/plans/{n}/revise
POST T/plans/{n}/withdraw
POST T/plans/{n}/decide
POST T/plans/{n}/steps/{n}
GET T/inbox
POST T/messages
GET T/messages/{n}
POST T/messages/{n}/read
POST T/inbox/read-all
POST T/inbox/clear
GET T/threads/{n}
GET T/discussions
POST T/discussions
POST T/discussions/{n}/turn
POST T/discussions/{n}/conclude
POST T/discussions/{n}/cancel
GET T/events
POST T/sessions
POST T/sessions/{n}/heartbeat
POST T/sessions/{n}/end
GET T/artifacts
POST T/artifacts
GET T/artifacts/{n}
GET T/artifacts/{n}/content
GET T/briefing
"""


def operations() -> dict[str, dict[str, object]]:
    """All operations by method and address, with numbers and ids all called `n`."""
    found = {}
    for path, methods in document()["paths"].items():
        short = path.replace("/api/v1", "").replace("/teams/{slug}", "T")
        short = re.sub(r"\{(?!name)\w+\}", "{n}", short)
        for method, operation in methods.items():
            found[f"{method.upper()} {short}"] = operation
    return found


@pytest.mark.parametrize("line", SPECIFIED.split("\n")[1:-1])
def test_every_promised_operation_is_there(line: str) -> None:
    assert line in operations()


def test_every_operation_has_a_name_of_its_own_and_says_how_it_refuses() -> None:
    found = operations()
    names = [one["operationId"] for one in found.values()]
    assert len(set(names)) == len(names)
    for line, one in found.items():
        responses = one["responses"]
        assert {"401", "404", "422", "429"} <= set(responses), line
        method = line.split()[0]
        if method != "GET":
            assert {"403", "409", "422"} <= set(responses), line
            assert "Idempotency-Key" in [p["name"] for p in one["parameters"]], line
        if "T" in line.split()[1]:
            assert "slug" in [p["name"] for p in one["parameters"]], line


def test_every_reference_leads_somewhere() -> None:
    doc = document()

    def follow(value: object) -> None:
        if isinstance(value, dict):
            if "$ref" in value:
                target = doc
                for part in value["$ref"].removeprefix("#/").split("/"):
                    target = target[part]
            for item in value.values():
                follow(item)
        if isinstance(value, list):
            for item in value:
                follow(item)

    follow(doc)


@pytest.mark.django_db
def test_the_document_needs_no_token() -> None:
    doc = said(Client().get("/api/v1/openapi.json"))
    assert doc["openapi"].startswith("3.1")
    assert doc["components"]["securitySchemes"]["Bearer"]["scheme"] == "bearer"


@pytest.mark.django_db
def test_the_page_works_offline_and_under_the_sites_policy() -> None:
    response = Client().get("/api/v1/docs")
    html = response.content.decode()
    assert response.status_code == 200
    assert response["Content-Security-Policy"] == "default-src 'self'"
    assert not re.search(r"<style|<script(?![^>]*\bsrc=)|\sstyle=|\son\w+=", html)
    assert not [url for url in re.findall(r'(?:src|href)="([^"]+)"', html) if "//" in url]
    assert html.count("<details") > len(operations())
    for one in operations().values():
        assert f'id="{one["operationId"]}"' in html
