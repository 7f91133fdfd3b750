"""What is said about each kind of event, before names and numbers are filled in.

`{slot}` is filled from the event's data, `{task}`, `{blocker}` and `{discussion}` become links, and
a `[part]` whose slot has no value is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from apps.core.closest import closest, did_you_mean
from apps.core.errors import Invalid

Facts = dict[str, Any]


def listed(names: Sequence[str], most: int = 3) -> str:
    """`a`, `a and b`, `a, b and c`, `a, b and 3 others`."""
    if len(names) > most:
        return f"{', '.join(names[: most - 1])} and {len(names) - most + 1} others"
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


SETTINGS = {
    "invitations": "the invitations", "name": "the name", "description": "the description",
    "protocol": "the operating rules", "max_members": "the number of seats",
    "approval_stages": "who approves plans", "require_plan_approval": "whether plans are needed",
    "wip_limits": "the limits of the columns", "wip_per_member": "the limit for one member",
}  # fmt: skip
CARD = {
    "description": "the description", "subject": "the subject", "owner": "the owner",
    "priority": "the priority", "labels": "the labels", "due": "the due date",
    "blocked_by": "what it waits for", "related": "the related tasks",
    "active_form": "the activity", "metadata": "the metadata",
}  # fmt: skip
MOVED = {
    ("forming", "active"): "activated the team", ("active", "paused"): "paused the team",
    ("paused", "active"): "resumed the team", ("completed", "active"): "reopened the team",
    ("archived", "completed"): "restored the team",
}  # fmt: skip
MOVED_TO = {
    "completed": "completed the team", "archived": "archived the team",
    "disbanded": "disbanded the team",
}  # fmt: skip
SENT = {
    "broadcast": "told everyone something", "task_assignment": "assigned a task to {to}",
    "idle_notification": "told {to} that it is idle",
    "shutdown_request": "asked {to} to shut down",
    "shutdown_approved": "agreed to shut down", "shutdown_rejected": "declined to shut down",
    "plan_approval_request": "asked {to} to approve a plan",
    "plan_approval_response": "told {to} the decision on a plan",
    "permission_request": "asked {to} for a permission",
    "permission_response": "answered {to} about a permission",
    "review_request": "asked {to} for a review",
    "review_response": "told {to} the outcome of a review",
    "task_completed": "told {to} that a task is completed",
    "system_notification": "notified {to}",
}  # fmt: skip


def _what(changed: list[str], known: dict[str, str], otherwise: str) -> str:
    parts = dict.fromkeys(known.get(key, otherwise) for key in changed)
    return listed(list(parts)) or otherwise


def _team_changed(facts: Facts) -> str:
    return f"changed {_what(facts.get('changed', []), SETTINGS, 'the settings')}"


def _team_moved(facts: Facts) -> str:
    was, to = facts.get("from", ""), facts.get("to", "")
    return MOVED.get((was, to)) or MOVED_TO.get(to) or "moved the team to {to}"


def _joined(facts: Facts) -> str:
    if not facts["own"]:
        return "added {member} as {role}"
    way = {"invitation": " by invitation", "admin": " through the administration"}
    return "joined as {role}" + way.get(facts.get("by", ""), "")


def _member_changed(facts: Facts) -> str:
    changed = set(facts.get("changed", []))
    if changed == {"tokens"}:
        if facts.get("revoked"):
            return "revoked a token" + ("" if facts["own"] else " of {member}")
        return "made a token" + ("" if facts["own"] else " for {member}")
    if "role" in changed:
        return "made {member} {role}"
    if changed & {"granted", "denied"}:
        return "changed what {member} may do"
    return "changed the seat of {member}"


def _left(facts: Facts) -> str:
    return "left the team" if facts["own"] else "ended the seat of {member}"


def _session(verb: str) -> Callable[[Facts], str]:
    return lambda facts: f"{verb} a session" + ("" if facts["own"] else "[ of {member}]")


def _edited(facts: Facts) -> str:
    changed = facts.get("changed", [])
    if changed == ["stalled"]:
        return "is back at work on {task}"
    return f"changed {_what(changed, CARD, 'something')} of {{task}}"


def _observed(facts: Facts) -> str:
    """What was seen in a file that agents write themselves."""
    if facts.get("new"):
        return "brought in {task}[ {subject}][, in {column}]"
    if "from" in facts:
        return "moved {task}[ to {column}], outside"
    return f"changed {_what(facts.get('changed', []), CARD, 'something')} of {{task}}, outside"


def _started(facts: Facts) -> str:
    return "started {task}" + ("" if facts.get("owner") == facts["actor"] else "[ for {owner}]")


def _stalled(facts: Facts) -> str:
    if facts.get("ended"):
        return "noticed that {owner} {ended} with {task} in progress"
    return "noticed that [{owner} fell silent on ]{task}"


def _asked(facts: Facts) -> str:
    whom = "the lead" if facts.get("of") == "lead" else "a person"
    return f"asks {whom} about {{task}}[: {{question}}]"


def _sent(facts: Facts) -> str:
    return SENT.get(facts.get("of", ""), "sent a message to {to}")


def _messages(verb: str) -> Callable[[Facts], str]:
    def sentence(facts: Facts) -> str:
        said = "put back" if facts.get("away") is False else verb
        return f"{said} a message" if facts.get("count", 1) == 1 else f"{said} {{count}} messages"

    return sentence


def _plan(verb: str) -> Callable[[Facts], str]:
    def sentence(facts: Facts) -> str:
        stage = "stage {stage} of " if facts.get("final") is False else ""
        version = ", version {version}" if facts.get("version", 1) != 1 else ""
        return f"{verb} {stage}the plan[ {{title}}]{version}[ for {{task}}][: {{note}}]"

    return sentence


def _turn(facts: Facts) -> str:
    last = ", the last but one" if facts.get("left") == 1 else ""
    return f"spoke in {{discussion}}[, turn {{number}}]{last}"


Sentence = str | Callable[[Facts], str]
SENTENCES: dict[str, Sentence] = {
    "team.created": "founded the team",
    "team.changed": _team_changed,
    "team.moved": _team_moved,
    "member.joined": _joined,
    "member.changed": _member_changed,
    "member.left": _left,
    "member.observed": "noted {member}, who had left before",
    "session.started": _session("began"),
    "session.ended": _session("ended"),
    "task.created": "created {task}[ {subject}]",
    "task.edited": _edited,
    "task.claimed": "claimed {task}",
    "task.started": _started,
    "task.completed": "completed {task}",
    "task.released": "released {task}[: {note}]",
    "task.deleted": "put {task} in the trash",
    "task.restored": "took {task} out of the trash",
    "task.blocked_by": "made {task} wait for {blocker}",
    "task.unblocked": "lets {task} no longer wait for {blocker}",
    "task.asked": _asked,
    "task.answered": "answered the question on {task}[ after {waited}]",
    "task.moved": "put {task} elsewhere in its column",
    "task.observed": _observed,
    "task.stalled": _stalled,
    "comment.added": "commented on {task}",
    "review.requested": "asked for a review of {task}[ from {reviewer}]",
    "review.approved": "approved {task}[: {note}]",
    "review.changes_requested": "asked for changes on {task}[: {note}]",
    "review.withdrawn": "withdrew the review of {task}[: {note}]",
    "review.reopened": "reopened {task}[: {note}]",
    "review.reassigned": "gave the review of {task} to {reviewer}[ in place of {replaced}]",
    "plan.drafted": _plan("drafted"),
    "plan.submitted": _plan("submitted"),
    "plan.approved": _plan("approved"),
    "plan.rejected": _plan("rejected"),
    "plan.withdrawn": _plan("withdrew"),
    "plan.step": "reported a step of the plan[ for {task}][: {step}][ is {state}]",
    "message.sent": _sent,
    "message.read": _messages("read"),
    "message.delivered": _messages("received"),
    "message.archived": _messages("put away"),
    "discussion.opened": "opened {discussion}[ about {topic}]",
    "discussion.turn": _turn,
    "discussion.deadlocked": "noticed that {discussion} is stuck",
    "discussion.concluded": "concluded {discussion}",
    "discussion.cancelled": "cancelled {discussion}",
    "files.skipped": "cannot use the file {path}[: {sentence}]",
    "files.not_written": "cannot write the file {path}[: {sentence}]",
    "files.gone": "noticed that the files of the team are gone",
    "artifact.added": "added the file {name}[, version {version}][ to {task}]",
    "artifact.deleted": "deleted the content of the file {name}[, version {version}][ of {task}]",
}


def kinds_named(words: Iterable[str], field: str) -> list[str]:
    """The kinds of events meant by names of kinds and of families, as `task`; else Invalid."""
    found: list[str] = []
    for word in words:
        family = [kind for kind in SENTENCES if kind == word or kind.startswith(f"{word}.")]
        if not family:
            families = {kind.partition(".")[0] for kind in SENTENCES}
            near = did_you_mean(closest(word, [*SENTENCES, *families]))
            raise Invalid(
                fields={field: f"There is no kind “{word[:64]}”.{near}"},
                hint=f"Families are: {', '.join(sorted(families))}.",
            )
        found += family
    return found
