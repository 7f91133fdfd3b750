from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.tasks import actions
from apps.tasks.models import Comment, Task
from apps.teams.actions import delete_artifact
from apps.teams.models import Artifact, Member, Team

Login = Callable[[str], Client]
HTMX = {"HX-Request": "true"}
URL = "/teams/checkout/tasks/"


def text_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_the_page_tells_everything(login: Login, alice: Member, hal: Member) -> None:
    blocker = actions.create_task(alice, "Comes first").number
    number = actions.create_task(
        alice, "The thing itself", description="Ask **@hal** about #1.", owner="hal",
        priority="high", labels=["api"], blocked_by=[blocker],
    ).number  # fmt: skip
    waiting = actions.create_task(alice, "Comes after", blocked_by=[number]).number
    actions.comment(hal, number, "On it, _soon_.")

    html = login("bob").get(f"{URL}{number}/").content.decode()

    assert "<strong>" in html
    assert f'href="/teams/checkout/tasks/{blocker}/"' in html
    assert f"#{waiting} Comes after" in text_of(html)
    assert "<em>soon</em>" in html
    assert "hal commented on" in text_of(html)


def test_a_task_that_is_none_and_a_stranger(login: Login, alice: Member) -> None:
    actions.create_task(alice, "A card")
    assert login("bob").get(f"{URL}2/").status_code == 404
    assert login("mallory").get(f"{URL}1/").status_code == 404


def test_the_drawer_gets_the_sheet_and_news_only_its_parts(login: Login, alice: Member) -> None:
    actions.create_task(alice, "A card")
    client = login("bob")
    drawer = client.get(f"{URL}1/", headers={**HTMX, "HX-Target": "drawer"}).content.decode()
    parts = client.get(f"{URL}1/", headers={**HTMX, "HX-Trigger": "sheet"}).content.decode()
    assert 'data-sheet="1"' in drawer
    assert "<html" not in drawer
    assert 'id="composer"' in drawer
    assert 'id="composer"' not in parts
    assert parts.count('hx-swap-oob="true"') == 7


def test_only_what_is_possible_now_is_offered(login: Login, alice: Member) -> None:
    number = actions.create_task(alice, "A card", owner="hal").number

    def verbs(name: str) -> list[str]:
        html = login(name).get(f"{URL}{number}/").content.decode()
        return re.findall(r'data-verb="([^"]+)"', html)

    assert verbs("alice") == ["start", "delete"]
    assert verbs("vera") == []
    actions.start_task(alice, number)
    assert verbs("bob") == ["complete", "release", "delete"]


def test_a_new_task_from_the_dialog(
    login: Login, alice: Member, journal: Callable[[], list[str]]
) -> None:
    actions.create_task(alice, "Earlier", labels=["api"])
    values = {
        "subject": "  Whole   form ", "description": "text", "owner": "hal", "priority": "high",
        "labels": "API, docs, Docs ,", "due": "2031-05-04", "blocked_by": "#1",
    }  # fmt: skip
    response = login("bob").post(f"{URL}new/", values, headers=HTMX)

    task = Task.objects.get(number=2)
    assert response.status_code == 200
    assert response.headers["HX-Trigger"] == "task-created"
    assert (task.subject, task.owner.name, task.priority) == ("Whole form", "hal", 2)  # type: ignore[union-attr]
    assert sorted(label.name for label in task.labels.all()) == ["api", "docs"]
    assert [edge.blocker.number for edge in task.waiting_on.all()] == [1]
    assert journal().count("task.created") == 2


def test_a_plain_form_makes_a_task_too(login: Login) -> None:
    response = login("bob").post(f"{URL}new/", {"subject": "Plain"})
    assert response.headers["Location"] == f"{URL}1/"
    elsewhere = login("bob").post(f"{URL}new/", {"subject": "B", "next": "https://evil.example/"})
    assert elsewhere.headers["Location"] == f"{URL}2/"


def test_a_replayed_form_makes_no_second_task(login: Login, team: Team) -> None:
    client = login("bob")
    key = re.findall(r'name="form_key" value="([^"]+)"', client.get(f"{URL}new/").content.decode())
    values = {"subject": "Once", "form_key": key[0]}
    assert client.post(f"{URL}new/", {**values, "subject": " "}).status_code == 422
    assert client.post(f"{URL}new/", values).status_code == 302
    again = client.post(f"{URL}new/", values)
    assert again.status_code == 409
    assert "sent already" in again.content.decode()
    assert Task.objects.filter(team=team).count() == 1


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"subject": "   "}, "subject"),
        ({"subject": "x" * 201}, "subject"),
        ({"subject": "x", "owner": "nobody"}, "owner"),
        ({"subject": "x", "owner": "vera"}, "owner"),
        ({"subject": "x", "blocked_by": "99"}, "blocked_by"),
        ({"subject": "x", "blocked_by": "first"}, "blocked_by"),
        ({"subject": "x", "due": "tomorrow"}, "due"),
        ({"subject": "x", "priority": "very"}, "priority"),
    ],
)
def test_a_new_task_with_wrong_values(login: Login, values: dict[str, str], field: str) -> None:
    response = login("bob").post(f"{URL}new/", values, headers=HTMX)
    assert response.status_code == 422
    assert f"&quot;{field}&quot;:" in response.content.decode()
    assert not Task.objects.exists()


