"""The front beside Django's own ASGI handler, and what it promises beyond it."""

from __future__ import annotations

import asyncio
import gc
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.handlers.asgi import ASGIHandler
from django.core.signals import request_finished, request_started
from django.db import connection

from apps.core import front as front_module
from apps.core.front import Front, shared
from tests.core.front_site import BOUNDARY, FORM, Talk, multipart, seen, until

# --- the same answers as Django's own handler -----------------------------------------------

SAME: dict[str, dict[str, Any]] = {  # what is asked, and the status if it is not 200
    "get": {"path": "/echo/", "query": b"a=1&a=2&b=%C3%BC"},
    "head": {"method": "HEAD", "path": "/echo/"},
    "post form": {
        "method": "POST",
        "path": "/echo/",
        "headers": {"Content-Type": FORM, "Content-Length": "11"},
        "pieces": [b"a=1&", b"b=%20", b"c2"],
    },
    "upload": {
        "method": "POST",
        "path": "/echo/",
        "headers": {"Content-Type": BOUNDARY, "Content-Length": str(len(multipart(b"hello")))},
        "pieces": [multipart(b"hello")],
    },
    "large body": {"method": "PUT", "path": "/raw", "pieces": [b"y" * 100_000] * 8},
    "chunked body": {
        "method": "POST",
        "path": "/raw",
        "headers": {"Transfer-Encoding": "chunked"},
        "pieces": [b"one", b"", b"two", b""],
    },
    "delete": {"method": "DELETE", "path": "/raw"},
    "cookies": {"path": "/cookies"},
    "cookies sent": {"path": "/echo/", "headers": {"Cookie": "a=b; c=d"}},
    "many headers": {"path": "/headers"},
    "long header": {"path": "/echo/", "headers": {"X-Long": "z" * 60_000}},
    "underscore header": {"path": "/echo/", "headers": {"X_Long": "spoof"}},
    "redirect": {"status": 302, "path": "/goes"},
    "slash appended": {"status": 301, "path": "/echo"},
    "no content": {"status": 204, "path": "/empty"},
    "not modified": {"status": 304, "path": "/same"},
    "stream": {"path": "/stream"},
    "file": {"path": "/file"},
    "head of file": {"method": "HEAD", "path": "/file"},
    "head of stream": {"method": "HEAD", "path": "/stream"},
    "not found": {"status": 404, "path": "/nowhere"},
    "error": {"status": 500, "path": "/breaks"},
    "async view": {"path": "/waits"},
    "large answer": {"path": "/large"},
    "bad host": {"status": 400, "path": "/echo/", "headers": {"Host": "evil.example"}},
    "bad query": {"status": 400, "path": "/echo/", "query": b"\xff"},
    "root path": {"path": "/below/echo/", "root_path": "/below"},
    "root path redirect": {"status": 302, "path": "/below/goes", "root_path": "/below"},
}


@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume synchronous iterators")
@pytest.mark.parametrize("name", SAME)
async def test_answers_like_djangos_own_handler(front: Front, name: str) -> None:
    request = {**SAME[name], "headers": {"Host": "testserver", **SAME[name].get("headers", {})}}
    status = request.pop("status", 200)
    plain = await Talk(**request).to(ASGIHandler())
    ours = await Talk(**request).to(front)
    assert ours.status == plain.status == status
    assert ours.answer_headers == plain.answer_headers
    assert ours.body == (b"" if request.get("method") == "HEAD" else plain.body)
    assert ours.sent[-1].get("more_body", False) is False


async def test_only_http_is_served(front: Front) -> None:
    with pytest.raises(ValueError, match="websocket"):
        await front({"type": "websocket"}, Talk().receive, Talk().send)


# --- clients that leave ---------------------------------------------------------------------


async def test_a_client_that_leaves_while_sending_is_not_served(front: Front) -> None:
    talk = Talk("POST", "/counts", {"Host": "testserver"}, [])
    talk.leave.set()
    await talk.to(front)
    assert talk.sent == []
    assert seen["count"] == 0


