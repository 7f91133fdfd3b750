"""The journal reads: every kind that is recorded anywhere has a sentence."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from apps.teams.models import Event, Member, Team
from apps.teams.sentences import SENTENCES, listed
from apps.teams.words import Words, in_words

APPS = Path(__file__).parents[2] / "apps"
AREAS = "team|member|session|task|comment|review|plan|message|discussion|artifact"
KIND = re.compile(rf'"((?:{AREAS})\.[a-z_]+)"')
OF_DISCUSSIONS = re.compile(r'_record\(\w+, "(\w+)", discussion')
NOT_KINDS = re.compile(r"\.(html|py|md|txt|json)$")


def recorded_kinds() -> set[str]:
    """Everything that looks like a kind in the sources of the actions."""
    found: set[str] = set()
    for path in APPS.glob("*/actions/*.py"):
        source = path.read_text()
        found |= set(KIND.findall(source))
        found |= {f"discussion.{what}" for what in OF_DISCUSSIONS.findall(source)}
    return {kind for kind in found if not NOT_KINDS.search(kind)}


def event(kind: str, actor: str = "hal", *, task: int | None = 12, **data: Any) -> Event:
    team = Team(slug="checkout", state="active")
    return Event(
        team=team, seq=1, kind=kind, actor=Member(team=team, name=actor, kind="agent"),
        task=task, data=data,
    )  # fmt: skip


def words(kind: str, actor: str = "hal", **more: Any) -> Words:
    return in_words(event(kind, actor, **more))


def test_every_recorded_kind_has_words() -> None:
    kinds = recorded_kinds()
    assert {"team.created", "task.claimed", "comment.added"} <= kinds
    assert kinds - SENTENCES.keys() == set()


@pytest.mark.parametrize("kind", sorted(SENTENCES))
def test_every_sentence_reads_with_and_without_data(kind: str) -> None:
    bare = words(kind, task=None).text
    assert bare.startswith("hal ")
    assert not re.search(r"[\[\]{}]", bare)
    assert "None" not in bare


SAID = [
    ("task.created", {"subject": "Retry the webhook"}, "hal created #12 “Retry the webhook”"),
    ("task.claimed", {"owner": "hal"}, "hal claimed #12"),
    ("task.started", {"owner": "iris"}, "hal started #12 for iris"),
    ("task.started", {"owner": "hal"}, "hal started #12"),
    ("task.released", {"note": "no access"}, "hal released #12: “no access”"),
    ("task.blocked_by", {"by": 3}, "hal made #12 wait for #3"),
    ("task.asked", {"of": "lead", "question": "Which?"}, "hal asks the lead about #12: “Which?”"),
    ("task.answered", {"waited": 130}, "hal answered the question on #12 after 2 min"),
    (
        "task.edited",
        {"changed": ["due", "labels"]},
        "hal changed the due date and the labels of #12",
    ),
    ("task.observed", {"new": True, "column": "done"}, "hal brought in #12, in Done"),
    ("task.observed", {"from": "todo", "column": "done"}, "hal moved #12 to Done, outside"),
    ("task.observed", {"changed": ["owner"]}, "hal changed the owner of #12, outside"),
    ("task.edited", {"changed": ["stalled"]}, "hal is back at work on #12"),
    ("member.joined", {"member": "iris", "role": "member"}, "hal added iris as member"),
    (
        "member.joined",
        {"member": "hal", "role": "leader", "by": "invitation"},
        "hal joined as leader by invitation",
    ),
    ("member.changed", {"member": "iris", "changed": ["tokens"]}, "hal made a token for iris"),
    ("member.changed", {"member": "hal", "changed": ["tokens"]}, "hal made a token"),
    ("member.changed", {"member": "iris", "changed": ["tokens"], "revoked": True},
     "hal revoked a token of iris"),
    (
        "member.changed",
        {"member": "iris", "role": "leader", "changed": ["role"]},
        "hal made iris leader",
    ),
    ("member.left", {"member": "iris"}, "hal ended the seat of iris"),
    ("member.left", {"member": "hal"}, "hal left the team"),
    (
        "team.changed",
        {"changed": ["name", "stall_minutes"]},
        "hal changed the name and the settings",
    ),
    ("team.moved", {"from": "paused", "to": "active"}, "hal resumed the team"),
    ("team.moved", {"from": "active", "to": "disbanded"}, "hal disbanded the team"),
    ("message.sent", {"of": "message", "to": ["bob"]}, "hal sent a message to bob"),
    ("message.read", {"count": 1}, "hal read a message"),
    ("message.delivered", {"count": 3}, "hal received 3 messages"),
    ("message.archived", {"count": 1, "away": False}, "hal put back a message"),
    ("review.reassigned", {"reviewer": "bob"}, "hal gave the review of #12 to bob"),
    ("plan.submitted", {"title": "Retry", "version": 1}, "hal submitted the plan “Retry” for #12"),
    (
        "plan.approved",
        {"title": "Retry", "version": 2, "stage": "leader", "final": False, "note": "go"},
        "hal approved stage leader of the plan “Retry”, version 2 for #12: “go”",
    ),
    (
        "plan.step",
        {"step": "Write tests", "state": "done"},
        "hal reported a step of the plan for #12: “Write tests” is done",
    ),
    ("message.sent", {"of": "shutdown_request", "to": ["iris"]}, "hal asked iris to shut down"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "data", "said"), SAID)
def test_sentences(kind: str, data: dict[str, Any], said: str) -> None:
    assert words(kind, **data).text == said


def test_unknown_kinds_still_read() -> None:
    assert words("weather.turned_bad").text == "hal weather turned bad #12"


def test_nobody_and_the_system() -> None:
    gone = event("task.claimed")
    gone.actor = None
    assert in_words(gone).text == "Somebody claimed #12"
    system = event("task.stalled", owner="hal")
    system.actor = Member(team=system.team, name="system", kind="system")
    assert in_words(system).text == "The system noticed that hal fell silent on #12"


def test_what_people_wrote_is_escaped() -> None:
    evil = "<script>alert(1)</script>"
    html = words("task.created", actor=evil, subject=evil).html
    assert "<script" not in html
    assert html.count("&lt;script&gt;") == 2


def test_discussions_are_links() -> None:
    said = words("discussion.turn", number=3, discussion=7)
    assert said.text == "hal spoke in a discussion, turn 3"
    assert '<a class="task-ref" href="/teams/checkout/discussions/7/">a discussion</a>' in said.html
    assert "href" not in words("discussion.concluded").html


def test_tasks_are_links() -> None:
    html = words("task.blocked_by", by=3).html
    assert '<a class="task-ref" href="/teams/checkout/tasks/12/">#12</a>' in html
    assert 'href="/teams/checkout/tasks/3/"' in html


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "b"], "a and b"),
        (["a", "b", "c"], "a, b and c"),
        (["a", "b", "c", "d", "e"], "a, b and 3 others"),
    ],
)
def test_lists(names: list[str], said: str) -> None:
    assert listed(names) == said
