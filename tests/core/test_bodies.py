"""What is refused for its size, when, and in which words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from apps.core import bodies
from apps.core.front import Front
from tests.benchmarks import harness
from tests.core.front_site import BOUNDARY, Talk, multipart


def header(talk: Talk, name: bytes) -> bytes:
    return dict(talk.answer_headers)[name]


async def test_a_declared_size_over_the_limit_is_refused_before_anything_is_read(
    front: Front, settings: Any
) -> None:
    talk = Talk("POST", "/size", {"Content-Length": str(settings.MAX_BODY_BYTES + 1)}, [b"x", b""])
    read_before_answer: list[int] = []

    async def send(message: dict[str, Any]) -> None:
        read_before_answer.append(talk.taken)
        talk.sent.append(message)

    await front(talk.scope(), talk.receive, send)
    assert talk.status == 413
    assert read_before_answer == [0, 0, 2]  # headers and page first, then what still came
    assert header(talk, b"content-length") == str(len(talk.body)).encode()
    assert header(talk, b"content-security-policy") == settings.CONTENT_SECURITY_POLICY.encode()
    assert header(talk, b"content-type").startswith(b"text/html")
    assert b"A file may have up to 20 MB" in talk.body


@pytest.mark.parametrize(
    ("path", "root_path"), [("/api/v1/raw", ""), ("/mcp", ""), ("/below/api/v1/raw", "/below")]
)
async def test_programs_get_the_refusal_as_json(
    front: Front, settings: Any, path: str, root_path: str
) -> None:
    talk = await Talk("POST", path, {"Content-Length": "99999999"}, [b""], root_path=root_path).to(
        front
    )
    assert talk.status == 413
    assert header(talk, b"content-type") == b"application/json"
    assert header(talk, b"content-security-policy") == settings.CONTENT_SECURITY_POLICY.encode()
    error = json.loads(talk.body)["error"]
    assert error["code"] == "too_large"
    assert "20 MB" in error["message"]
    assert "multipart/form-data" in error["hint"]


async def test_a_body_without_a_size_is_refused_once_it_passes_the_limit(front: Front) -> None:
    talk = await Talk("POST", "/size", {}, [b"x" * 300_000] * 6).to(front)
    assert talk.status == 413
    assert talk.taken == 6, "the rest is taken, so that the client comes to read the answer"


async def test_the_limit_itself_is_served(front: Front, settings: Any) -> None:
    headers = {"Host": "testserver"}
    body = b"x" * settings.MAX_BODY_BYTES
    assert (await Talk("POST", "/size", headers, [body]).to(front)).body == b"1048576"
    assert (await Talk("POST", "/size", headers, [body, b"x"]).to(front)).status == 413


async def test_an_upload_has_a_limit_of_its_own(front: Front, settings: Any) -> None:
    settings.MAX_UPLOAD_MB = 3
    for megabytes, expected in ((3, 200), (4, 413)):
        body = multipart(b"x" * megabytes * bodies.MIB)
        pieces = [body[at : at + 65536] for at in range(0, len(body), 65536)]
        headers = {"Host": "testserver", "Content-Type": BOUNDARY}
        sized = {**headers, "Content-Length": str(len(body))}
        assert (await Talk("POST", "/size", sized, pieces).to(front)).status == expected
        chunked = {**headers, "Transfer-Encoding": "chunked"}
        assert (await Talk("POST", "/size", chunked, pieces).to(front)).status == expected


async def test_an_upload_of_undeclared_size_arrives(front: Front) -> None:
    headers = {"Host": "testserver", "Content-Type": BOUNDARY, "Transfer-Encoding": "chunked"}
    talk = await Talk("POST", "/echo/", headers, [multipart(b"hello"), b""]).to(front)
    assert json.loads(talk.body)["files"] == {"file": ["a.txt", "hello"]}


async def test_reading_on_after_a_refusal_has_an_end(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "DRAIN_BYTES", 5000)
    talk = await Talk("POST", "/size", {"Content-Length": "99999999"}, [b"x" * 1000] * 99).to(front)
    assert talk.status == 413
    assert talk.taken == 6
    monkeypatch.setattr(bodies, "DRAIN_SECONDS", 0.05)
    talk = Talk("POST", "/size", {"Content-Length": "99999999"}, [])  # sends nothing, stays
    assert (await talk.to(front)).status == 413


async def test_a_client_that_leaves_while_it_is_refused_is_left_alone(front: Front) -> None:
    talk = Talk("POST", "/size", {"Content-Length": "99999999"}, [])
    talk.leave.set()
    await talk.to(front)
    assert talk.status == 413


@pytest.mark.server
@pytest.mark.parametrize("server", ["daphne", "uvicorn"])
def test_a_real_client_reads_the_refusal_of_30_mb(server: str) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(30):
            yield b"x" * bodies.MIB

    with harness.start_server(
        {"REQUEST_PATH": "front"},
        server=server,
        application="tests.benchmarks.request_path:application",
    ) as running:
        for content in (b"x" * 30 * bodies.MIB, pieces()):  # of declared size, and chunked
            with httpx.Client(base_url=running.url, timeout=30, trust_env=False) as client:
                answer = client.post("/api/v1/anything", content=content)
                assert answer.status_code == 413
                assert answer.json()["error"]["code"] == "too_large"
                assert client.get("/nothing").text == "ok"
        assert "Traceback" not in running.log
