from django.apps import AppConfig


class TasksConfig(AppConfig):
    name = "apps.tasks"

    def ready(self) -> None:
        from apps.tasks.actions.leaving import let_go, renew_waiting
        from apps.teams import endings

        endings.on_seat_end(let_go)
        endings.on_settings(renew_waiting)
