from django.apps import AppConfig


class GenerationsConfig(AppConfig):
    name = "apps.generations"

    def ready(self) -> None:
        from apps.generations import receivers  # noqa: F401  connects itself
