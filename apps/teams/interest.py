"""Which events end whose wait."""

from __future__ import annotations

from dataclasses import dataclass

from apps.teams.models import Event

BRIEFED = frozenset({"message", "task", "review", "plan", "team", "discussion"})


@dataclass(frozen=True)
class Interest:
    """A member who waits: for a message (`inbox`), any event (`events`) or work (`briefing`)."""

    team_id: int
    name: str
    what: str
    kinds: frozenset[str] = frozenset()

    def wants(self, event: Event) -> bool:
        """Whether `event` may end the wait; the read that follows decides."""
        if self._ends(event):
            return True
        if self.what == "events":
            return not self.kinds or event.kind in self.kinds
        if event.kind == "message.sent":
            return self.name in event.data["to"] or self.name in event.data["cc"]
        return self.what == "briefing" and event.kind.partition(".")[0] in BRIEFED

    def _ends(self, event: Event) -> bool:
        """The end of a seat or its keys ends the wait too: the read then tells the reason."""
        if event.kind in ("member.left", "member.changed"):
            return bool(event.data.get("member") == self.name)
        return event.kind == "team.moved"
