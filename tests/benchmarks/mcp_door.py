"""Agents at the MCP door: calls that write, many agents at once, and many who wait.

    python tests/benchmarks/mcp_door.py [SECONDS] [WAITING]

Prints, for both generations of the protocol, a call that does nothing (`ping`), one that reads and
one that writes: how long each takes alone and with 50 agents at once, how many a second, and what
the server spends on each; then what waiting agents cost, and how soon one message wakes them all.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.benchmarks import harness
from tests.benchmarks.harness import Client, Server, cpu_seconds, hammer, percentile, report, rss_mb

AGENTS, WOKEN = 50, 200
SEED = """
from apps.teams.actions import add_member, create_team, create_token, transition_team
from apps.teams.models import User
from apps.tasks.actions import claim_task, create_task
team = create_team(
    User.objects.create_user("bench"), "bench", require_plan_approval=False, max_members=1000
)
lead = team.members.get(name="bench")
transition_team(lead, "active")
for number in range(1, {agents} + 1):
    agent = add_member(lead, f"agent-{{number}}")
    if number <= {working}:
        create_task(lead, f"Card {{number}}")
        claim_task(agent, number)
    print(create_token(lead, agent.name)[1])
print(create_token(lead, "bench")[1])
"""
OLD, NEW = "2025-11-25", "2026-07-28"
META = {
    "io.modelcontextprotocol/protocolVersion": NEW,
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "benchmark", "version": "1"},
}
Build = Callable[[Client, int], bytes]


def request(client: Client, token: str, version: str, method: str, params: dict[str, Any]) -> bytes:
    """The bytes of one call."""
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": version,
    }
    if version == NEW:
        params = {**params, "_meta": META}
        headers["Mcp-Method"] = method
        if "name" in params:
            headers["Mcp-Name"] = params["name"]
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return client.request("/mcp", "POST", headers=lines, body=body)


def calls(tokens: list[str], version: str, what: str) -> Build:
    """Each connection is an agent of its own, at its own task."""
    agents: dict[int, int] = {}

    def build(client: Client, number: int) -> bytes:
        agent = agents.setdefault(id(client), len(agents))
        tool = {
            "ping": None,
            "read": ("get_task", {"number": agent + 1}),
            "write": ("comment", {"number": agent + 1, "body": f"Half of it is done, {number}."}),
        }[what]
        if tool is None:
            return request(client, tokens[agent], OLD, "ping", {})
        params = {"name": tool[0], "arguments": tool[1]}
        return request(client, tokens[agent], version, "tools/call", params)

    return build


async def measure(
    server: Server, tokens: list[str], version: str, what: str, agents: int, seconds: float
) -> dict[str, Any]:
    """One row of the table."""
    before = cpu_seconds(server.pid)
    load = await hammer(server.url, calls(tokens, version, what), clients=agents, seconds=seconds)
    spent = cpu_seconds(server.pid) - before
    return {
        "": f"{what}, {'new' if version == NEW else 'old'} protocol",
        "agents": agents,
        "calls/s": load.per_second,
        "p50 ms": load.ms(50),
        "p95 ms": load.ms(95),
        "refused": load.refused,
        "server ms/call": spent * 1000 / max(1, len(load.latencies)),
    }


async def wait_together(server: Server, tokens: list[str]) -> dict[str, Any]:
    """Every agent waits for its inbox; then each in turn gets a message, which ends its wait."""
    *agents, lead_token = tokens
    lead = await Client.connect(server.url)
    memory, threads = rss_mb(server.pid), thread_count(server.pid)
    crowd = [await Client.connect(server.url) for _ in agents]
    wait = {"name": "check_inbox", "arguments": {"wait": 60}}
    waits = []
    for client, token in zip(crowd, agents, strict=True):
        waits.append(asyncio.create_task(
            client.ask(request(client, token, OLD, "tools/call", wait))
        ))  # fmt: skip
        await asyncio.sleep(0.01)
    await asyncio.sleep(1)
    held, cpu = rss_mb(server.pid) - memory, cpu_seconds(server.pid)
    await asyncio.sleep(3)
    idle = (cpu_seconds(server.pid) - cpu) / 3
    took = []
    for number, waiting in list(enumerate(waits, start=1))[:WOKEN]:
        letter = {"to": f"agent-{number}", "body": "Stop."}
        send = {"name": "send_message", "arguments": letter}
        start = time.perf_counter()
        sent = lead.ask(request(lead, lead_token, OLD, "tools/call", send))
        answer, _ = await asyncio.gather(waiting, sent)
        assert b"Stop." in answer.body
        took.append((time.perf_counter() - start) * 1000)
    for task in waits:
        task.cancel()
    for client in (*crowd, lead):
        client.close()
    return {
        "waiting": len(agents),
        "send to answer p50 ms": percentile(took, 50),
        "p99 ms": percentile(took, 99),
        "MB in all": held,
        "more threads": thread_count(server.pid) - threads,
        "CPU while waiting %": idle * 100,
    }


def thread_count(pid: int) -> int:
    """How many threads a process has."""
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


async def main(seconds: float, waiting: int) -> None:
    with harness.start_server({"API_RATE": "100000"}) as server:
        said = harness.manage(
            server.env,
            "shell",
            "--verbosity",
            "0",
            "-c",
            SEED.format(agents=max(AGENTS, waiting), working=AGENTS),
        )
        tokens = [line for line in said.split() if line.startswith("at_")]
        await measure(server, tokens, OLD, "read", 1, 1)
        rows = [
            await measure(server, tokens, OLD, "ping", agents, seconds) for agents in (1, AGENTS)
        ]
        for what in ("read", "write"):
            for version in (OLD, NEW):
                for agents in (1, AGENTS):
                    rows.append(await measure(server, tokens, version, what, agents, seconds))
        report(f"Tool calls on SQLite, {seconds:.0f} s each", rows)
        report("Agents that wait", [await wait_together(server, tokens)])
        if "Traceback" in server.log:
            print(server.log[-2000:])


if __name__ == "__main__":
    arguments = [float(word) for word in sys.argv[1:]]
    asyncio.run(
        main(arguments[0] if arguments else 5.0, int(arguments[1]) if arguments[1:] else 500)
    )
