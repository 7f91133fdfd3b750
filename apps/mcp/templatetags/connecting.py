"""What to paste to connect an agent, with this site's address and its token."""

from __future__ import annotations

import json
import re
from typing import NamedTuple

from django import template
from django.conf import settings
from django.http import HttpRequest

from apps.mcp.door import ADDRESS

register = template.Library()
PLACEHOLDER = "<token>"


class Way(NamedTuple):
    """A client, what to paste for it, and where."""

    key: str
    title: str
    text: str
    note: str


@register.simple_tag
def ways_in(request: HttpRequest, slug: str, secret: str = "") -> list[Way]:
    """One way for each client, the token filled in while it is known."""
    token = secret or PLACEHOLDER
    url = (settings.PUBLIC_URL or request.build_absolute_uri("/").rstrip("/")) + ADDRESS
    name = "team-" + re.sub(r"[^a-z0-9-]", "-", slug)
    header = f"Authorization: Bearer {token}"
    variable = name.upper().replace("-", "_") + "_TOKEN"
    config = {"type": "http", "url": url, "headers": {"Authorization": f"Bearer {token}"}}
    return [
        Way(
            "claude",
            "Claude Code",
            f'claude mcp add --transport http {name} {url} --header "{header}"',
            "In the directory where the agent works.",
        ),
        Way(
            "codex",
            "Codex",
            f"export {variable}={token} && codex mcp add {name} --url {url}"
            f" --bearer-token-env-var {variable}",
            "Codex reads the variable at every start: keep the export where your shell finds it.",
        ),
        Way(
            "gemini",
            "Gemini CLI",
            f'gemini mcp add --transport http --header "{header}" {name} {url}',
            "In the directory where the agent works.",
        ),
        Way(
            "json",
            "Any other client",
            json.dumps({"mcpServers": {name: config}}, indent=2),
            "For the client's MCP settings. Some name the address httpUrl or serverUrl.",
        ),
    ]
