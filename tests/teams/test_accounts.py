"""Ways in: log in, the first administrator's link, invitations; and no other."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.core import signing
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.utils import timezone

from apps.core.errors import Conflict, DomainError
from apps.teams.actions import (
    create_first_administrator,
    create_invitation,
    end_seat,
    revoke_invitation,
    sign_up,
    transition_team,
)
from apps.teams.models import Invitation, Member, Team, User
from apps.teams.setup import SALT, setup_link_token
from tests.conftest import Cast, make_cast

PASSWORD = "correct horse battery"
NEW = {"username": "Ada", "password": PASSWORD, "again": PASSWORD}


@pytest.fixture(autouse=True)
def _quick_hashes(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    cache.clear()


@pytest.fixture
def ada(db: None) -> User:
    return User.objects.create_user("ada", password=PASSWORD)


def who(client: Client) -> str:
    """The name of the account that the browser is logged in as."""
    pk = client.session.get("_auth_user_id")
    return User.objects.get(pk=pk).username if pk else ""


# Log in and out


def test_log_in_leads_to_where_one_wanted(ada: User) -> None:
    client = Client()
    asked = client.get("/teams/")
    assert asked["Location"] == "/login/?next=/teams/"
    assert client.get(asked["Location"]).status_code == 200
    answer = client.post("/login/", {"username": "ada", "password": PASSWORD, "next": "/teams/"})
    assert (answer.status_code, answer["Location"]) == (302, "/teams/")
    assert who(client) == "ada"


def test_log_in_never_leads_to_another_site(ada: User) -> None:
    answer = Client().post(
        "/login/", {"username": "ada", "password": PASSWORD, "next": "https://evil.example/"}
    )
    assert answer["Location"] == "/"


def test_a_wrong_password_is_a_clear_sentence(ada: User) -> None:
    client = Client()
    answer = client.post("/login/", {"username": "ada", "password": "wrong"})
    assert answer.status_code == 422
    assert "do not match" in answer.content.decode()
    assert who(client) == ""


def test_guessing_is_stopped_for_that_name_from_there_only(ada: User) -> None:
    client = Client()
    for _ in range(10):
        assert client.post("/login/", {"username": "ADA", "password": "no"}).status_code == 422
    right = {"username": "ada", "password": PASSWORD}
    stopped = client.post("/login/", right)
    assert stopped.status_code == 429
    assert stopped["Retry-After"] == "300"
    assert "Too many wrong passwords" in stopped.content.decode()
    assert who(client) == ""
    assert client.post("/login/", right, REMOTE_ADDR="10.0.0.9").status_code == 302


def test_the_right_password_forgets_the_wrong_ones(ada: User) -> None:
    client = Client()
    for _ in range(3):
        for _ in range(9):
            client.post("/login/", {"username": "ada", "password": "no"})
        answer = client.post("/login/", {"username": "ada", "password": PASSWORD})
        assert answer.status_code == 302
        client.logout()


def test_log_out_takes_a_post(login: Callable[[str], Client]) -> None:
    client = login("bob")
    assert client.get("/logout/").status_code == 405
    assert who(client) == "bob"
    assert client.post("/logout/").status_code == 302
    assert who(client) == ""


def test_change_the_password(ada: User) -> None:
    client, other = Client(), Client()
    client.force_login(ada)
    other.force_login(ada)
    fresh = "another fine phrase"
    wrong = {"old_password": "no", "new_password1": fresh, "new_password2": fresh}
    assert client.post("/password/", wrong).status_code == 422
    answer = client.post("/password/", {**wrong, "old_password": PASSWORD}, follow=True)
    assert "Your password is changed" in answer.content.decode()
    assert other.get("/teams/").status_code == 302
    assert User.objects.get(pk=ada.pk).check_password(fresh)


def test_the_password_page_is_for_those_with_an_account(db: None) -> None:
    assert Client().get("/password/")["Location"] == "/login/?next=/password/"


def test_the_password_page_speaks_as_the_one_that_makes_accounts(
    login: Callable[[str], Client],
) -> None:
    page = login("bob").get("/password/").content.decode()
    assert "At least 8 characters, not a common word and not only digits." in page
    assert "New password again" in page
    assert "<li>" not in page.partition('id="content"')[2].partition("</form>")[0]


def test_the_administration_has_no_door_of_its_own(cast: Cast, login: Any) -> None:
    answer = Client().get("/admin/", follow=True)
    assert answer.redirect_chain[-1][0] == "/login/?next=%2Fadmin%2F"
    refused = login("bob").get("/admin/", follow=True)
    assert refused.status_code == 403
    assert "may not enter the administration" in refused.content.decode()
    assert Client().post("/admin/login/", {"username": "x", "password": "y"}).status_code == 302


# The first administrator


def test_the_first_link_makes_the_administrator_once(db: None) -> None:
    client, path = Client(), f"/setup/{setup_link_token()}/"
    assert client.get(path).status_code == 200
    assert client.get(path).status_code == 200
    assert not User.objects.exists()
    assert client.post(path, NEW).status_code == 302
    made = User.objects.get()
    assert (made.username, made.is_superuser, made.is_staff) == ("Ada", True, True)
    assert made.check_password(PASSWORD)
    assert who(client) == "Ada"
    again = Client()
    for answer in (again.get(path), again.post(path, {**NEW, "username": "eve"})):
        assert answer.status_code == 409
        assert "This link was used" in answer.content.decode()
    assert setup_link_token() == ""
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    "token", ["made-up", signing.dumps("setup", salt="another")], ids=["made up", "for another use"]
)
def test_made_up_links_are_not_found(db: None, token: str) -> None:
    for answer in (Client().get(f"/setup/{token}/"), Client().post(f"/setup/{token}/", NEW)):
        assert answer.status_code == 404
    assert not User.objects.exists()


def test_the_link_lives_for_a_week(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        old = (timezone.now() - timedelta(days=8)).timestamp()
        patched.setattr("django.core.signing.time.time", lambda: old)
        token = signing.dumps("setup", salt=SALT)
    assert Client().get(f"/setup/{token}/").status_code == 404


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"again": "something else"}, "The two passwords differ"),
        ({"password": "password", "again": "password"}, "too common"),
        ({"password": "x7!", "again": "x7!"}, "too short"),
        ({"username": "all"}, "is reserved"),
        ({"username": "a/b"}, "letters, digits"),
        ({"username": "ada@example.org"}, "letters, digits"),
        ({"username": ""}, "This field is required"),
        ({"username": "x" * 65}, "at most 64 characters"),
    ],
)
def test_a_bad_first_account_is_refused_in_place(
    db: None, wrong: dict[str, str], said: str
) -> None:
    answer = Client().post(f"/setup/{setup_link_token()}/", {**NEW, **wrong})
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not User.objects.exists()


# Invitations


def invite(cast: Cast, **values: Any) -> str:
    return create_invitation(cast.alice, **values)[1]


def test_join_with_a_new_account(cast: Cast, journal: Callable[[], list[str]]) -> None:
    secret, client = invite(cast, role="observer"), Client()
    page = client.get(f"/join/{secret}/").content.decode()
    assert "Join Checkout" in page
    assert "as observer" in page
    answer = client.post(f"/join/{secret}/", NEW)
    assert answer["Location"] == "/teams/checkout/"
    seat = Member.objects.get(team=cast.team, name="Ada")
    assert (seat.role, seat.kind, seat.user.username) == ("observer", "human", "Ada")
    assert who(client) == "Ada"
    assert journal() == ["team.changed", "member.joined"]


def test_join_with_the_account_one_has(cast: Cast, login: Any) -> None:
    secret, client = invite(cast), login("mallory")
    page = client.get(f"/join/{secret}/").content.decode()
    assert "Join as mallory" in page
    assert "password" not in page.partition('id="content"')[2].partition("</main>")[0]
    assert not cast.team.members.filter(user=cast.mallory).exists()
    assert client.post(f"/join/{secret}/")["Location"] == "/teams/checkout/"
    assert cast.team.members.get(user=cast.mallory).role == "member"


def test_log_in_and_come_back(cast: Cast, ada: User) -> None:
    path, client = f"/join/{invite(cast)}/", Client()
    assert f'href="/login/?next={path}"' in client.get(path).content.decode()
    answer = client.post("/login/", {"username": "ada", "password": PASSWORD, "next": path})
    assert answer["Location"] == path
    assert client.post(path).status_code == 302
    assert cast.team.members.filter(user=ada, left_at=None).exists()


def test_a_replayed_form_keeps_the_seat(cast: Cast, login: Any) -> None:
    path, client = f"/join/{invite(cast)}/", login("mallory")
    assert [client.post(path).status_code for _ in range(2)] == [302, 302]
    assert cast.team.members.filter(user=cast.mallory).count() == 1
    assert Invitation.objects.get().uses == 1


def test_who_sits_there_opens_a_used_up_link_and_is_in_the_team(cast: Cast, login: Any) -> None:
    path, client = f"/join/{invite(cast)}/", login("mallory")
    client.post(path)
    assert client.get(path)["Location"] == "/teams/checkout/"
    assert Client().get(path).status_code == 409
    assert Invitation.objects.get().uses == 1


def expire(secret: str, cast: Cast) -> None:
    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))


def use_up(secret: str, cast: Cast) -> None:
    Invitation.objects.update(uses=1)


def withdraw(secret: str, cast: Cast) -> None:
    revoke_invitation(cast.alice, Invitation.objects.get().pk)


def fill(secret: str, cast: Cast) -> None:
    Team.objects.update(max_members=5)


def finish(secret: str, cast: Cast) -> None:
    transition_team(cast.alice, "completed")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (expire, "has expired"),
        (use_up, "has been used up"),
        (withdraw, "was withdrawn"),
        (fill, "The team is full"),
        (finish, "The team is completed"),
    ],
)
def test_what_no_longer_works_is_a_clear_409(
    cast: Cast, login: Any, spoil: Callable[[str, Cast], None], said: str
) -> None:
    secret = invite(cast)
    spoil(secret, cast)
    before = Member.objects.count(), User.objects.count()
    for client, data in ((Client(), NEW), (login("mallory"), {})):
        answer = client.post(f"/join/{secret}/", data)
        assert answer.status_code == 409
        assert said in answer.content.decode()
    assert (Member.objects.count(), User.objects.count()) == before


def test_an_unknown_link_is_not_found(db: None) -> None:
    for answer in (Client().get("/join/join-nothing/"), Client().post("/join/join-nothing/", NEW)):
        assert answer.status_code == 404
    assert not User.objects.exists()


def test_a_taken_name_is_refused_in_place(cast: Cast) -> None:
    answer = Client().post(f"/join/{invite(cast)}/", {**NEW, "username": "BOB"})
    assert answer.status_code == 422
    assert "The name “BOB” is taken" in answer.content.decode()
    assert Invitation.objects.get().uses == 0


def test_who_was_sent_away_comes_back_by_a_new_link(cast: Cast, login: Any) -> None:
    end_seat(cast.alice, "bob")
    assert login("bob").get("/teams/checkout/members/").status_code == 404
    login("bob").post(f"/join/{invite(cast, role='observer')}/")
    seat = cast.team.members.get(user=cast.people["bob"])
    assert (seat.pk, seat.left_at, seat.role) == (cast.bob.pk, None, "observer")


@pytest.mark.parametrize(
    "path", ["/", "/teams/", "/teams/new/", "/teams/checkout/members/", "/password/"]
)
def test_there_is_no_other_way_in(cast: Cast, path: str) -> None:
    answer = Client().get(path, follow=True)
    assert "/login/" in answer.redirect_chain[-1][0]


# At the same moment


def at_once(work: list[Callable[[], object]]) -> list[object]:
    """Run everything in threads of its own, begun together; refusals are results."""
    gate = threading.Barrier(len(work))

    def run(one: Callable[[], object]) -> object:
        gate.wait()
        try:
            return one()
        except DomainError as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(work)) as pool:
        return list(pool.map(run, work))


@pytest.mark.django_db(transaction=True)
def test_of_two_on_a_single_use_link_one_wins() -> None:
    cast = make_cast()
    _, secret = create_invitation(cast.alice)
    results = at_once([lambda n=n: sign_up(secret, f"guest{n}", "!") for n in range(4)])  # type: ignore[misc]
    assert sum(isinstance(one, Member) for one in results) == 1
    assert [one.code for one in results if isinstance(one, Conflict)] == ["invitation_over"] * 3
    assert User.objects.filter(username__startswith="guest").count() == 1
    assert Invitation.objects.get().uses == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_on_the_first_link_one_wins() -> None:
    results = at_once(
        [lambda n=n: create_first_administrator(f"root{n}", "!") for n in range(4)]  # type: ignore[misc]
    )
    assert sum(isinstance(one, User) for one in results) == 1
    assert User.objects.filter(is_superuser=True).count() == 1
