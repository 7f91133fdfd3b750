from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest
from asgiref.sync import sync_to_async

from apps.messaging.actions import send_message
from apps.messaging.models import Delivery
from apps.teams.actions import create_token, revoke_token
from apps.teams.models import Member
from teams_site.asgi import application
from tests.conftest import Cast
from tests.mcp.conftest import Connect, act, http

HEADERS = {
    "Accept": "application/json, text/event-stream",
    "Content-Type": "application/json",
    "MCP-Protocol-Version": "2025-11-25",
}


def asking(method: str, **params: Any) -> dict[str, Any]:
    """The arguments of a POST."""
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    return {"content": json.dumps(body), "headers": HEADERS}


async def post(secret: str, **more: Any) -> httpx2.Response:
    async with http(secret) as client:
        return await client.post("/mcp", **{**asking("ping"), **more})


async def secret_for(team: Cast) -> str:
    _, secret = await sync_to_async(create_token)(team.alice, "hal")
    return secret


async def test_both_generations_of_the_protocol_work(team: Cast, connect: Connect) -> None:
    async with connect(team.hal) as new, connect(team.hal, mode="legacy") as old:
        assert new.client.protocol_version > old.client.protocol_version
        assert (await old.do("briefing"))["text"] == (await new.do("briefing"))["text"]


@pytest.mark.parametrize("secret", ["", "at_made-up"])
async def test_without_a_token_nothing_is_answered(team: Cast, secret: str) -> None:
    answer = await post(secret)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.json()["error"]["data"]["hint"]


async def test_a_revoked_token_is_told_so(team: Cast) -> None:
    token, secret = await sync_to_async(create_token)(team.alice, "hal")
    await act(revoke_token, team.alice, token.pk)
    answer = await post(secret)
    assert answer.status_code == 401
    assert answer.json()["error"]["data"]["code"] == "token_revoked"


async def test_a_call_is_a_sign_of_life(team: Cast) -> None:
    await Member.objects.filter(pk=team.hal.pk).aupdate(last_seen_at=None)
    assert (await post(await secret_for(team))).status_code == 200
    hal = await Member.objects.aget(pk=team.hal.pk)
    assert hal.last_seen_at is not None


async def test_streams_that_the_server_begins_are_not_offered(team: Cast) -> None:
    secret = await secret_for(team)
    async with http(secret) as client:
        answer = await client.get("/mcp", headers=HEADERS)
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "POST"


async def test_pages_of_other_sites_are_refused(team: Cast) -> None:
    secret = await secret_for(team)
    asked = asking("ping")
    foreign = await post(secret, headers={**asked["headers"], "Origin": "https://mallory.example"})
    own = await post(secret, headers={**asked["headers"], "Origin": "http://testserver"})
    assert (foreign.status_code, own.status_code) == (403, 200)


async def test_another_name_of_the_server_is_misdirected(team: Cast, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["teams.example"]
    secret = await secret_for(team)
    asked = asking("ping")
    wrong = await post(secret)
    right = await post(secret, headers={**asked["headers"], "Host": "teams.example:8000"})
    assert (wrong.status_code, right.status_code) == (421, 200)


async def test_a_large_body_is_refused(team: Cast) -> None:
    answer = await post(await secret_for(team), content=b" " * 2_000_000)
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "too_large"


async def test_what_is_not_json_is_refused(team: Cast) -> None:
    answer = await post(await secret_for(team), content=b'{"jsonrpc": ')
    assert answer.status_code == 400


async def test_text_that_no_database_keeps_is_refused(team: Cast) -> None:
    params = {"name": "create_task", "arguments": {"subject": "a\0b"}}
    answer = await post(await secret_for(team), **asking("tools/call", **params))
    result = answer.json()["result"]
    assert result["isError"]
    assert result["structuredContent"]["error"]["code"] == "invalid"


@pytest.mark.parametrize("depth", [60, 150, 5_000])
async def test_deep_nesting_is_no_failure(
    team: Cast, depth: int, caplog: pytest.LogCaptureFixture
) -> None:
    deep = '{"a":' * depth + "1" + "}" * depth
    arguments = f'{{"subject": "Deep", "metadata": {deep}}}'
    body = (
        '{"jsonrpc": "2.0", "id": 1, "method": "tools/call",'
        f' "params": {{"name": "create_task", "arguments": {arguments}}}}}'
    )
    answer = await post(await secret_for(team), content=body)
    assert answer.status_code in (200, 400)
    assert "internal_error" not in answer.text
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_too_many_calls_are_told_when_to_come_back(team: Cast, settings: Any) -> None:
    from apps.api import rates

    settings.API_RATE = 1
    rates.buckets.cache_clear()
    try:
        secret = await secret_for(team)
        answers = [await post(secret) for _ in range(12)]
    finally:
        rates.buckets.cache_clear()
    late = answers[-1]
    assert late.status_code == 429
    assert int(late.headers["Retry-After"]) >= 1


async def test_what_comes_after_the_caller_hung_up_stays_unread(team: Cast) -> None:
    secret = await secret_for(team)
    asked = asking("tools/call", name="check_inbox", arguments={"wait": 20})
    headers = {**HEADERS, "Host": "testserver", "Authorization": f"Bearer {secret}"}
    scope = {
        "type": "http", "method": "POST", "path": "/mcp", "query_string": b"",
        "headers": [(key.lower().encode(), value.encode()) for key, value in headers.items()],
    }  # fmt: skip
    inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    inbox.put_nowait({"type": "http.request", "body": asked["content"].encode()})
    call = asyncio.create_task(application(scope, inbox.get, send))
    await asyncio.sleep(0.3)
    inbox.put_nowait({"type": "http.disconnect"})
    async with asyncio.timeout(3):
        await call
    await act(send_message, team.bob, to="hal", body="Look at #3.")
    assert (await Delivery.objects.aget(recipient=team.hal)).read_at is None


def test_the_sdk_is_not_loaded_before_it_is_needed(tmp_path: Path) -> None:
    code = "import sys, teams_site.asgi; print([m for m in sys.modules if m.startswith('mcp.')])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "DATA_DIR": str(tmp_path)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "[]\n"
