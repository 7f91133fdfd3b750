"""What the benchmarks share: a server of its own, a thrifty HTTP client, numbers and a table.

Client and server run on the same machine, often on two cores, so the client is a bare asyncio
protocol: about a tenth of what the server spends on a request.
"""

from __future__ import annotations

import asyncio
import math
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 30


@dataclass(frozen=True)
class Server:
    """A running server process, its address and its data."""

    url: str
    pid: int
    data_dir: Path
    env: dict[str, str]

    @property
    def log(self) -> str:
        """What the process has written so far."""
        return (self.data_dir / f"{urlsplit(self.url).port}.log").read_text()


def free_port() -> int:
    """A TCP port of the loopback that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def manage(env: Mapping[str, str], *arguments: str) -> str:
    """Run a management command with `env`; its output, or an error that carries it."""
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT, env={**os.environ, **env}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"manage.py {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


@contextmanager
def start_server(
    env: Mapping[str, str] | None = None,
    *,
    server: str = "daphne",
    application: str = "teams_site.asgi:application",
    data_dir: Path | None = None,
    port: int | None = None,
) -> Iterator[Server]:
    """A migrated server that answers, on loopback; in a new DATA_DIR unless one is given."""
    with tempfile.TemporaryDirectory(prefix="bench-") as fresh:
        home = data_dir or Path(fresh)
        full = {"DATA_DIR": str(home), **(env or {})}
        manage(full, "migrate", "--verbosity", "0")
        at = port or free_port()
        options = {
            "daphne": ["-b", "127.0.0.1", "-p", str(at), "-v", "0"],
            "uvicorn": ["--host", "127.0.0.1", "--port", str(at), "--no-access-log"],
        }[server]
        with (home / f"{at}.log").open("w") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", server, *options, application],
                cwd=ROOT, env={**os.environ, **full}, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        running = Server(f"http://127.0.0.1:{at}", process.pid, home, full)
        try:
            wait_until_it_listens(running, process)
            yield running
        finally:
            stop(process)


def wait_until_it_listens(server: Server, process: subprocess.Popen[bytes]) -> None:
    """Return once the port takes connections; fail with the log if it never does."""
    address = urlsplit(server.url)
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex((address.hostname, address.port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"The server did not start:\n{server.log}")


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process politely, then firmly."""
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def rss_mb(pid: int) -> float:
    """Resident memory of a process in MB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def cpu_seconds(pid: int) -> float:
    """CPU time a process has used, its threads included."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def machine_seconds() -> float:
    """CPU time of this machine that was used, or taken by its host, since it started."""
    first = Path("/proc/stat").read_text().partition("\n")[0]
    user, nice, system, _idle, _iowait, *more = (int(value) for value in first.split()[1:9])
    return (user + nice + system + sum(more)) / os.sysconf("SC_CLK_TCK")


@dataclass
class Usage:
    """Cores used over a block: by the server, by this process, and by everybody else."""

    server: float = 0.0
    client: float = 0.0
    others: float = 0.0


@contextmanager
def usage(pid: int) -> Iterator[Usage]:
    """Filled in when the block ends; `others` tells whether its numbers can be compared."""
    result = Usage()
    start, client = time.monotonic(), time.process_time()
    server, machine = cpu_seconds(pid), machine_seconds()
    yield result
    wall = time.monotonic() - start
    result.server = (cpu_seconds(pid) - server) / wall
    result.client = (time.process_time() - client) / wall
    busy = (machine_seconds() - machine) / wall
    result.others = max(0.0, busy - result.server - result.client)


def percentile(values: Sequence[float], p: float) -> float:
    """The smallest value that at least `p` percent of `values` do not exceed; NaN if none."""
    if not values:
        return math.nan
    return sorted(values)[max(0, math.ceil(len(values) * p / 100) - 1)]


