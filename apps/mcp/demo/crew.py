"""The process of the demonstration's agents: `python -m apps.mcp.demo.crew ADDRESS`.

It reads the tokens from its standard input, one line of JSON, and ends when that closes.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import random
import signal
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from apps.mcp.demo import story
from apps.mcp.demo.agents import Agent, Refused
from apps.mcp.demo.lead import Lead

PACE = (2.0, 6.0)
REST = 10.0
TIMEOUT = 30.0


def main() -> None:
    """Work until the server that started this goes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which then goes
    address = sys.argv[1]
    tokens: dict[str, str] = json.loads(sys.stdin.readline())
    threading.Thread(target=end_with_input, daemon=True).start()
    logging.disable(logging.CRITICAL)  # a server that restarts is no news
    asyncio.run(work(address, tokens))


def end_with_input() -> None:
    """Who started this is gone. Nothing is lost: all there is is on the server."""
    sys.stdin.read()
    os._exit(0)


async def work(address: str, tokens: dict[str, str]) -> None:
    """One shift after the other; a shift ends when the server cannot be reached."""
    while True:
        try:
            async with AsyncExitStack() as stack:
                await shift([agent async for agent in arrive(stack, address, tokens)])
        except Exception:  # noqa: S110 (whatever it was, the next shift comes)
            pass
        await asyncio.sleep(REST)


async def arrive(
    stack: AsyncExitStack, address: str, tokens: dict[str, str]
) -> AsyncIterator[Agent]:
    """Connect one agent after the other."""
    for seat in story.SEATS:
        if seat.name not in tokens:
            continue
        http = await stack.enter_async_context(
            httpx2.AsyncClient(
                base_url=address,
                headers={"Authorization": f"Bearer {tokens[seat.name]}"},
                timeout=TIMEOUT,
            )
        )
        transport = streamable_http_client(f"{address}/mcp", http_client=http)
        try:
            client = await stack.enter_async_context(Client(transport))
        except MCPError:  # its seat has ended, or its token: the others work on
            continue
        luck = random.Random()  # noqa: S311
        if seat.role == "leader":
            yield Lead(seat.name, client, luck, http)
        else:
            yield Agent(seat.name, client, luck)


async def shift(agents: list[Agent]) -> None:
    """Let somebody move every few seconds, as people would see it in a small team."""
    while agents:
        await asyncio.sleep(random.uniform(*PACE))  # noqa: S311
        if not await anybody_moves(agents):
            await asyncio.sleep(REST)


async def anybody_moves(agents: list[Agent]) -> bool:
    """The first of the agents, in any order, that finds something to do."""
    for agent in random.sample(agents, len(agents)):
        try:
            if await agent.turn():
                return True
        except Refused:  # the board has moved on meanwhile
            continue
    return False


if __name__ == "__main__":
    main()
