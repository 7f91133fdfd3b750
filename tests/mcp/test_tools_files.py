from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from apps.tasks import actions
from apps.teams.actions import add_artifact
from apps.teams.models import Artifact
from tests.conftest import Cast, make_cast
from tests.mcp.conftest import Connect, act


@pytest.fixture(autouse=True)
def shelf(settings: Any, tmp_path: Path) -> None:
    """Bytes go to a directory of the test."""
    settings.MEDIA_ROOT = tmp_path


async def test_a_text_and_bytes_are_kept(team: Cast, connect: Connect) -> None:
    await act(actions.create_task, team.alice, "Parse")
    async with connect(team.hal) as hal:
        report = await hal.do("add_artifact", name="report.md", text="# Done", task=1)
        again = await hal.do("add_artifact", name="report.md", text="# Better", task=1)
        await hal.do("add_artifact", name="dot.png", base64="iVBORw==", content_type="image/png")
        whole = await hal.do("get_task", number=1)
    assert (report["artifact"]["version"], again["artifact"]["version"]) == (1, 2)
    assert [file["version"] for file in whole["artifacts"]] == [2, 1]
    stored = await Artifact.objects.aget(name="dot.png")
    assert Path(stored.content.path).read_bytes() == b"\x89PNG"


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        ({"name": "a.md", "text": "# A"}, "text/markdown; charset=utf-8"),
        ({"name": "a.json", "text": "{}"}, "application/json"),
        ({"name": "a", "text": "a"}, "text/plain; charset=utf-8"),
        (
            {"name": "a.md", "text": "a", "content_type": "text/x-diff"},
            "text/x-diff; charset=utf-8",
        ),
        (
            {"name": "a.md", "text": "a", "content_type": "text/plain; charset=utf-8"},
            "text/plain; charset=utf-8",
        ),
        ({"name": "a.png", "base64": "iVBORw=="}, "image/png"),
        ({"name": "a.unheard-of", "base64": "iVBORw=="}, "application/octet-stream"),
    ],
)
async def test_a_file_is_of_the_kind_that_was_said_or_that_its_name_tells(
    team: Cast, connect: Connect, arguments: dict[str, Any], kind: str
) -> None:
    async with connect(team.hal) as hal:
        kept = await hal.do("add_artifact", **arguments)
    assert kept["artifact"]["content_type"] == kind
    assert kept["next"] == "briefing()"


async def test_a_task_shows_only_its_own_files(team: Cast, connect: Connect) -> None:
    other = await act(make_cast, "elsewhere")
    for cast in (team, other):
        await act(actions.create_task, cast.alice, "Parse")
        await act(actions.create_task, cast.alice, "Write")
    await act(add_artifact, other.hal, "theirs.md", b"a", task=1)
    await act(add_artifact, team.hal, "another.md", b"a", task=2)
    await act(add_artifact, team.hal, "ours.md", b"a", task=1)
    await act(add_artifact, team.hal, "teams.md", b"a")
    async with connect(team.hal) as hal:
        whole = await hal.do("get_task", number=1)
    assert [file["name"] for file in whole["artifacts"]] == ["ours.md"]


async def test_a_file_goes_with_a_comment(team: Cast, connect: Connect) -> None:
    await act(actions.create_task, team.alice, "Parse")
    async with connect(team.hal) as hal:
        await hal.do("comment", number=1, body="First.")
        kept = (await hal.do("add_artifact", name="log.txt", text="a", task=1))["artifact"]["id"]
        said = await hal.do("comment", number=1, body="See the log.", artifacts=[kept])
        error = await hal.refused("comment", number=1, body="See.", artifacts=[kept + 1])
        whole = await hal.do("get_task", number=1)
    assert said["comment"]["artifacts"] == [kept]
    assert said["next"].startswith("claim_task() for the next one")
    assert set(error["fields"]) == {"artifacts"}
    assert [remark.get("artifacts") for remark in whole["comments"]] == [None, [kept]]


@pytest.mark.parametrize(
    "arguments",
    [{}, {"text": "a", "base64": "YQ=="}, {"base64": "not base64!"}, {"text": "a", "task": 9}],
)
async def test_what_is_no_file_is_refused(
    team: Cast, connect: Connect, arguments: dict[str, Any]
) -> None:
    async with connect(team.hal) as hal:
        error = await hal.refused("add_artifact", name="a.txt", **arguments)
    assert error["code"] == "invalid"
    assert await Artifact.objects.acount() == 0
