"""How another machine's teams are followed: this site's address, and the line to paste there."""

from __future__ import annotations

from django import template
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

register = template.Library()
PLACEHOLDER = "<token>"


@register.simple_tag
def site_address(request: HttpRequest) -> str:
    """Where this site is reached, without a slash at the end."""
    return settings.PUBLIC_URL or request.build_absolute_uri("/").rstrip("/")


@register.simple_tag
def follow_line(request: HttpRequest, secret: str = "") -> str:
    """Fetches the follower and starts it, the token filled in while it is known."""
    site, program = site_address(request), reverse("claude_program")
    token = secret or PLACEHOLDER
    return (
        f"curl -fsSO {site}{program} && "
        f"python3 follow.pyz ~/.claude --server {site} --token {token}"
    )
