"""What teams and members may be called."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.errors import Invalid
from apps.core.text import fold
from apps.teams.names import (
    MEMBER,
    RESERVED,
    SLUG,
    check_member_name,
    check_slug,
    seat_name,
    suggest_slug,
)


@pytest.mark.parametrize("slug", ["a", "7", "checkout-2.0_x", "a" * 64])
def test_a_slug(slug: str) -> None:
    assert check_slug(slug) == slug


@pytest.mark.parametrize(
    "slug", ["", "-a", ".a", "_a", "A", "a b", "a/b", "..", "a~1", "é", "a\n", "a" * 65, "new"]
)
def test_no_slug(slug: str) -> None:
    with pytest.raises(Invalid) as info:
        check_slug(slug)
    assert set(info.value.fields) == {"slug"}


@pytest.mark.parametrize("name", ["hal", "Hal-9000", "team.lead", "a_b", "7", "Zoë", "a" * 64])
def test_a_member_name(name: str) -> None:
    assert check_member_name(f" {name} ") == name


@pytest.mark.parametrize("name", ["user", "SYSTEM", "All", "everyone", "\u017fystem"])
def test_reserved_names(name: str) -> None:
    with pytest.raises(Invalid, match="reserved"):
        check_member_name(name)


@pytest.mark.parametrize(
    "name", ["", " ", "-a", ".a", "_a", "a.", "a b", "a/b", "@hal", "#1", "a\nb", "\0", "a" * 65]
)
def test_no_member_name(name: str) -> None:
    with pytest.raises(Invalid) as info:
        check_member_name(name)
    assert set(info.value.fields) == {"name"}


def test_two_spellings_of_one_letter_are_one_name() -> None:
    assert check_member_name("Zoe\u0308") == "Zo\u00eb"


@given(st.text(max_size=200))
def test_any_user_name_makes_a_seat_name(wanted: str) -> None:
    name = seat_name(wanted)
    assert 1 <= len(name) <= 66
    assert fold(name) not in RESERVED
    assert MEMBER.fullmatch(name[:64])
    assert not name.endswith(".")


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        ("alice", "alice"),
        ("alice@example.org", "alice-example.org"),
        ("Alice Lead", "Alice-Lead"),
        ("user", "user-1"),
        ("System", "System-1"),
        ("", "member"),
        ("+++", "member"),
        ("__init__", "init__"),
    ],
)
def test_seat_names_stay_close_to_the_user_name(wanted: str, name: str) -> None:
    assert seat_name(wanted) == name


@given(st.text(max_size=200))
def test_a_suggested_slug_is_one_or_empty(name: str) -> None:
    slug = suggest_slug(name)
    assert slug == "" or SLUG.fullmatch(slug)


def test_suggestions() -> None:
    assert suggest_slug("Check-out & Paÿment 2.0!") == "check-out-payment-2.0"
    assert suggest_slug("日本") == ""
