"""Reading what came: JSON with the place of its first mistake, text that databases can keep."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from django.http import HttpRequest
from ninja.parser import Parser

from apps.core.errors import DomainError, Invalid
from apps.messaging.draft import NOT_STORABLE, storable

# Escapes that JSON knows and PostgreSQL cannot keep: the zero byte and half a character.
SUSPECT = re.compile(rb"\\u(0000|[dD][89a-fA-F])")


class Malformed(DomainError):
    """The request cannot be read at all."""

    status = 400
    code = "malformed"


class JsonParser(Parser):
    """Strict JSON in UTF-8."""

    def parse_body(self, request: HttpRequest) -> Any:
        """The body's value; Malformed with line and column where it is not JSON."""
        return loads(request.body)


def loads(body: bytes) -> Any:
    """The value of a JSON document; raises Malformed, or Invalid for text that cannot be kept."""
    try:
        value = json.loads(body.decode(), parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise Malformed(
            f"The body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}.",
            hint="Send one JSON object, in UTF-8, with double quotes.",
            line=error.lineno,
            column=error.colno,
        ) from None
    except UnicodeDecodeError as error:
        raise Malformed(
            f"The body is not UTF-8: byte {error.start + 1} begins no character.",
            hint="Send JSON in UTF-8.",
            byte=error.start + 1,
        ) from None
    except RecursionError:
        raise Malformed("The body is nested too deeply.", hint="Send a flatter object.") from None
    except ValueError as error:
        raise Malformed(f"The body is not JSON: {error}", hint="Send one JSON object.") from None
    if SUSPECT.search(body) and not is_storable(value):
        raise Invalid(fields={"body": NOT_STORABLE})
    return value


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not a JSON number.")


def is_storable(value: Any) -> bool:
    """Whether every database takes each text in `value`."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return all(storable(key) and is_storable(item) for key, item in value.items())
    if isinstance(value, list):
        return all(map(is_storable, value))
    return True
