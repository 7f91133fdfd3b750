"""The agent that leads the demonstration: it keeps the board from running dry, or over."""

from __future__ import annotations

import random
import re

import httpx2
from mcp import Client

from apps.mcp.demo import story
from apps.mcp.demo.agents import Agent, Board, Refused

PLAN = re.compile(r"^- plan (\d+), version (\d+), by ", re.MULTILINE)
LEAST_TO_DO, MOST_OPEN, MOST_APPROVED = 4, 14, 12


class Lead(Agent):
    """Plans work, decides plans, answers questions and puts away what is long approved."""

    def __init__(
        self, name: str, client: Client, luck: random.Random, http: httpx2.AsyncClient
    ) -> None:
        super().__init__(name, client, luck)
        self.http = http

    async def act(self, board: Board) -> bool:
        """The lead's own duties come first."""
        return (
            await self.decide()
            or await self.reply(board)
            or await self.tidy(board)
            or await self.provide(board)
            or await super().act(board)
        )

    async def decide(self) -> bool:
        """Decide the newest plan, but leave one waiting: that one is for a person at the desk."""
        waiting = PLAN.findall((await self.call("briefing"))["text"])
        if len(waiting) < 2:
            return False
        plan, version = (int(found) for found in waiting[-1])
        fine = self.luck.random() > 0.2
        await self.call(
            "review_task",
            plan=plan,
            version=version,
            decision="approve" if fine else "request_changes",
            note="" if fine else story.REJECTED,
        )
        return True

    async def reply(self, board: Board) -> bool:
        """Answer what the lead is asked."""
        for task in board.tasks:
            if task.get("needs_input") == "lead" and task["owner"] != self.name:
                body = self.luck.choice(story.REMARKS)
                await self.call("comment", number=task["number"], body=body, answer=True)
                return True
        return False

    async def tidy(self, board: Board) -> bool:
        """Put the oldest approved task in the trash once there are many; that is REST's to do."""
        approved = board.of("approved")
        if len(approved) <= MOST_APPROVED:
            return False
        number = min(task["number"] for task in approved)
        answer = await self.http.delete(f"/api/v1/teams/{story.SLUG}/tasks/{number}")
        return answer.is_success

    async def provide(self, board: Board) -> bool:
        """Write a new task where there are few to claim."""
        free = [task for task in board.of("todo") if task["ready"]]
        if len(free) >= LEAST_TO_DO or board.open >= MOST_OPEN:
            return False
        subject, labels = self.fresh(board)
        latest = [task["number"] for task in board.of("in_progress")]
        blocked_by = latest[:1] if self.luck.random() < 0.2 else []
        try:
            await self.call(
                "create_task",
                subject=subject,
                description=self.luck.choice(story.WHY),
                priority=self.luck.choice(("low", "normal", "normal", "normal", "high")),
                labels=list(labels),
                blocked_by=blocked_by,
            )
        except Refused:
            return False
        return True

    def fresh(self, board: Board) -> tuple[str, tuple[str, ...]]:
        """Something to do that is not on the board."""
        known = {task["subject"] for task in board.tasks}
        for _ in range(20):
            pattern, labels = self.luck.choice(story.WORK)
            subject = pattern.format(self.luck.choice(story.THINGS))
            if subject not in known:
                break
        return subject, labels
