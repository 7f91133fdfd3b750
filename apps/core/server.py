"""What is set right in the server that carries us, beside what its options can say."""

from __future__ import annotations

import sys
from asyncio import Task
from functools import partial
from inspect import signature
from typing import Any

ASKS = "parsePOSTFormSubmission"


def prepare_daphne() -> None:
    """Where daphne carries us, spare it what nobody uses; to be called before it listens."""
    if protocol := sys.modules.get("daphne.http_protocol"):
        _leave_forms_to_django(protocol)
        _write_no_second_log(protocol)
    if server := sys.modules.get("daphne.server"):
        _let_go_of_answered_requests(server)


def _leave_forms_to_django(protocol: Any) -> None:
    """Have bodies handed on unread.

    Twisted parses each form and each upload on the event loop, where everybody waits for it, for a
    result that daphne never uses.
    """
    if ASKS in signature(protocol.http.Request.__init__).parameters:
        protocol.WebRequest = partial(protocol.WebRequest, **{ASKS: False})


def _write_no_second_log(protocol: Any) -> None:
    """Twisted words a line for each request that no file takes; daphne's own log stays."""
    protocol.HTTPFactory.log = lambda factory, request: None


def _let_go_of_answered_requests(server: Any) -> None:
    """Forget a request once it is answered.

    Daphne looks for them once a second. Until then each keeps its memory, so that the next takes
    cold one, and hundreds are let go of at once while everybody waits. Failed ones are left to it,
    and sockets, which it asks for twice.
    """
    create = server.Server.create_application

    def create_application(self: Any, protocol: Any, scope: Any) -> Any:
        queue = create(self, protocol, scope)
        task = self.connections.get(protocol, {}).get("application_instance")
        if task is not None and scope["type"] == "http":
            task.add_done_callback(partial(_forget, self.connections, protocol))
        return queue

    server.Server.create_application = create_application


def _forget(connections: dict[Any, dict[str, Any]], protocol: Any, task: Task[Any]) -> None:
    known = connections.get(protocol, {})
    if "disconnected" in known and not task.cancelled() and task.exception() is None:
        del connections[protocol]
