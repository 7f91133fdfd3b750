"""Refusals: one shape for every door."""

from __future__ import annotations

import pytest

from apps.core.errors import (
    Conflict,
    DomainError,
    Invalid,
    NotAllowed,
    NotFound,
    TooLarge,
    WrongMethod,
)


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        (DomainError, 400, "refused"),
        (NotAllowed, 403, "not_allowed"),
        (NotFound, 404, "not_found"),
        (WrongMethod, 405, "method_not_allowed"),
        (Conflict, 409, "conflict"),
        (TooLarge, 413, "too_large"),
        (Invalid, 422, "invalid"),
    ],
)
def test_each_refusal_has_its_status_and_code(
    kind: type[DomainError], status: int, code: str
) -> None:
    error = kind("No.")
    assert (error.status, error.code, str(error)) == (status, code, "No.")
    assert error.as_dict()["error"]["code"] == code


def test_a_code_a_hint_and_details_travel_with_the_sentence() -> None:
    error = Conflict("#3 is taken.", code="task_taken", hint="Claim another one.", owner="hal")
    assert error.as_dict() == {
        "error": {
            "code": "task_taken",
            "message": "#3 is taken.",
            "hint": "Claim another one.",
            "owner": "hal",
        }
    }


def test_the_code_of_one_refusal_does_not_become_the_code_of_its_kind() -> None:
    Conflict("No.", code="stale")
    assert Conflict("No.").code == "conflict"


def test_invalid_says_each_field_and_makes_its_sentence_of_them() -> None:
    error = Invalid(fields={"subject": "Write what is to be done.", "owner": "Unknown."})
    assert error.message == "Write what is to be done. Unknown."
    assert error.as_dict()["error"]["fields"] == {
        "subject": "Write what is to be done.",
        "owner": "Unknown.",
    }


def test_invalid_without_fields_says_its_sentence() -> None:
    error = Invalid("The body is no JSON.")
    assert (error.message, error.fields) == ("The body is no JSON.", {})
