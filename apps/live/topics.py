"""Which parts of open pages an event makes stale. A part says `hx-trigger="news-<topic> …"`."""

from __future__ import annotations

from collections.abc import Iterable

from apps.teams.models import Event

BY_AREA: dict[str, tuple[str, ...]] = {
    "team": ("team", "frame"),
    "member": ("members", "frame"),
    "session": ("members",),
    "task": ("tasks",),
    "comment": (),
    "review": ("reviews", "needs", "frame"),
    "plan": ("plans", "needs", "frame"),
    "message": ("messages",),
    "discussion": ("discussions",),
    "artifact": ("artifacts",),
}
NEEDED = frozenset({
    "task.asked", "task.answered", "task.stalled", "task.released", "task.deleted",
    "task.completed", "task.restored", "task.edited",
})  # fmt: skip
OWN = frozenset({"message.read", "message.archived"})


def topics_of(event: Event) -> list[str]:
    """The topics of one event; `topic@name` is only for the pages of that member."""
    area = event.kind.partition(".")[0]
    topics = ["activity", *BY_AREA.get(area, ())]
    if event.task is not None:
        topics.append(f"task-{event.task}")
    topics += [f"task-{number}" for number in event.data.get("affects", ())[:50]]
    if event.kind in NEEDED:
        topics.append("needs")
    if event.kind == "message.sent":
        for name in [*event.data.get("to", ()), *event.data.get("cc", ())]:
            topics += [f"inbox@{name}", f"frame@{name}", f"needs@{name}"]
    if event.data.get("of") == "permission_response":
        topics += ["needs", "frame", "inbox"]  # it no longer waits for others who were asked
    if event.kind == "task.answered":
        topics.append("inbox")
    if event.data.get("reply_to") and event.actor is not None:
        topics.append(f"inbox@{event.actor.name}")  # the copy that was answered says so
    if area == "message":
        topics += [f"thread-{root}" for root in _threads(event)]
    if event.kind in OWN and event.actor is not None:
        name = event.actor.name
        topics += [f"inbox@{name}", f"frame@{name}", f"needs@{name}"]
    return topics


def _threads(event: Event) -> list[int]:
    if event.kind == "message.sent":
        return [event.data.get("thread") or event.data["message"]]
    return list(event.data.get("threads", ()))[:50]


def topics_of_all(events: Iterable[Event], *, only: str = "") -> list[str]:
    """The topics of many events, each once, in order; with `only`, that member's own alone."""
    topics = dict.fromkeys(topic for event in events for topic in topics_of(event))
    if not only:
        return list(topics)
    return [topic for topic in topics if topic.partition("@")[2] in ("", only)]
