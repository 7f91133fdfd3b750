"""The refusals that actions raise. Each door translates them once; none of them knows a door."""

from __future__ import annotations

from typing import Any


class DomainError(Exception):
    """A refusal: a stable `code`, a sentence for people, and a `hint` that says what to do next."""

    status = 400
    code = "refused"

    def __init__(self, message: str, *, code: str = "", hint: str = "", **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.code
        self.hint = hint
        self.details = details

    def as_dict(self) -> dict[str, Any]:
        """`{"error": {"code", "message", "hint", …}}`, the shape every door answers with."""
        error = {"code": self.code, "message": self.message, "hint": self.hint, **self.details}
        return {"error": error}


class NotAllowed(DomainError):
    """The caller is known and may not do this."""

    status = 403
    code = "not_allowed"


class NotFound(DomainError):
    """There is no such thing, or the caller may not know of it."""

    status = 404
    code = "not_found"


class WrongMethod(DomainError):
    """The address is right and the method is not."""

    status = 405
    code = "method_not_allowed"


class Conflict(DomainError):
    """The current state does not admit it; `details` tell the state."""

    status = 409
    code = "conflict"


class Invalid(DomainError):
    """Values are wrong; `fields` maps each field to its sentence."""

    status = 422
    code = "invalid"

    def __init__(
        self, message: str = "", *, fields: dict[str, str] | None = None, **kw: Any
    ) -> None:
        fields = fields or {}
        super().__init__(message or " ".join(fields.values()), fields=fields, **kw)
        self.fields = fields


class TooLarge(DomainError):
    """The body or file is over the limit that the message names."""

    status = 413
    code = "too_large"