async def test_a_request_is_skipped_if_its_client_leaves_the_queue(
    make_front: Callable[[int], Front],
) -> None:
    front = make_front(1)
    first = asyncio.create_task(Talk(path="/gate", headers={"Host": "testserver"}).to(front))
    await until(seen["entered"].is_set)
    queued = Talk("POST", "/counts", {"Host": "testserver"}, [b"x" * 600_000])
    second = asyncio.create_task(queued.to(front))
    third = asyncio.create_task(Talk(path="/counts", headers={"Host": "testserver"}).to(front))
    await asyncio.sleep(0.05)
    queued.leave.set()
    await second
    seen["gate"].set()
    assert (await first).status == (await third).status == 200
    assert queued.sent == []
    assert seen["count"] == 1


async def test_a_stream_ends_and_is_closed_when_the_client_leaves(front: Front) -> None:
    talk = Talk(path="/endless", headers={"Host": "testserver"})
    task = asyncio.create_task(talk.to(front))
    await until(lambda: len(talk.sent) > 5)
    talk.leave.set()
    await task
    await until(seen["chunks"].closed.is_set)


async def test_a_stream_is_closed_when_the_server_cancels_the_request(front: Front) -> None:
    talk = Talk(path="/endless", headers={"Host": "testserver"}, room=asyncio.Semaphore(3))
    task = asyncio.create_task(talk.to(front))
    await until(lambda: len(talk.sent) == 4)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(seen["chunks"].closed.is_set)


async def test_a_stream_nobody_waits_for_any_more_is_closed(
    make_front: Callable[[int], Front], settings: Any
) -> None:
    front = make_front(1)
    first = asyncio.create_task(Talk(path="/gate", headers={"Host": "testserver"}).to(front))
    await until(seen["entered"].is_set)
    settings.MIDDLEWARE = []
    stream = asyncio.create_task(Talk(path="/endless", headers={"Host": "testserver"}).to(front))
    await asyncio.sleep(0.02)

    def cancel_late(sender: object, **kwargs: object) -> None:
        stream.get_loop().call_soon_threadsafe(stream.cancel)
        time.sleep(0.05)  # so that the request is cancelled while its view runs

    request_started.connect(cancel_late)
    try:
        seen["gate"].set()
        await first
        with pytest.raises(asyncio.CancelledError):
            await stream
    finally:
        request_started.disconnect(cancel_late)
    await until(lambda: "chunks" in seen and seen["chunks"].closed.is_set())
    assert (await Talk(path="/counts", headers={"Host": "testserver"}).to(front)).status == 200


# --- streams --------------------------------------------------------------------------------


async def test_no_chunk_is_made_before_the_last_one_was_taken(front: Front) -> None:
    room = asyncio.Semaphore(3)
    talk = Talk(path="/endless", headers={"Host": "testserver"}, room=room)
    task = asyncio.create_task(talk.to(front))
    await until(lambda: len(talk.sent) == 4)
    await asyncio.sleep(0.05)
    assert seen["chunks"].made == 4
    for _ in range(10):
        room.release()
    await until(lambda: seen["chunks"].made == 14)
    await asyncio.sleep(0.05)
    assert seen["chunks"].made == 14
    talk.leave.set()
    room.release()
    await task


async def test_a_generator_stays_in_the_thread_of_its_view(front: Front) -> None:
    talk = Talk(path="/endless", headers={"Host": "testserver"})
    task = asyncio.create_task(talk.to(front))
    for _ in range(5):
        others = [Talk(path="/counts", headers={"Host": "testserver"}).to(front) for _ in range(4)]
        await asyncio.gather(*others)
    talk.leave.set()
    await task
    await until(seen["chunks"].closed.is_set)
    assert len(seen["chunks"].threads) == 1


async def test_a_slow_download_of_a_file_holds_no_thread(
    make_front: Callable[[int], Front], tmp_path: Path
) -> None:
    front = make_front(1)
    seen["path"] = tmp_path / "large"
    seen["path"].write_bytes(b"0123456789abcdef" * 20_000)
    room = asyncio.Semaphore(2)
    slow = Talk(path="/large-file", headers={"Host": "testserver"}, room=room)
    task = asyncio.create_task(slow.to(front))
    await until(lambda: len(slow.sent) == 3)
    assert (await Talk(path="/counts", headers={"Host": "testserver"}).to(front)).status == 200
    for _ in range(10):
        room.release()
    await task
    assert slow.body == seen["path"].read_bytes()
    await until(lambda: bool(seen["file"].closed))


