"""`/mcp`: who calls is settled here, before the protocol sees anything of the request.

A POST is read whole and handed to the SDK with its caller; nothing is kept between two requests,
so any process may answer any of them.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import IO, Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http.request import split_domain_port, validate_host

from apps.api.answers import refusal_headers
from apps.api.door import enter
from apps.core.bodies import Receive, Send, read_body
from apps.core.errors import DomainError, WrongMethod
from apps.core.front import shared
from apps.mcp.caller import VIA, Caller

ADDRESS = "/mcp"
PATHS = frozenset({ADDRESS, f"{ADDRESS}/"})
# What JSON-RPC has no number for; clients show its sentence.
REFUSED = -32001


class Misdirected(DomainError):
    """The request is for a host that this server does not go by."""

    status = 421
    code = "unknown_host"


class CrossOrigin(DomainError):
    """A page of another site asks."""

    status = 403
    code = "cross_origin"


async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Answer one request to `/mcp`."""
    headers = {
        key.decode("latin-1").lower(): value.decode("latin-1") for key, value in scope["headers"]
    }
    try:
        check_host(headers)
        member = await shared().run(enter, headers.get("authorization", ""), VIA)
        if scope["method"] != "POST":  # a stream the server begins: whoever waits calls a tool
            raise WrongMethod("Send requests by POST.", hint="This address takes no other method.")
    except DomainError as error:
        await refuse(error, send)
        return
    body = await read_body(scope, receive, send)
    if body is None:
        return
    from apps.mcp.service import service

    caller = Caller(member, headers["authorization"], receive)
    manager = await service()
    await manager.handle_request({**scope, "caller": caller}, replayed(body), send)


def check_host(headers: Mapping[str, str]) -> None:
    """Raise where the host is none of ours, or where a page of another site asks."""
    host = headers.get("host", "").lower()
    if not host or not validate_host(split_domain_port(host)[0], settings.ALLOWED_HOSTS):
        raise Misdirected("This server does not go by that name.", hint="See ALLOWED_HOSTS.")
    origin = headers.get("origin")
    if origin and urlsplit(origin).netloc.lower() not in {host, *settings.TRUSTED_ORIGIN_HOSTS}:
        raise CrossOrigin("Pages of other sites may not call this address.")


def replayed(body: IO[bytes]) -> Callable[[], Awaitable[dict[str, Any]]]:
    """An ASGI `receive` that gives the body in one piece, then says that no more comes."""
    with body:
        messages: list[dict[str, Any]] = [
            {"type": "http.request", "body": body.read(), "more_body": False}
        ]

    async def receive() -> dict[str, Any]:
        return messages.pop() if messages else {"type": "http.disconnect"}

    return receive


async def refuse(error: DomainError, send: Send) -> None:
    """Answer with the refusal as a JSON-RPC error, so that clients show its sentence and hint."""
    said = error.as_dict()["error"]
    message = " ".join(part for part in (error.message, error.hint) if part)
    body = json.dumps(
        {"jsonrpc": "2.0", "id": None, "error": {"code": REFUSED, "message": message, "data": said}}
    ).encode()
    headers = {"Content-Type": "application/json", "Content-Length": str(len(body)),
               "Cache-Control": "no-store", **refusal_headers(error)}  # fmt: skip
    if error.status == WrongMethod.status:
        headers["Allow"] = "POST"
    lines = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": error.status, "headers": lines})
    await send({"type": "http.response.body", "body": body})
