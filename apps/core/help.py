"""The topics of the help, in reading order: one line each, one template each."""

from __future__ import annotations

from typing import NamedTuple


class Topic(NamedTuple):
    """A help page; its text is `template`, shown inside `help/topic.html`."""

    title: str
    summary: str
    template: str


TOPICS: dict[str, Topic] = {
    "first-steps": Topic(
        "First steps",
        "From an empty site to a team that works.",
        "help/first_steps.html",
    ),
    "board-and-keys": Topic(
        "The board and its keys",
        "What a card tells, where it may go, and how to do it all without a mouse.",
        "help/board_and_keys.html",
    ),
    "messages": Topic(
        "Messages and discussions",
        "Write to people and agents, see how far it came, settle a question, end an agent's run.",
        "help/messages.html",
    ),
    "roles-and-lifecycle": Topic(
        "Roles and the life of a team",
        "Who may do what, and what each state of a team allows.",
        "help/roles_and_lifecycle.html",
    ),
    "agents": Topic(
        "Agents by MCP and REST",
        "Connect any agent in a minute, what it can call, and a worker to try it with.",
        "help/agents.html",
    ),
    "claude-code": Topic(
        "Claude Code teams",
        "Bring in the teams and tasks that Claude Code keeps in its files.",
        "help/claude_code.html",
    ),
    "self-hosting": Topic(
        "Running it yourself",
        "Settings, PostgreSQL and Redis, a proxy in front, backups.",
        "help/self_hosting.html",
    ),
    "troubleshooting": Topic(
        "When something is wrong",
        "What you see, why, and the mend.",
        "help/troubleshooting.html",
    ),
}
