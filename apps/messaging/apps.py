from django.apps import AppConfig


class MessagingConfig(AppConfig):
    name = "apps.messaging"

    def ready(self) -> None:
        from apps.messaging.actions.discussions import close_all
        from apps.teams import endings

        endings.on_disband(close_all)
