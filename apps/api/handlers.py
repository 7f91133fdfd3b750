"""Every way in which a request can be refused, as one shape of answer."""

from __future__ import annotations

import logging
from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from apps.api.answers import refusal
from apps.api.parsing import Malformed
from apps.core.errors import DomainError, Invalid, NotFound, TooLarge

log = logging.getLogger(__name__)

MOVES = frozenset({"status", "column", "review_state"})
SENTENCES = {
    "missing": "This is needed.",
    "string_type": "Write text.",
    "int_type": "Write a whole number.",
    "int_parsing": "Write a whole number.",
    "int_from_float": "Write a whole number.",
    "bool_type": "Write true or false.",
    "bool_parsing": "Write true or false.",
    "list_type": "Write a list.",
    "dict_type": "Write an object with keys and values.",
    "model_type": "Write an object with keys and values.",
    "model_attributes_type": "Write an object with keys and values.",
    "date_parsing": "Write a day as in 2025-03-01.",
    "date_from_datetime_parsing": "Write a day as in 2025-03-01.",
    "timezone_aware": "Write a time with its zone, as in 2025-03-01T09:30:00Z.",
}


# How the place of an error ends where one of several types was tried.
ALTERNATIVES = frozenset({"str", "int", "bool"})


class Broken(DomainError):
    """Something failed here; the log has it."""

    status = 500
    code = "internal"


def install(api: NinjaAPI) -> None:
    """Let `api` answer every exception in the one shape."""
    api.add_exception_handler(DomainError, _domain)
    api.add_exception_handler(ValidationError, _values)
    api.add_exception_handler(HttpError, _http)
    api.add_exception_handler(Http404, lambda *_: refusal(nothing_here()))
    api.add_exception_handler(RequestDataTooBig, lambda *_: refusal(_too_large()))
    for kind in (MultiPartParserError, SuspiciousOperation, UnreadablePostError):
        api.add_exception_handler(kind, lambda _, error: refusal(_unreadable(error)))
    api.add_exception_handler(Exception, _broken)


def _domain(request: HttpRequest, error: Any) -> HttpResponse:
    return refusal(error)


def _values(request: HttpRequest, error: Any) -> HttpResponse:
    return refusal(_invalid(error))


def _http(request: HttpRequest, error: Any) -> HttpResponse:
    """The framework wraps what the parser raised."""
    cause = error.__cause__
    return refusal(cause if isinstance(cause, DomainError) else Malformed(str(error)))


def _broken(request: HttpRequest, error: Any) -> HttpResponse:
    log.error("%s %s failed.", request.method, request.path, exc_info=error)
    return refusal(
        Broken(
            "Something failed on the server; it is in its log.",
            hint="Try again; with an Idempotency-Key nothing happens twice.",
        )
    )


def _unreadable(error: Any) -> DomainError:
    return Malformed(f"The request cannot be read: {error}", hint="Check how the body is encoded.")


def _too_large() -> DomainError:
    return TooLarge("The body is too large.", hint="Send less at once.")


def nothing_here() -> DomainError:
    """For an address that leads nowhere."""
    return NotFound(
        "There is nothing at this address.", hint="The list of addresses is at /api/v1/docs."
    )


def _invalid(error: ValidationError) -> DomainError:
    """Field by field; a path that names what cannot exist is not found."""
    if all(one["loc"][0] == "path" for one in error.errors):
        return NotFound("There is no such thing in this team.")
    fields: dict[str, str] = {}
    for one in error.errors:
        fields.setdefault(_field(one["loc"]), _sentence(one))
    hint = "Correct these values and send it again; /api/v1/docs has them all."
    return Invalid(fields=fields, hint=hint)


def _field(place: tuple[Any, ...]) -> str:
    """The name that the caller used: without where it came from and without our own names."""
    names = [str(part) for part in place[1:]]
    if len(names) > 1 and names[0] in ("body", "query", "form"):
        names = names[1:]
    inner = [name for name in names if name.isidentifier() or name.isdecimal()]
    if len(inner) > 1 and inner[-1] in ALTERNATIVES:
        inner.pop()
    return ".".join(inner) or "body"


def _sentence(one: dict[str, Any]) -> str:
    kind, name = one["type"], str(one["loc"][-1])
    if kind == "extra_forbidden" and name in MOVES:
        return "Moves have addresses of their own: claim, start, complete, release and more."
    if kind == "extra_forbidden":
        return "There is no such value."
    if kind == "literal_error":
        return f"Choose one of {one['ctx']['expected'].replace(chr(39), '')}."
    return SENTENCES.get(kind) or f"{str(one['msg']).removeprefix('Value error, ')}."
