from __future__ import annotations

from typing import Any

import pytest
from django.core import mail as outbox

from apps.core.errors import Conflict, Invalid
from apps.messaging import mail, notices
from apps.messaging.actions import choose_notices, send_message
from apps.messaging.kinds import KINDS
from apps.messaging.models import Delivery
from apps.messaging.notices import Way, Why, headline, wanted
from apps.teams.models import User
from tests.conftest import Cast


@pytest.fixture
def bob(cast: Cast, settings: Any) -> User:
    settings.EMAIL_HOST = "mail.example.org"
    user = cast.people["bob"]
    user.email = "bob@example.org"
    user.save(update_fields=["email"])
    return user


def test_every_kind_says_why_it_comes() -> None:
    assert {notices.why(kind) for kind in KINDS} <= set(Why)


@pytest.mark.parametrize(
    ("kind", "payload", "why"),
    [("message", None, "message"), ("task_assignment", {"task_id": "1", "subject": "S"},
     "assignment"), ("plan_approval_request", {"plan": "P"}, "plan"),
     ("review_request", {"task_id": "1"}, "review"),
     ("permission_request", {"request_id": "1", "tool_name": "Bash"}, "question")],
)  # fmt: skip
def test_a_copy_says_why_it_came(cast: Cast, kind: str, payload: Any, why: str) -> None:
    send_message(cast.hal, to=["bob"], kind=kind, payload=payload, body="Text.")
    assert Delivery.objects.get().why == why


def test_nobody_gets_e_mail_without_asking(
    cast: Cast, bob: User, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        send_message(cast.hal, body="@bob hello")
    mail.flush()
    assert outbox.outbox == []


def test_e_mail_comes_once_for_what_was_chosen(
    cast: Cast, bob: User, settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    settings.PUBLIC_URL = "https://teams.example.org"
    choose_notices(bob, email=["mention"])
    with django_capture_on_commit_callbacks(execute=True):
        send_message(cast.hal, to=["bob"], body="plain")
        for _ in range(2):
            send_message(cast.hal, to=["bob"], subject="Look", body="@bob, @all!", message_id="m")
    mail.flush()
    (letter,) = outbox.outbox
    assert (letter.subject, letter.to) == ("Look", ["bob@example.org"])
    assert letter.body.startswith("hal wrote in Checkout:\n\n@bob, @all!\n\nhttps://teams")


def test_a_refused_message_mails_nobody(
    cast: Cast, bob: User, django_capture_on_commit_callbacks: Any
) -> None:
    choose_notices(bob, email=["mention"])
    with django_capture_on_commit_callbacks(execute=True):
        send_message(cast.hal, body="@bob one", message_id="m")
        with pytest.raises(Conflict):
            send_message(cast.hal, body="@bob two", message_id="m")
    mail.flush()
    assert len(outbox.outbox) == 1


def test_chatter_is_never_mailed(
    cast: Cast, bob: User, django_capture_on_commit_callbacks: Any
) -> None:
    choose_notices(bob, email=Why.values)
    with django_capture_on_commit_callbacks(execute=True):
        send_message(cast.hal, to=["bob"], kind="idle_notification", payload={})
    mail.flush()
    assert outbox.outbox == []


def test_a_failing_mail_server_is_logged_and_stops_nothing(
    cast: Cast, bob: User, settings: Any, caplog: pytest.LogCaptureFixture,
    django_capture_on_commit_callbacks: Any,
) -> None:  # fmt: skip
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    choose_notices(bob, email=Why.values)
    with django_capture_on_commit_callbacks(execute=True):
        message = send_message(cast.hal, to=["bob"], body="x")
    mail.flush()
    assert message.pk
    assert "did not take 1 e-mails" in caplog.text


def test_switches_are_per_way_and_keep_the_others(cast: Cast, bob: User) -> None:
    choose_notices(bob, email=["plan", "review"])
    switches = choose_notices(bob, browser=[]).notifications
    assert wanted(switches, Way.EMAIL) == {"plan", "review"}
    assert wanted(switches, Way.BROWSER) == frozenset()
    assert wanted({}, Way.EMAIL) == frozenset()
    assert "mention" in wanted(None, Way.BROWSER)


def test_without_a_mail_server_no_e_mail_is_written(
    cast: Cast, bob: User, settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    settings.EMAIL_HOST = ""
    choose_notices(bob, email=Why.values)
    with django_capture_on_commit_callbacks(execute=True):
        send_message(cast.hal, to=["bob"], body="x")
    mail.flush()
    assert outbox.outbox == []


@pytest.mark.parametrize(
    "ways", [{"pigeon": ["mention"]}, {"email": ["everything"]}, {"address": "nowhere"}]
)
def test_unknown_notices_are_refused(cast: Cast, bob: User, ways: Any) -> None:
    with pytest.raises(Invalid):
        choose_notices(bob, **ways)
    bob.refresh_from_db()
    assert bob.notifications == {}


def test_a_headline_is_the_subject_or_the_payload_or_the_text(cast: Cast) -> None:
    def said(**values: Any) -> str:
        return headline(send_message(cast.alice, to=["hal"], **values))

    assert said(subject="Start", body="x") == "Start"
    assert said(body="One\nline " + "long " * 50).startswith("One line long")
    assert said(kind="task_assignment", payload={"task_id": 3, "subject": "Parse"}) == (
        "Task assigned: #3 Parse"
    )
