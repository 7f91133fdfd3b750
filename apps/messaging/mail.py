"""E-mail in the background: a slow mail server delays nobody, a failing one is logged."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

from django.core import mail

log = logging.getLogger(__name__)
TIMEOUT_SECONDS = 20
_worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="mail")


class Letter(NamedTuple):
    """One e-mail to one person."""

    to: str
    subject: str
    text: str


def send(letters: Iterable[Letter]) -> Future[int]:
    """Hand `letters` to the mail server soon; the future says how many it took."""
    return _worker.submit(_send, list(letters))


def _send(letters: list[Letter]) -> int:
    messages = [mail.EmailMessage(one.subject, one.text, to=[one.to]) for one in letters]
    try:
        connection = mail.get_connection(timeout=TIMEOUT_SECONDS)
        return connection.send_messages(messages) or 0
    except Exception:  # whatever the site's backend raises: nobody else would hear of it
        log.exception("The mail server did not take %s e-mails.", len(letters))
        return 0


def flush() -> None:
    """Wait until everything handed over so far was sent."""
    _worker.submit(int).result()
