from __future__ import annotations

from django.apps import AppConfig

from apps.core import ports
from apps.mcp.demo.beside import demonstrate


class McpConfig(AppConfig):
    name = "apps.mcp"

    def ready(self) -> None:
        """Plug into `up`."""
        ports.beside_the_server.append(demonstrate)