@pytest.mark.parametrize("field", ["subject", "description", "labels", "owner"])
def test_a_character_that_no_database_keeps(login: Login, field: str) -> None:
    values = {"subject": "x", field: "a\0b"}
    assert login("bob").post(f"{URL}new/", values, headers=HTMX).status_code in (200, 422)


def test_an_observer_makes_no_task(login: Login) -> None:
    assert login("vera").post(f"{URL}new/", {"subject": "x"}, headers=HTMX).status_code == 403
    assert login("mallory").post(f"{URL}new/", {"subject": "x"}, headers=HTMX).status_code == 404


def test_an_edit_changes_what_it_names_and_nothing_else(login: Login, alice: Member) -> None:
    actions.create_task(alice, "Before", description="stays", owner="hal", labels=["api"])
    response = login("bob").post(
        f"{URL}1/edit/", {"subject": "After", "expected_version": 1, "from": "sheet"}, headers=HTMX
    )
    task = Task.objects.get(number=1)
    assert response.status_code == 200
    assert 'id="sheet-text-1"' in response.content.decode()
    assert (task.subject, task.description, task.owner.name) == ("After", "stays", "hal")  # type: ignore[union-attr]
    assert task.labels.count() == 1


def test_an_empty_value_takes_it_away(login: Login, alice: Member) -> None:
    actions.create_task(alice, "A card", owner="hal", labels=["api"], description="x")
    login("bob").post(f"{URL}1/edit/", {"owner": "", "labels": "", "description": ""}, headers=HTMX)
    task = Task.objects.get(number=1)
    assert (task.owner, task.labels.count(), task.description) == (None, 0, "")


def test_a_stale_page_is_told(login: Login, alice: Member) -> None:
    actions.create_task(alice, "A card")
    actions.edit_task(alice, 1, subject="Meanwhile")
    response = login("bob").post(
        f"{URL}1/edit/", {"subject": "Too late", "expected_version": 1}, headers=HTMX
    )
    assert response.status_code == 409
    assert "changed meanwhile" in response.content.decode()
    assert Task.objects.get(number=1).subject == "Meanwhile"


def test_a_comment_and_a_blank_one(login: Login, alice: Member) -> None:
    actions.create_task(alice, "A card")
    client = login("bob")
    said = client.post(f"{URL}1/comment/", {"body": "Hello <b>", "from": "sheet"}, headers=HTMX)
    assert "Hello &lt;b&gt;" in said.content.decode()
    assert client.post(f"{URL}1/comment/", {"body": "  "}, headers=HTMX).status_code == 422
    assert login("vera").post(f"{URL}1/comment/", {"body": "x"}, headers=HTMX).status_code == 403
    assert Task.objects.get(number=1).comment_count == 1


def test_a_question_and_its_answer(login: Login, alice: Member, hal: Member) -> None:
    actions.start_task(hal, actions.create_task(alice, "A card", owner="hal").number)
    client = login("alice")
    client.post(f"{URL}1/ask/", {"question": "Which one?", "of": "lead"}, headers=HTMX)
    assert Task.objects.get(number=1).needs_input == "lead"
    assert "Which one?" in client.get(f"{URL}1/").content.decode()
    client.post(f"{URL}1/answer/", {"text": "The first."}, headers=HTMX)
    assert Task.objects.get(number=1).needs_input == ""
    assert client.post(f"{URL}1/answer/", {"text": "Again"}, headers=HTMX).status_code == 409
    assert (
        client.post(f"{URL}1/ask/", {"question": "?", "of": "god"}, headers=HTMX).status_code == 422
    )


