"""An agent of the demonstration: one thing at a time, chosen from what its tools tell it."""

from __future__ import annotations

import json
import random
import re
import time
from collections import Counter
from typing import Any

from mcp import Client

from apps.mcp.demo import story

Data = dict[str, Any]
SHOWN = 100
# What the site says is next: answer a shutdown, or, after that, stop until a new run.
ASKED = re.compile(r'send_message\(kind="shutdown_approved", reply_to=(\d+)')
STOPPED = "begin_run("
AWAY_SECONDS = 180.0


class Refused(Exception):
    """A tool said no; `code` says why."""

    def __init__(self, error: Data) -> None:
        super().__init__(error["message"])
        self.code = str(error["code"])


class Board:
    """The team's tasks as an agent saw them a moment ago."""

    def __init__(self, tasks: list[Data]) -> None:
        self.tasks = tasks

    def of(self, column: str, **values: Any) -> list[Data]:
        """The tasks of a column that have these values."""
        return [
            task
            for task in self.tasks
            if task["column"] == column
            and all(task.get(key) == value for key, value in values.items())
        ]

    @property
    def open(self) -> int:
        """How many are not finished."""
        return len(self.of("todo")) + len(self.of("in_progress")) + len(self.of("review"))


class Agent:
    """A member that works through MCP. `turn` does one thing and says whether it did."""

    def __init__(self, name: str, client: Client, luck: random.Random) -> None:
        self.name = name
        self.client = client
        self.luck = luck
        self.effort: Counter[int] = Counter()
        self.back_at: float | None = None

    async def call(self, tool: str, **arguments: Any) -> Data:
        """The answer of a tool; Refused where it says no."""
        result = await self.client.call_tool(tool, arguments)
        answer: Data = result.structured_content or {}
        if result.is_error:
            raise Refused(answer["error"])
        return answer

    async def board(self) -> Board:
        """The tasks as they are now."""
        tasks: list[Data] = []
        cursor = None
        while True:
            page = await self.call("list_tasks", limit=SHOWN, cursor=cursor)
            tasks += page["tasks"]
            if (cursor := page["cursor"]) is None:
                return Board(tasks)

    async def turn(self) -> bool:
        """One thing, if there is one to do; nothing at all, and no call, while it is shut down."""
        if self.back_at is not None:
            return await self.come_back(self.back_at)
        told = (await self.call("briefing"))["next"]
        if asked := ASKED.match(told):
            reply_to = int(asked[1])
            await self.call("send_message", kind="shutdown_approved", reply_to=reply_to)
            self.stop()
            return True
        if told.startswith(STOPPED):
            self.stop()
            return False
        return await self.act(await self.board())

    def stop(self) -> None:
        """Its run is over; another one begins after a while."""
        self.effort.clear()
        self.back_at = time.monotonic() + AWAY_SECONDS

    async def come_back(self, at: float) -> bool:
        """Begin a new run when the time has come."""
        if time.monotonic() < at:
            return False
        await self.call("begin_run")
        self.back_at = None
        return True

    async def act(self, board: Board) -> bool:
        """Answer, review, go on, hand in, or begin; the first that there is to do."""
        return (
            await self.answer()
            or await self.judge(board)
            or await self.go_on(board)
            or await self.hand_in(board)
            or await self.begin(board)
        )

    async def answer(self) -> bool:
        """Read what came; people get an answer."""
        inbox = await self.call("check_inbox")
        for message in inbox["messages"]:
            if message["kind"] == "message" and message["from"] not in names():
                await self.call("send_message", reply_to=message["id"], body=story.THANKS)
                return True
        return False

    async def judge(self, board: Board) -> bool:
        """Review what waits for this agent; send one in four back, once."""
        for task in board.of("review", reviewer=self.name):
            self.effort[task["number"]] += 1
            if self.effort[task["number"]] < 2:
                continue
            fine = task.get("review_round", 1) > 1 or self.luck.random() > 0.25
            await self.call(
                "review_task",
                number=task["number"],
                decision="approve" if fine else "request_changes",
                note=self.luck.choice(story.APPROVED if fine else story.CHANGES),
            )
            del self.effort[task["number"]]
            return True
        return False

    async def go_on(self, board: Board) -> bool:
        """Do a piece of the running task, or finish it."""
        running = board.of("in_progress", owner=self.name)
        for task in running:
            if not task.get("needs_input"):
                await self.work(task, board)
                return True
        return False

    async def work(self, task: Data, board: Board) -> None:
        """One piece: a step of the plan, a remark, another activity, a question, or the end."""
        number = task["number"]
        self.effort[number] += 1
        if (plan := task.get("plan")) and plan["done"] < plan["steps"]:
            doing = bool(plan.get("doing"))
            state = "done" if doing else "doing"
            await self.call("report_step", task=number, step=plan["done"], state=state)
        elif self.effort[number] > self.luck.randint(3, 6):
            del self.effort[number]
            await self.call("finish_task", number=number, note=self.luck.choice(story.FINISHED))
        elif self.may_ask(board) and self.luck.random() < 0.03:
            question = self.luck.choice(story.QUESTIONS)
            await self.call("finish_task", number=number, outcome="ask", note=question)
        elif self.luck.random() < 0.35:
            await self.call("comment", number=number, body=self.luck.choice(story.REMARKS))
        else:
            await self.call("update_task", number=number, active_form=self.luck.choice(story.DOING))

    @staticmethod
    def may_ask(board: Board) -> bool:
        """People should find a question to answer, not a pile."""
        return not any(task.get("needs_input") for task in board.tasks)

    async def hand_in(self, board: Board) -> bool:
        """Ask for a review of what is done; every other one by a person, if there is any."""
        for task in board.of("done", owner=self.name):
            people = await self.people()
            busy = any(task.get("reviewer") in people for task in board.of("review"))
            reviewer = self.luck.choice(people) if people and not busy else None
            await self.call("request_review", number=task["number"], reviewer=reviewer)
            return True
        return False

    async def people(self) -> list[str]:
        """The people of the team who may review."""
        team = (await self.client.read_resource("teams://team")).contents[0]
        members = json.loads(getattr(team, "text", '{"members": []}'))["members"]
        return [
            member["name"]
            for member in members
            if member["kind"] == "human" and "review" in member["permissions"]
        ]

    async def begin(self, board: Board) -> bool:
        """Claim a task that nobody else waits to begin, or plan one where the seat needs that."""
        if board.of("in_progress", owner=self.name):
            return False
        ready = await self.ready()
        for task in sorted(ready, key=lambda task: not self.plans(task, "approved")):
            try:
                await self.call("claim_task", number=task["number"])
            except Refused as refusal:
                if refusal.code != "plan_required":
                    return False
                return await self.plan(ready)
            return True
        return False

    async def plan(self, ready: list[Data]) -> bool:
        """Hand in a plan for the most urgent task that has none, but never more than two."""
        waiting = [task for task in ready if self.plans(task, "pending_review")]
        for task in ready if len(waiting) < 2 else []:
            mine = self.plans(task)
            if mine and mine[0]["state"] != "rejected":
                continue
            about = {"plan": mine[0]["id"]} if mine else {"task": task["number"]}
            steps = self.luck.sample(story.STEPS, self.luck.randint(3, 4))
            await self.call("submit_plan", title=task["subject"], steps=steps, **about)
            return True
        return False

    async def ready(self) -> list[Data]:
        """The tasks to claim, most urgent first, without those that others have plans for."""
        found = (await self.call("list_tasks", ready=True))["tasks"]
        tasks = [task | await self.call("get_task", number=task["number"]) for task in found]
        return [task for task in tasks if len(task["plans"]) == len(self.plans(task))]

    def plans(self, task: Data, state: str = "") -> list[Data]:
        """This agent's own plans for a task."""
        return [
            plan
            for plan in task["plans"]
            if plan["author"] == self.name and state in ("", plan["state"])
        ]


def names() -> set[str]:
    """The agents of the demonstration."""
    return {seat.name for seat in story.SEATS}
