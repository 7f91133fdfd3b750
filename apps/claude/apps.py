from django.apps import AppConfig


class ClaudeConfig(AppConfig):
    name = "apps.claude"

    def ready(self) -> None:
        """Follow the home that `up` was given, beside the server."""
        from apps.claude.beside import follow_beside
        from apps.core import ports

        ports.beside_the_server.append(follow_beside)
