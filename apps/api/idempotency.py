"""`Idempotency-Key`: a write that is sent again gets its first answer and happens once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple, TypeVar

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from apps.api.answers import dumps, raw
from apps.api.door import Call
from apps.api.models import IdempotentAnswer
from apps.core.actions import action
from apps.core.errors import Conflict, DomainError, Invalid
from apps.teams.models import Member

T = TypeVar("T")
HEADER = "Idempotency-Key"
LIVES = timedelta(hours=24)
LONGEST = 255


class Answer(NamedTuple):
    """A status and a body; `keep` is the body for repetitions where the first holds a secret."""

    status: int
    body: str
    keep: str | None = None
    again: bool = False

    def response(self) -> HttpResponse:
        """As HTTP."""
        response = raw(self.body, status=self.status)
        if self.again:
            response.headers["Idempotency-Replayed"] = "true"
        return response


def write(
    call: Call,
    do: Callable[[Member], T],
    shape: Callable[[T], Any],
    *,
    status: int = 200,
    asked: Any = None,
    keep: Callable[[T], Any] | None = None,
) -> HttpResponse:
    """Do one action and answer with its result, once for each `Idempotency-Key` of the caller.

    `asked` stands for the body where that is not JSON; `keep` shapes what repetitions get where
    the first answer holds a secret.
    """
    key = call.headers.get(HEADER, "")
    if not key:
        return raw(dumps(shape(do(call.auth))), status=status)
    if len(key) > LONGEST or not key.isprintable():
        raise Invalid(fields={HEADER: f"Use at most {LONGEST} printable characters."})

    def run() -> Answer:
        result = do(call.auth)
        return Answer(status, dumps(shape(result)), dumps(keep(result)) if keep else None)

    return once(call.auth, key, digest(call, asked), run).response()


@action
def once(member: Member, key: str, asked: str, run: Callable[[], Answer]) -> Answer:
    """What `run` answered the first time `member` used `key`; whoever comes meanwhile waits.

    The answer is kept in the transaction of the write itself. A refusal is an answer too.
    """
    mine = IdempotentAnswer.objects.filter(member=member)
    mine.filter(created_at__lt=timezone.now() - LIVES).delete()
    kept, fresh = mine.get_or_create(key=key, defaults={"member": member, "digest": asked})
    if not fresh:
        return _again(kept, asked)
    try:
        with transaction.atomic():
            answer = run()
    except DomainError as error:
        answer = Answer(error.status, dumps(error.as_dict()))
    kept.status, kept.body = answer.status, answer.keep or answer.body
    kept.save(update_fields=["status", "body"])
    return answer


def _again(kept: IdempotentAnswer, asked: str) -> Answer:
    if kept.digest != asked:
        raise Conflict(
            f"The {HEADER} “{kept.key}” was used for another request.",
            code="idempotency_conflict",
            hint="Use a fresh key for each write, and the same one only to repeat it.",
        )
    return Answer(kept.status or 200, kept.body, again=True)


def digest(request: HttpRequest, asked: Any = None) -> str:
    """What stands for a request: method, address and the body's value, however it is spaced."""
    if asked is None and request.body:
        asked = _value(request.body)
    told = json.dumps([request.method, request.get_full_path(), asked], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()


def _value(body: bytes) -> Any:
    """The body's value, or the bytes of a body that nobody reads."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body.hex()