async def test_a_client_that_takes_nothing_is_given_up(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(front_module, "STALL_SECONDS", 0.05)
    talk = Talk(path="/endless", headers={"Host": "testserver"}, room=asyncio.Semaphore(2))
    with pytest.raises(TimeoutError):
        await talk.to(front)
    await until(seen["chunks"].closed.is_set)


async def test_a_failing_stream_is_cut_off_and_the_thread_lives(
    make_front: Callable[[int], Front],
) -> None:
    front = make_front(1)
    talk = Talk(path="/failing-stream", headers={"Host": "testserver"})
    with pytest.raises(ZeroDivisionError):
        await talk.to(front)
    assert talk.body == b"first"
    assert all(message.get("more_body", True) for message in talk.sent)
    assert (await Talk(path="/counts", headers={"Host": "testserver"}).to(front)).status == 200


# --- threads --------------------------------------------------------------------------------


async def test_many_requests_share_few_threads(make_front: Callable[[int], Front]) -> None:
    front = make_front(3)
    requests = [Talk(path="/crowd", headers={"Host": "testserver"}).to(front) for _ in range(20)]
    assert {talk.status for talk in await asyncio.gather(*requests)} == {200}
    assert seen["most"] == 3
    assert len(seen["threads"]) == 3


async def test_not_even_an_exit_ends_a_thread(make_front: Callable[[int], Front]) -> None:
    front = make_front(1)
    with pytest.raises(RuntimeError, match="SystemExit"):
        await Talk(path="/exits", headers={"Host": "testserver"}).to(front)
    assert (await Talk(path="/breaks", headers={"Host": "testserver"}).to(front)).status == 500
    assert (await Talk(path="/counts", headers={"Host": "testserver"}).to(front)).status == 200


@pytest.mark.parametrize("path", ["/raw", "/stream", "/file", "/breaks", "/nowhere"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_every_request_is_started_and_finished_once(
    make_front: Callable[[int], Front], path: str, method: str
) -> None:
    marks: list[str] = []

    def started(sender: object, **kwargs: object) -> None:
        marks.append("started")

    def finished(sender: object, **kwargs: object) -> None:
        assert sender is Front
        marks.append("finished")

    request_started.connect(started)
    request_finished.connect(finished)
    try:
        front = make_front(1)
        await Talk(method, path, {"Host": "testserver"}).to(front)
        await until(lambda: len(marks) == 2)
    finally:
        request_started.disconnect(started)
        request_finished.disconnect(finished)
    assert marks == ["started", "finished"]


@pytest.mark.parametrize("path", ["/echo/", "/raw", "/goes"])
async def test_an_answered_request_is_freed_at_once(
    make_front: Callable[[int], Front], path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    front, kept = make_front(1), []
    create = front.create_request

    def refers_to_itself(scope: Any, body: Any) -> Any:
        request, refusal = create(scope, body)
        request.me = request
        kept.append(weakref.ref(request))
        return request, refusal

    monkeypatch.setattr(front, "create_request", refers_to_itself)
    gc.disable()
    try:
        await Talk(path=path, headers={"Host": "testserver"}).to(front)
        await until(lambda: kept[0]() is None)
    finally:
        gc.enable()


@pytest.mark.django_db(transaction=True)
async def test_a_thread_keeps_its_database_connection(make_front: Callable[[int], Front]) -> None:
    front = make_front(1)
    for _ in range(3):
        assert (await Talk(path="/row", headers={"Host": "testserver"}).to(front)).status == 200

    def here() -> Any:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return connection.connection

    seen["connections"].append(await front.run(here))
    assert len({id(held) for held in seen["connections"]}) == 1


async def test_the_shared_front_is_one(site: None) -> None:
    try:
        assert shared() is shared()
        assert len(shared().pool.threads) == 8
    finally:
        shared().pool.close()
        shared.cache_clear()
