"""Answers as JSON: values, refusals, and the ones that need not be sent again."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.http import parse_etags

from apps.core.errors import DomainError

JSON = "application/json"


def moment(at: datetime | None) -> str | None:
    """RFC 3339 in UTC, as in `2025-03-01T09:30:00.000000Z`."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at else None


def dumps(value: Any) -> str:
    """Compact JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def raw(body: str | bytes, *, status: int = 200, etag: str = "") -> HttpResponse:
    """JSON that is already text."""
    response = HttpResponse(body, status=status, content_type=JSON)
    response.headers["Cache-Control"] = "private, no-cache" if etag else "no-store"
    if etag:
        response.headers["ETag"] = etag
    return response


def reply(value: Any, *, status: int = 200, etag: str = "") -> HttpResponse:
    """`value` as JSON."""
    return raw(dumps(value), status=status, etag=etag)


def refusal(error: DomainError) -> HttpResponse:
    """What a refused request is answered with: `{"error": {"code", "message", "hint", …}}`."""
    response = reply(error.as_dict(), status=error.status)
    for name, value in refusal_headers(error).items():
        response.headers[name] = value
    return response


def refusal_headers(error: DomainError) -> dict[str, str]:
    """What HTTP wants said beside a refusal."""
    if error.status == 401:
        known = "" if error.code == "token_missing" else ', error="invalid_token"'
        return {"WWW-Authenticate": f'Bearer realm="agent-teams"{known}'}
    if error.status == 429:
        return {"Retry-After": str(error.details.get("retry_after", 1))}
    return {}


def unchanged(request: HttpRequest, etag: str) -> HttpResponse | None:
    """The 304 for who has this version already, else None."""
    given = request.headers.get("If-None-Match")
    if not given:
        return None
    tags = parse_etags(given)
    if "*" not in tags and etag not in {tag.removeprefix("W/") for tag in tags}:
        return None
    response = HttpResponse(status=304)
    response.headers["ETag"] = etag
    return response


def nothing_yet(response: HttpResponse) -> HttpResponse:
    """Mark an answer that has nothing to say, so that whoever asked may be kept waiting."""
    response.headers["X-Wait"] = "empty"
    return response