def report(title: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Print `rows` as an aligned table under `title`; floats with one decimal."""
    texts = [{key: shown(value) for key, value in row.items()} for row in rows]
    columns = list(dict.fromkeys(key for row in texts for key in row))
    width = {key: max(len(key), *(len(row.get(key, "")) for row in texts)) for key in columns}
    print(f"\n{title}")
    for line in ({key: key for key in columns}, *texts):
        first, *others = columns
        cells = [line.get(first, "").ljust(width[first])]
        print("  " + "  ".join(cells + [line.get(key, "").rjust(width[key]) for key in others]))


def shown(value: object) -> str:
    """A number as people read it."""
    if isinstance(value, float):
        return f"{value:,.1f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


@dataclass
class Answer:
    """A response: status, headers by lower-case name (the last of a name wins), body."""

    status: int
    headers: dict[str, str]
    body: bytes


class Client(asyncio.Protocol):
    """One keep-alive HTTP/1.1 connection; one request at a time."""

    def __init__(self, host: str) -> None:
        self.host = host
        self.buffer = b""
        self.answer: asyncio.Future[Answer] | None = None
        self.transport: asyncio.Transport | None = None

    @classmethod
    async def connect(cls, url: str) -> Client:
        """A connection to the server at `url`."""
        address = urlsplit(url)
        _, client = await asyncio.get_running_loop().create_connection(
            lambda: cls(address.netloc), address.hostname or "", address.port or 80
        )
        return client

    def request(
        self, path: str, method: str = "GET", *, headers: str = "", body: bytes = b""
    ) -> bytes:
        """The bytes of a request; `headers` are whole lines, each ended by CRLF."""
        size = f"Content-Length: {len(body)}\r\n" if body or method != "GET" else ""
        head = f"{method} {path} HTTP/1.1\r\nHost: {self.host}\r\n{headers}{size}\r\n"
        return head.encode() + body

    async def ask(self, request: bytes) -> Answer:
        """Send a request and await its answer."""
        if self.transport is None or self.transport.is_closing():
            raise ConnectionError("The server closed the connection.")
        self.answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await self.answer

    async def get(self, path: str, *, headers: str = "") -> Answer:
        """GET `path`."""
        return await self.ask(self.request(path, headers=headers))

    async def post(self, path: str, body: bytes, *, headers: str = "") -> Answer:
        """POST `body` to `path`."""
        return await self.ask(self.request(path, "POST", headers=headers, body=body))

    def close(self) -> None:
        """Close the connection."""
        if self.transport:
            self.transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Asyncio calls this."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        """Asyncio calls this."""
        if self.answer and not self.answer.done():
            self.answer.set_exception(error or ConnectionError("The server hung up."))

    def data_received(self, data: bytes) -> None:
        """Asyncio calls this."""
        self.buffer += data
        parsed = parse(self.buffer)
        if parsed and self.answer and not self.answer.done():
            answer, used = parsed
            self.buffer = self.buffer[used:]
            self.answer.set_result(answer)


def parse(data: bytes) -> tuple[Answer, int] | None:
    """The response at the start of `data` and its length; None while it is not whole."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    status, *lines = data[:end].decode("latin-1").split("\r\n")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    code = int(status.split(" ", 2)[1])
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body, used = parse_chunks(data, end + 4)
    else:
        used = end + 4 + (0 if code in (204, 304) else int(headers.get("content-length", 0)))
        body = data[end + 4 : used]
    if used < 0 or used > len(data):
        return None
    return Answer(code, headers, body), used


def parse_chunks(data: bytes, at: int) -> tuple[bytes, int]:
    """A chunked body and where it ends; -1 while it is not whole."""
    chunks = []
    while (line := data.find(b"\r\n", at)) >= 0:
        size = int(data[at:line], 16)
        chunks.append(data[line + 2 : line + 2 + size])
        at = line + 4 + size
        if size == 0:
            return b"".join(chunks), at if at <= len(data) else -1
    return b"", -1


@dataclass
class Load:
    """What came of a time of load: seconds each request took, and the answers that were wrong."""

    seconds: float
    latencies: list[float] = field(default_factory=list)
    refused: int = 0

    def __add__(self, more: Load) -> Load:
        """Both times together."""
        return Load(
            self.seconds + more.seconds,
            self.latencies + more.latencies,
            self.refused + more.refused,
        )

    @property
    def per_second(self) -> float:
        """Requests answered as expected, per second."""
        return len(self.latencies) / self.seconds

    def ms(self, p: float) -> float:
        """A percentile of the latencies in milliseconds."""
        return percentile(self.latencies, p) * 1000


async def hammer(
    url: str,
    request: Callable[[Client, int], bytes],
    *,
    clients: int = 16,
    seconds: float = 2.0,
    status: int = 200,
    body: bytes | None = None,
) -> Load:
    """Let each of `clients` connections send `request(client, number)` after request.

    An answer of another `status`, or of another `body` if one is given, counts as refused.
    """
    load = Load(seconds)
    crowd = [await Client.connect(url) for _ in range(clients)]
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds

    async def work(client: Client) -> None:
        number = 0
        while (start := loop.time()) < end:
            answer = await client.ask(request(client, number))
            number += 1
            if answer.status != status or (body is not None and answer.body != body):
                load.refused += 1
                continue
            load.latencies.append(loop.time() - start)

    try:
        await asyncio.gather(*(work(client) for client in crowd))
    finally:
        for client in crowd:
            client.close()
    return load