def test_edges_come_and_go_and_a_circle_is_refused(login: Login, alice: Member) -> None:
    for subject in "abc":
        actions.create_task(alice, subject)
    client = login("bob")
    assert client.post(f"{URL}1/blocked-by/", {"number": "#2"}, headers=HTMX).status_code == 200
    circle = client.post(f"{URL}2/blocked-by/", {"number": "1"}, headers=HTMX)
    assert circle.status_code == 409
    assert "#1" in circle.content.decode()
    client.post(f"{URL}1/blocked-by/2/remove/", headers=HTMX)
    assert not Task.objects.get(number=1).waiting_on.exists()
    client.post(f"{URL}1/related/", {"number": "3"}, headers=HTMX)
    assert Task.objects.get(number=3).related.get().number == 1
    client.post(f"{URL}1/related/3/remove/", headers=HTMX)
    assert not Task.objects.get(number=3).related.exists()
    assert client.post(f"{URL}1/related/", {"number": "2 3"}, headers=HTMX).status_code == 422
    assert login("vera").post(f"{URL}1/related/", {"number": 2}, headers=HTMX).status_code == 403


def test_a_task_page_costs_the_same_queries_with_much_on_it(
    login: Login, alice: Member, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    client = login("alice")
    actions.create_task(alice, "A card", labels=["a"])

    def fill() -> None:
        for index in range(4):
            actions.comment(alice, 1, f"Comment {index}")
            other = actions.create_task(alice, f"Other {index}")
            actions.add_blocker(alice, 1, other.number)
            actions.relate(alice, 1, other.number)

    def queries() -> int:
        with django_assert_max_num_queries(40) as counted:
            client.get(f"{URL}1/")
        return len(counted)

    fill()
    queries()
    few = queries()
    fill()
    assert queries() == few


def test_in_a_disbanded_team_all_is_read_only(login: Login, alice: Member, team: Team) -> None:
    from apps.teams.actions import transition_team

    actions.create_task(alice, "A card")
    transition_team(alice, "disbanded")
    client = login("alice")
    html = client.get(f"{URL}1/").content.decode()
    assert "A card" in html
    assert "data-verb" not in html
    assert 'id="composer"' not in html
    assert client.post(f"{URL}1/claim/", headers=HTMX).status_code in (403, 409)


def test_the_page_tells_when_it_was_worked_on_and_when_it_waited(
    login: Login, alice: Member, hal: Member
) -> None:
    actions.claim_task(hal, actions.create_task(alice, "A card").number)
    actions.ask(hal, 1, "Which one?")
    actions.answer(alice, 1, "The first.")
    actions.ask(hal, 1, "And then?")
    html = login("bob").get(f"{URL}1/").content.decode()
    rows = [text_of(row) for row in re.findall(r"<tr><td>.*?</tr>", html)]
    assert [row.partition(" just now")[0] for row in rows] == [
        "Waiting for an answer",
        "Waiting for an answer alice",
        "In progress hal",
    ]
    assert ["goes on" in row for row in rows] == [True, False, True]


def files(*names: str, size: int = 4) -> list[SimpleUploadedFile]:
    return [SimpleUploadedFile(name, b"a" * size, "text/plain") for name in names]


def test_files_go_with_a_comment_and_show_under_it(
    login: Login, alice: Member, settings: Any, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = tmp_path
    actions.create_task(alice, "A card")
    client = login("bob")
    picture = SimpleUploadedFile("shot.png", b"png", "image/png")
    said = {"body": "Look.", "attached": [*files("log.txt"), picture]}
    assert client.post(f"{URL}1/comment/", said, headers=HTMX).status_code == 200
    remark = Comment.objects.get()
    names = {file.name: file for file in remark.artifacts.all()}
    assert {(file.name, file.task) for file in names.values()} == {("log.txt", 1), ("shot.png", 1)}
    html = client.get(f"{URL}1/").content.decode()
    under = html[html.index(f'id="comment-{remark.pk}"') :]
    for name, kind in (("log.txt", "preview"), ("shot.png", "picture")):
        assert name in under
        assert f"/artifacts/{names[name].pk}/{kind}/" in under

    delete_artifact(alice, names["log.txt"].pk)
    html = client.get(f"{URL}1/").content.decode()
    assert "<s>log.txt</s>" in html[html.index(f'id="comment-{remark.pk}"') :]


def test_a_refused_comment_keeps_none_of_its_files(
    login: Login, alice: Member, settings: Any, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT, settings.MAX_UPLOAD_MB = tmp_path, 1
    actions.create_task(alice, "A card")
    client = login("bob")
    for said, status in (
        ({"body": "x" * 20_001, "attached": files("a.txt")}, 422),
        ({"body": "Look.", "attached": [*files("a.txt"), *files("b.txt", size=1_048_577)]}, 413),
    ):
        assert client.post(f"{URL}1/comment/", said, headers=HTMX).status_code == status
    assert login("vera").post(
        f"{URL}1/comment/", {"attached": files("a.txt")}, headers=HTMX
    ).status_code == 403  # fmt: skip
    assert Comment.objects.count() == Artifact.objects.count() == 0
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
