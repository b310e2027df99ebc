from importlib import import_module

from django.apps import AppConfig


class InferenceConfig(AppConfig):
    name = "apps.inference"

    def ready(self) -> None:
        for listener in ("announcing", "freeing"):  # to Celery's signals
            import_module(f"apps.inference.{listener}")
