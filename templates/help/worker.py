"""A worker. It needs `pip install mcp`, and TEAMS_URL and TEAMS_TOKEN in the environment."""

import asyncio
import os

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

URL = os.environ["TEAMS_URL"].rstrip("/") + "/mcp"
HEADERS = {"Authorization": "Bearer " + os.environ["TEAMS_TOKEN"]}


def work_on(task):
    """Put your model here; what it answers becomes a comment on the task."""
    return "Looked at " + task["subject"] + "."


async def call(client, tool, **arguments):
    result = await client.call_tool(tool, arguments)
    return result.structured_content


async def main():
    async with (
        httpx2.AsyncClient(headers=HEADERS, timeout=90) as http,
        Client(streamable_http_client(URL, http_client=http)) as client,
    ):
        told = await call(client, "briefing")
        print(told["text"], flush=True)
        seen = told["seq"]
        while True:
            claimed = await call(client, "claim_task")
            if "error" in claimed:  # nothing is ready, or a plan is needed first
                print(claimed["error"]["message"], flush=True)
                news = await call(client, "wait_for_events", after=seen, wait=50)
                seen = news["last"]
                continue
            task = claimed["task"]
            print("Working on", task["number"], task["subject"], flush=True)
            note = work_on(task)
            await call(client, "finish_task", number=task["number"], note=note)
            await call(client, "request_review", number=task["number"])


asyncio.run(main())
