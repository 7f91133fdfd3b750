"""Whatever is sent: no failure of the server, no answer that the document does not promise."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.parameters import ParameterLocation
from schemathesis.specs.openapi import checks

from apps.api.rates import buckets
from apps.messaging.actions import open_discussion, send_message
from apps.reviews.actions import propose_plan
from apps.tasks import actions as tasks
from apps.teams.actions import add_artifact, start_session
from tests.api.conftest import token_for
from tests.conftest import Cast

EXAMPLES = 12
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.ignored_auth,
]

site = get_wsgi_application()


def application(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
    """The site; each answer is read to its end and closed, as servers do."""
    answer = site(environ, start)
    try:
        return [b"".join(answer)]
    finally:
        answer.close()


schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", application)


@pytest.fixture
def _one_connection() -> Iterator[None]:
    """Keep requests from ending the connection that holds the test's transaction."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def ids(cast: Cast, settings: Any, tmp_path: Any) -> dict[str, Any]:
    """A team with one of everything, and what an address may name in it."""
    settings.MEDIA_ROOT = tmp_path
    settings.API_RATE = 1_000_000
    buckets.cache_clear()
    for subject in ("One", "Two", "Three"):
        tasks.create_task(cast.alice, subject)
    tasks.claim_task(cast.hal, 1)
    tasks.comment(cast.hal, 1, "Said")
    message = send_message(cast.alice, to=["hal"], body="Hello")
    return {
        "slug": "checkout",
        "name": "iris",
        "number": 1,
        "other": 2,
        "message_id": message.pk,
        "plan_id": propose_plan(cast.hal, "P", "b", task=2).pk,
        "index": 0,
        "discussion_id": open_discussion(cast.alice, "T", ["alice", "hal"]).pk,
        "session_id": start_session(cast.hal, model="opus").pk,
        "artifact_id": add_artifact(cast.hal, "a.txt", b"text").pk,
        "token_id": 1,
    }


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@pytest.mark.usefixtures("_one_connection")
@pytest.mark.parametrize("rules", [CHECKS], ids=["any"])  # for pytest, it sets the operations apart
def test_any_request_is_answered_as_promised(
    case: schemathesis.Case, cast: Cast, ids: dict[str, Any], rules: list[Any]
) -> None:
    """Where the address was made well, it names what is there, so that actions are reached."""
    made_well = is_well(case, ParameterLocation.PATH)
    if made_well:
        case.path_parameters.update({k: ids[k] for k in case.path_parameters if k in ids})
    ours = made_well and is_well(case, ParameterLocation.HEADER)
    secret = token_for(cast.alice if len(str(case.body)) % 2 else cast.hal)
    case.call_and_validate(
        headers={"Authorization": f"Bearer {secret}"},
        checks=[*rules, checks.negative_data_rejection] if ours else rules,
    )


def is_well(case: schemathesis.Case, part: ParameterLocation) -> bool:
    """Whether a part of a request follows the document."""
    made = case.meta.components.get(part) if case.meta else None
    return made is None or made.mode.is_positive
