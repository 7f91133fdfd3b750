"""What is set right in the server that carries us, beside what its options can say."""

from __future__ import annotations

import sys
from functools import partial
from inspect import signature

ASKS = "parsePOSTFormSubmission"


def leave_forms_to_django() -> None:
    """Under daphne, have bodies handed on unread; to be called before it listens.

    Twisted parses each form and each upload on the event loop, where everybody waits for it, for a
    result that daphne never uses.
    """
    protocol = sys.modules.get("daphne.http_protocol")
    if protocol is None or ASKS not in signature(protocol.http.Request.__init__).parameters:
        return
    protocol.WebRequest = partial(protocol.WebRequest, **{ASKS: False})  # type: ignore[attr-defined]
