from __future__ import annotations

from django.apps import AppConfig

from apps.core import ports


def first_administrator_path() -> str | None:
    """The one-time link that `up` prints as long as the site has no administrator."""
    from django.urls import reverse

    from apps.teams.setup import setup_link_token

    token = setup_link_token()
    return reverse("setup", args=[token]) if token else None


class TeamsConfig(AppConfig):
    name = "apps.teams"

    def ready(self) -> None:
        """Plug into `up`."""
        ports.first_run.append(first_administrator_path)
