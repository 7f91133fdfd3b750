"""A team leaves as a document and comes back as it was, here or elsewhere."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.utils import timezone

from apps.api.interchange import VERSION, export_team, import_team
from apps.api.interchange.tables import UNTOLD
from apps.api.models import Briefed
from apps.core.errors import Conflict, Invalid, NotFound
from apps.messaging import actions as messaging
from apps.messaging.models import Discussion, Message
from apps.reviews import actions as reviews
from apps.reviews.models import Plan
from apps.tasks import actions as tasks
from apps.tasks.models import Comment, Task
from apps.teams import actions as teams
from apps.teams.models import Artifact, Event, Member, Team, Token, User
from tests.conftest import Cast

Document = dict[str, Any]


def seat(cast: Cast, name: str) -> Member:
    return Member.objects.select_related("team").get(team=cast.team, name=name)


@pytest.fixture
def busy(cast: Cast) -> Cast:
    """A team in which everything has happened at least once."""
    alice, bob, hal, iris = cast.alice, cast.bob, cast.hal, cast.iris
    teams.change_team(alice, description="Ünïcode 漢字", wip_limits={"review": 9})
    first = tasks.create_task(alice, "First", labels=["api", "docs"], priority="high").number
    second = tasks.create_task(alice, "Second", owner="hal", blocked_by=[first]).number
    third = tasks.create_task(alice, "Third", metadata={"k": [1, None, "x"]}).number
    tasks.relate(alice, first, third)
    tasks.delete_task(alice, third)
    log = teams.add_artifact(bob, "log.txt", b"log", content_type="text/plain")
    tasks.comment(bob, first, "On **it**.", artifacts=[log.pk])
    _work(cast, first)
    _plan(cast, second)
    _talk(cast, first)
    teams.add_artifact(hal, "result.bin", bytes(range(256)), task=first)
    gone = teams.add_artifact(hal, "gone.txt", b"gone")
    teams.delete_artifact(hal, gone.pk)
    session = teams.start_session(iris, model="m", cwd="/w")
    teams.end_session(iris, session.pk)
    teams.create_token(alice, "hal")
    teams.end_seat(alice, "iris")
    Briefed.objects.create(member=hal, seq=3)
    return cast


def _work(cast: Cast, number: int) -> None:
    tasks.claim_task(cast.hal, number)
    tasks.ask(cast.hal, number, "Which one?")
    tasks.answer(cast.alice, number, "The first.")
    tasks.complete_task(cast.hal, number)
    reviews.request_review(cast.hal, number, "alice")
    reviews.request_changes(cast.alice, number, "Smaller, please.")
    tasks.start_task(cast.hal, number)
    tasks.complete_task(cast.hal, number)
    reviews.request_review(cast.hal, number, "alice")
    reviews.approve(cast.alice, number, "Good.")


def _plan(cast: Cast, number: int) -> None:
    plan = reviews.propose_plan(cast.hal, "A plan", "Do *it*.", ["one", "two"], task=number)
    reviews.decide_plan(cast.alice, plan.pk, "reject", version=1, note="Once more.")
    reviews.revise_plan(cast.hal, plan.pk, body="Do it better.", steps=["one", "two", "three"])
    reviews.decide_plan(cast.alice, plan.pk, "approve", version=2)
    reviews.report_step(cast.hal, plan.pk, 0, "doing")


def _talk(cast: Cast, number: int) -> None:
    asked = messaging.send_message(
        cast.alice, to=["hal"], cc=["bob"], subject="How far?", body="@hal #1?", message_id="m-1"
    )
    answer = messaging.send_message(cast.hal, to=["alice"], body="Far.", reply_to=asked.pk)
    messaging.mark_read(cast.alice, [answer.pk])
    messaging.archive(cast.alice, [answer.pk])
    discussion = messaging.open_discussion(
        cast.alice, "How to go on", ["hal", "bob"], task=number, max_rounds=3
    )
    messaging.take_turn(cast.hal, discussion.pk, "Slowly.")
    messaging.take_turn(cast.bob, discussion.pk, "Fast.")
    messaging.conclude(cast.alice, discussion.pk, "Fast it is.", agreed_by=["bob"])


def neutral(document: Document) -> Document:
    """Without what may differ: the address, and when it was written."""
    same = copy.deepcopy(document)
    del same["exported_at"], same["team"]["slug"]
    return same


def plain(document: Document) -> Document:
    """As a file would carry it."""
    carried: Document = json.loads(json.dumps(document))
    return carried


def test_what_comes_back_is_what_left(busy: Cast) -> None:
    document = plain(export_team("checkout"))
    team = import_team(document, slug="again")

    assert neutral(plain(export_team("again"))) == neutral(document)
    assert team.slug == "again"
    for section in document:
        assert document[section], section
    assert Token.objects.filter(member__team=team).count() == 0
    assert "digest" not in json.dumps({**document, "messages": []})


def test_the_team_goes_on_where_it_was(busy: Cast) -> None:
    import_team(plain(export_team("checkout")), slug="again")
    team = Team.objects.get(slug="again")
    alice = Member.objects.select_related("team", "user").get(team=team, name="alice")
    assert alice.user == busy.people["alice"]
    made = tasks.create_task(alice, "Next")
    assert made.number == 4
    seqs = list(Event.objects.filter(team=team).order_by("seq").values_list("seq", flat=True))
    assert seqs == list(range(1, len(seqs) + 1))
    file = Artifact.objects.get(team=team, name="result.bin")
    with file.content.open("rb") as bytes_again:
        assert bytes_again.read() == bytes(range(256))
    remark = Comment.objects.get(task__team=team, body="On **it**.")
    assert [one.name for one in remark.artifacts.all()] == ["log.txt"]


def test_lines_and_payloads_name_the_new_rows(busy: Cast) -> None:
    import_team(plain(export_team("checkout")), slug="again")
    team = Team.objects.get(slug="again")

    def ids(model: Any, **of: Any) -> set[int]:
        return set(model.objects.filter(**of).values_list("pk", flat=True))

    of_team = {"team": team}
    known = {
        "message": ids(Message, **of_team), "plan": ids(Plan, **of_team),
        "discussion": ids(Discussion, **of_team), "artifact": ids(Artifact, **of_team),
        "comment": ids(Comment, task__team=team),
    }  # fmt: skip
    named = {name: set() for name in known}  # type: dict[str, set[int]]
    for event in Event.objects.filter(team=team):
        for name in known.keys() & event.data.keys():
            named[name].add(event.data[name])
    assert all(named[name] and named[name] <= known[name] for name in known)
    requests = Message.objects.filter(team=team, kind="plan_approval_response")
    assert {one.payload["plan_id"] for one in requests if one.payload} == known["plan"]
    plan = Plan.objects.get(team=team)
    assert {one.payload["request_id"] for one in requests if one.payload} == {
        version.request for version in plan.versions.all()
    }
    reply = Message.objects.get(team=team, body="Far.")
    assert reply.reply_to is not None
    assert reply.reply_to.team == team


def test_people_without_an_account_keep_its_name(busy: Cast) -> None:
    document = plain(export_team("checkout"))
    for row in document["members"]:
        if row["name"] == "bob":
            row["username"] = "robert"
    team = import_team(document, slug="again")
    bob = team.members.get(name="bob")
    assert (bob.kind, bob.user, bob.metadata) == ("human", None, {"username": "robert"})
    assert neutral(plain(export_team("again"))) == neutral(document)


def test_what_a_line_named_may_be_gone(busy: Cast) -> None:
    Comment.objects.filter(task__team=busy.team).delete()
    document = plain(export_team("checkout"))
    assert {
        event["data"]["comment"] for event in document["events"] if "comment" in event["data"]
    } == {None}
    import_team(document, slug="again")
    assert neutral(plain(export_team("again"))) == neutral(document)


def test_a_pruned_journal_and_a_disbanded_team(busy: Cast) -> None:
    from apps.teams import events

    Event.objects.filter(team=busy.team, seq__lt=9).update(at=timezone.now() - timedelta(days=9))
    assert events.prune(busy.team, before=timezone.now() - timedelta(days=5)) == 8
    teams.transition_team(seat(busy, "alice"), "disbanded")
    address = f"checkout~{busy.team.pk}"
    document = plain(export_team(address))
    team = import_team(document)
    assert team.address == f"checkout~{team.pk}"
    assert neutral(plain(export_team(team.address))) == neutral(document)


def test_every_model_of_a_team_is_told_or_left_behind_on_purpose() -> None:
    from django.apps import apps

    left_behind = {"Token", "Invitation", "User"}
    elsewhere = {"Dependency"}
    for label in ("teams", "messaging", "tasks", "reviews"):
        for model in apps.get_app_config(label).get_models():
            if model.__name__ not in left_behind | elsewhere:
                assert model in UNTOLD, model


def test_the_address_is_taken(busy: Cast) -> None:
    document = plain(export_team("checkout"))
    with pytest.raises(Conflict, match="already exists") as refused:
        import_team(document)
    assert (refused.value.code, "--slug" in refused.value.hint) == ("slug_taken", True)
    with pytest.raises(NotFound):
        export_team("nowhere")


def change(*path: Any, to: Any) -> Callable[[Document], None]:
    """A document in which the value at `path` is another one."""

    def apply(document: Document) -> None:
        here: Any = document
        for step in path[:-1]:
            here = here[step]
        here[path[-1]] = to

    return apply


def double(section: str) -> Callable[[Document], None]:
    return lambda document: document[section].append(document[section][0])


def drop(section: str, name: str) -> Callable[[Document], None]:
    def apply(document: Document) -> None:
        del document[section][0][name]

    return apply


WRONG: list[tuple[Callable[[Document], None], str]] = [
    (change("format", to="somebody/else"), "not an exported team"),
    (change("version", to=VERSION + 1), "this program reads up to"),
    (change("version", to="1"), "this program reads up to"),
    (change("secrets", to=[]), "nothing is known of secrets"),
    (change("team", to=None), "team: it is missing"),
    (change("team", "slug", to="No Slug"), "1–64"),
    (change("team", "state", to="asleep"), r"team.state: 'asleep' is not one of"),
    (change("team", "metadata", to=[]), "team.metadata: it is not an object"),
    (change("team", "created_at", to="2031-05-05T10:00:00"), "not a time with its zone"),
    (change("team", "created_at", to="yesterday"), "not a time with its zone"),
    (change("team", "max_members", to="many"), "team.max_members"),
    (change("team", "task_watermark", to=1), "over the team's task_watermark"),
    (change("team", "seq", to=99_999), "gap"),
    (change("members", to={}), "members: it is not a list of objects"),
    (change("members", to=["alice"]), "members: it is not a list of objects"),
    (change("members", 0, "name", to="a/b"), "cannot be called"),
    (change("members", 1, "name", to="system"), "cannot be called"),
    (change("members", 0, "kind", to="agent"), "cannot be called"),
    (change("members", 1, "briefed", to=7), "seq is missing"),
    (change("members", 1, "shoe_size", to=7), "nothing is known of shoe_size"),
    (double("members"), "members: two of them are called the same"),
    (drop("tasks", "subject"), r"tasks\[0\]: its subject is missing"),
    (change("tasks", 0, "subject", to="x" * 201), r"tasks\[0\].subject"),
    (change("tasks", 0, "subject", to="a\0b"), "not text"),
    (change("tasks", 0, "owner", to="nobody"), "'nobody' is not in the document"),
    (change("tasks", 0, "owner", to=["hal"]), "is not in the document"),
    (change("tasks", 0, "labels", to=["unheard"]), "labels names 'unheard'"),
    (change("tasks", 0, "labels", to=[[]]), "list of names"),
    (change("tasks", 0, "position", to="first"), r"tasks\[0\].position"),
    (double("tasks"), "two of them are called the same"),
    (double("labels"), "labels: two of them are called the same"),
    (change("dependencies", 0, "blocker", to=99), "not in the document"),
    (change("dependencies", 0, "blocker", to=2), "wait for each other"),
    (double("dependencies"), "contradicts itself"),
    (change("comments", 0, "author", to=None), "it is missing"),
    (drop("comments", "id"), "its id is missing"),
    (change("artifacts", 0, "content", to="%%%"), "not base64"),
    (change("artifacts", 0, "content", to=base64.b64encode(b"x").decode()), "sha256"),
    (change("messages", 0, "deliveries", 0, "recipient", to="nobody"),
     r"messages\[0\].deliveries\[0\].recipient"),
    (change("messages", 1, "thread", to=[1]), "its thread is missing"),
    (change("plans", 0, "versions", 0, "steps", 0, "state", to="half"), "is not one of"),
    (change("events", 3, "seq", to=3), "gap"),
    (change("events", 0, "at", to=None), "it cannot be null"),
]  # fmt: skip


def test_a_document_that_is_wrong_changes_nothing(busy: Cast) -> None:
    document = plain(export_team("checkout"))
    document["team"]["slug"] = "again"
    before = stored()
    for spoil, sentence in WRONG:
        spoiled = copy.deepcopy(document)
        spoil(spoiled)
        with pytest.raises(Invalid, match=sentence):
            import_team(spoiled)
    assert not Team.objects.filter(slug="again").exists()
    assert stored() == before
    import_team(document)
    assert len(stored()) == len(before) + 3


def test_labels_that_differ_only_in_case_become_the_first(busy: Cast) -> None:
    document = plain(export_team("checkout"))
    document["labels"].append("API")
    for row in document["tasks"]:
        row["labels"] = {1: ["api", "API"], 2: ["API"]}.get(row["number"], [])
    team = import_team(document, slug="again")
    worn = {task.number: [label.name for label in task.labels.all()] for task in team.tasks.all()}
    assert worn == {1: ["api"], 2: ["api"], 3: []}
    assert set(team.labels.values_list("key", flat=True)) == {"api", "docs"}


def stored() -> set[Path]:
    """The files of deliverables that there are."""
    return {path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()}


@pytest.mark.parametrize("document", [None, [], "x", 7, {}, {"format": 1}])
def test_what_is_no_document_at_all(db: None, document: Any) -> None:
    with pytest.raises(Invalid, match="not an exported team"):
        import_team(document)
    assert not Team.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_commands(busy: Cast, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "team.json"
    call_command("export_team", "checkout", file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert "3 tasks" in capsys.readouterr().out
    with pytest.raises(CommandError, match="--slug") as refused:
        call_command("import_team", file)
    assert refused.value.returncode == 1
    call_command("import_team", file, slug="again")
    assert "is at /teams/again/" in capsys.readouterr().out
    call_command("export_team", "again", "-")
    printed = json.loads(capsys.readouterr().out)
    assert neutral(printed) == neutral(json.loads(file.read_text()))
    assert Task.objects.filter(team__slug="again").count() == 3


@pytest.mark.parametrize("content", ["", "{", '{"format": NaN}', "[" * 100_000])
def test_a_file_that_is_no_json(db: None, tmp_path: Path, content: str) -> None:
    file = tmp_path / "wrong"
    file.write_text(content)
    with pytest.raises(CommandError, match="is not JSON"):
        call_command("import_team", file)


def test_files_that_cannot_be_read_or_written(busy: Cast, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="Cannot read"):
        call_command("import_team", tmp_path / "nothing")
    with pytest.raises(CommandError, match="Cannot write"):
        call_command("export_team", "checkout", tmp_path / "no" / "folder")
    with pytest.raises(CommandError, match="no such team"):
        call_command("export_team", "nowhere", tmp_path / "x")


def test_nobody_here_sits_in_it(
    busy: Cast, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = plain(export_team("checkout"))
    for row in document["members"]:
        row["username"] = row["username"] and f"{row['username']}-elsewhere"
    file = tmp_path / "team.json"
    file.write_text(json.dumps(document))
    call_command("import_team", file, slug="again")
    assert "an administrator can take a seat" in capsys.readouterr().out
    assert User.objects.count() == 4
