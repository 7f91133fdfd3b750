from __future__ import annotations

import base64
import binascii
import mimetypes
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from apps.api import shapes
from apps.core.errors import Invalid
from apps.mcp import advice, shown
from apps.mcp.catalogue import Data, tool
from apps.mcp.fields import Args, Number
from apps.teams import actions
from apps.teams.models import Member


class AddArtifact(Args):
    name: Annotated[str, Field(description="A file name; the same again makes a new version.")]
    text: str | None = None
    base64: Annotated[str | None, Field(description="For bytes, instead of text.")] = None
    content_type: str = ""
    task: Annotated[Number | None, Field(description="Leave out for the team's own.")] = None


class Added(TypedDict):
    """The artifact without its bytes, and what to do next."""

    artifact: Data
    next: str


@tool
def add_artifact(member: Member, asked: AddArtifact) -> Added:
    """Keep a deliverable on a task or the team: a report, a patch, a picture. Up to about 700 KB
    here; larger files go to the REST address in the result's url without /<id>/content."""
    content, kind = _content(asked)
    artifact = actions.add_artifact(member, asked.name, content, content_type=kind, task=asked.task)
    shape = shown.lean(shapes.of_artifact(artifact, member.team))
    return {"artifact": shape, "next": advice.kept(shape)}


def _content(asked: AddArtifact) -> tuple[bytes, str]:
    """The bytes and their type, which the name tells where nobody said it."""
    if (asked.text is None) == (asked.base64 is None):
        raise Invalid(fields={"text": "Give either text or base64."})
    kind = asked.content_type or mimetypes.guess_type(asked.name)[0] or ""
    if asked.text is not None:
        kind = kind or "text/plain"
        plain = kind.startswith("text/") and ";" not in kind
        return asked.text.encode(), f"{kind}; charset=utf-8" if plain else kind
    try:
        return base64.b64decode(asked.base64 or "", validate=True), kind
    except binascii.Error:
        raise Invalid(fields={"base64": "This is not base64."}) from None
