"""Daphne as it is prepared: a process of its own, since it chooses an event loop for good."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import ROOT

pytestmark = pytest.mark.server

WATCHED = """
import asyncio, http.client, threading
from daphne import http_protocol
from daphne.server import Server, reactor
from teams_site import asgi

answers, kept = [], []

async def application(scope, receive, send):
    if scope["path"] == "/broken":
        raise ValueError("on purpose")
    if scope["path"] == "/held":
        await asyncio.sleep(0.2)
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})

def ask():
    client = http.client.HTTPConnection(*server.listening_addresses[0])
    for path in ("/a", "/b", "/held", "/c"):
        client.request("POST", path, "a=1", {"Content-Type": "application/x-www-form-urlencoded"})
        answers.append(client.getresponse().read().decode())
        done = threading.Event()
        reactor.callFromThread(
            lambda: reactor.callLater(0, lambda: (kept.append(len(server.connections)), done.set()))
        )
        done.wait(5)
    client.request("GET", "/broken")
    answers.append(client.getresponse().status)
    reactor.callFromThread(server.stop)

server = Server(
    application=application, endpoints=["tcp:port=0:interface=127.0.0.1"], signal_handlers=False,
    ready_callable=lambda: reactor.callLater(0, threading.Thread(target=ask).start),
)
server.run()
print(answers, kept, http_protocol.HTTPFactory(server).log(None))
"""


def test_a_request_is_let_go_of_once_it_is_answered_and_a_failed_one_is_told(
    tmp_path: Path,
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WATCHED],
        cwd=ROOT, env={**os.environ, "DATA_DIR": str(tmp_path)},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert "['ok', 'ok', 'ok', 'ok', 500] [0, 0, 0, 0] None" in done.stdout, done.stderr
    assert "ValueError: on purpose" in done.stderr
