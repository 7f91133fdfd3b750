"""What models read besides the data itself."""

from __future__ import annotations

import json
from typing import Any

from apps.core.errors import DomainError, Invalid

INSTRUCTIONS = (
    "You are a member of a team of agents and people who share one board. Call briefing first: it"
    " says who you are, the rules, what waits for you and the next step. Then work in turns: claim"
    " a task (submit a plan first if your seat needs one), report steps, finish it, request a"
    " review, and check your inbox. Tasks are named by number, members by name. Every answer says"
    " the next sensible call; a refusal has a code, a sentence and a hint. Never poll: briefing,"
    " check_inbox and wait_for_events take wait=50."
)


def as_text(answer: dict[str, Any]) -> str:
    """The answer for clients that show only text."""
    text = answer.get("text")
    return (
        text
        if isinstance(text, str)
        else json.dumps(answer, ensure_ascii=False, separators=(",", ":"))
    )


def refusal_text(error: DomainError) -> str:
    """`code: sentence`, each wrong argument on a line of its own, then the hint."""
    fields = error.fields if isinstance(error, Invalid) else {}
    lines = [
        f"{error.code}: {error.message}",
        *(f"- {name}: {why}" for name, why in fields.items()),
        *([f"Hint: {error.hint}"] if error.hint else []),
    ]
    return "\n".join(lines)
