from importlib import import_module

from django.apps import AppConfig


class InferenceConfig(AppConfig):
    name = "apps.inference"

    def ready(self) -> None:
        import_module("apps.inference.announcing")  # which listens to Celery's signals
