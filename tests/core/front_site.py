"""A small site for the tests of the front, and a client that speaks to it message by message."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import connection
from django.http import (
    FileResponse,
    HttpRequest,
    HttpResponse,
    HttpResponseNotModified,
    HttpResponseRedirect,
    JsonResponse,
    StreamingHttpResponse,
)
from django.urls import path, reverse

CROWD = threading.Lock()
seen: dict[str, Any] = {}


def echo(request: HttpRequest) -> JsonResponse:
    meta = {name: request.META[name] for name in ("REMOTE_ADDR", "SERVER_PORT", "SCRIPT_NAME")}
    return JsonResponse(
        {
            "method": request.method,
            "get": dict(request.GET.lists()),
            "post": dict(request.POST.lists()),
            "files": {name: (f.name, f.read().decode()) for name, f in request.FILES.items()},
            "cookies": request.COOKIES,
            "path": request.get_full_path(),
            "url": request.build_absolute_uri(),
            "reverse": reverse("echo"),
            "long": len(request.headers.get("X-Long", "")),
            "meta": meta,
        }
    )


def raw(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.body, content_type="application/octet-stream")


def size(request: HttpRequest) -> HttpResponse:
    upload = request.FILES.get("file")
    return HttpResponse(str(len(request.body) if upload is None else upload.size))


def cookies(request: HttpRequest) -> HttpResponse:
    response = HttpResponse("ok", headers={"X-Town": "Köln", "X-Sign": "→"})
    response.set_cookie("one", "1", httponly=True, samesite="Lax")
    response.set_cookie("two", "zwei", max_age=60)
    response.delete_cookie("three")
    return response


def headers(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok", headers={f"X-{n}": "v" * 500 for n in range(100)})


def goes(request: HttpRequest) -> HttpResponse:
    return HttpResponseRedirect(reverse("echo") + "?from=here")


def empty(request: HttpRequest) -> HttpResponse:
    return HttpResponse(status=204)


def same(request: HttpRequest) -> HttpResponse:
    return HttpResponseNotModified(headers={"ETag": '"1"'})


def stream(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(f"line {n}\n" if n % 7 else "" for n in range(50))


def file(request: HttpRequest) -> FileResponse:
    return FileResponse(Path(__file__).open("rb"), as_attachment=True, filename="façade.py")


def breaks(request: HttpRequest) -> HttpResponse:
    raise ZeroDivisionError


def exits(request: HttpRequest) -> HttpResponse:
    raise SystemExit(3)


async def waits(request: HttpRequest) -> HttpResponse:
    await asyncio.sleep(0)
    return HttpResponse("async")


def large(request: HttpRequest) -> HttpResponse:
    return HttpResponse(b"0123456789" * 30_000)


def crowd(request: HttpRequest) -> HttpResponse:
    with CROWD:
        seen["inside"] += 1
        seen["most"] = max(seen["most"], seen["inside"])
    time.sleep(0.06)
    with CROWD:
        seen["inside"] -= 1
        seen["threads"].add(threading.current_thread().name)
    return HttpResponse("ok")


def gate(request: HttpRequest) -> HttpResponse:
    seen["entered"].set()
    assert seen["gate"].wait(10)
    return HttpResponse("ok")


def counts(request: HttpRequest) -> HttpResponse:
    seen["count"] += 1
    return HttpResponse("ok")


class Chunks:
    """An endless body that tells which threads made it, how far it came and that it was closed."""

    def __init__(self) -> None:
        self.made = 0
        self.threads = {threading.current_thread().name}
        self.closed = threading.Event()

    def __iter__(self) -> Iterator[bytes]:
        while True:
            self.threads.add(threading.current_thread().name)
            self.made += 1
            yield b"x" * 1000

    def close(self) -> None:
        self.threads.add(threading.current_thread().name)
        self.closed.set()


def endless(request: HttpRequest) -> StreamingHttpResponse:
    seen["chunks"] = Chunks()
    return StreamingHttpResponse(seen["chunks"])


def failing_stream(request: HttpRequest) -> StreamingHttpResponse:
    def chunks() -> Iterator[bytes]:
        yield b"first"
        raise ZeroDivisionError

    return StreamingHttpResponse(chunks())


def large_file(request: HttpRequest) -> FileResponse:
    seen["file"] = Path(seen["path"]).open("rb")  # noqa: SIM115
    return FileResponse(seen["file"])


def row(request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    seen["connections"].append(connection.connection)
    return HttpResponse("ok")


urlpatterns = [
    path("echo/", echo, name="echo"),
    path("api/v1/raw", raw),
    path("raw", raw),
    path("size", size),
    path("cookies", cookies),
    path("headers", headers),
    path("goes", goes),
    path("empty", empty),
    path("same", same),
    path("stream", stream),
    path("file", file),
    path("breaks", breaks),
    path("exits", exits),
    path("waits", waits),
    path("large", large),
    path("crowd", crowd),
    path("gate", gate),
    path("counts", counts),
    path("endless", endless),
    path("failing-stream", failing_stream),
    path("large-file", large_file),
    path("row", row),
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.http.ConditionalGetMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
FORM = "application/x-www-form-urlencoded"
BOUNDARY = "multipart/form-data; boundary=edge"


def multipart(content: bytes) -> bytes:
    """A form with one file named `file`."""
    head = b'--edge\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n'
    return head + b"Content-Type: text/plain\r\n\r\n" + content + b"\r\n--edge--\r\n"


@dataclass
class Talk:
    """One request spoken by hand; `leave` is the client going away, `room` its pace of reading."""

    method: str = "GET"
    path: str = "/"
    headers: dict[str, str] = field(default_factory=dict)
    pieces: list[bytes] = field(default_factory=lambda: [b""])
    query: bytes = b""
    root_path: str = ""
    sent: list[dict[str, Any]] = field(default_factory=list)
    taken: int = 0
    leave: asyncio.Event = field(default_factory=asyncio.Event)
    room: asyncio.Semaphore | None = None

    def scope(self) -> dict[str, Any]:
        return {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": self.method,
            "scheme": "http",
            "path": self.path,
            "raw_path": self.path.encode(),
            "root_path": self.root_path,
            "query_string": self.query,
            "headers": [(k.lower().encode(), v.encode()) for k, v in self.headers.items()],
            "client": ("127.0.0.1", 4711),
            "server": ("testserver", 80),
        }

    async def receive(self) -> dict[str, Any]:
        if self.taken < len(self.pieces):
            self.taken += 1
            more = self.taken < len(self.pieces)
            return {"type": "http.request", "body": self.pieces[self.taken - 1], "more_body": more}
        await self.leave.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        if self.room and message["type"] == "http.response.body":
            await self.room.acquire()
        self.sent.append(message)

    async def to(self, app: Callable[..., Awaitable[None]]) -> Talk:
        """Have `app` answer, within ten seconds."""
        async with asyncio.timeout(10):
            await app(self.scope(), self.receive, self.send)
        return self

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    @property
    def answer_headers(self) -> list[tuple[bytes, bytes]]:
        return [(name.lower(), value) for name, value in self.sent[0]["headers"]]

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent[1:])


async def until(condition: Callable[[], bool]) -> None:
    """Wait for `condition`, within ten seconds."""
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)
