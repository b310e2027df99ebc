"""The Celery application: configured by Django's settings, tasks found in each app."""

import os
from typing import Any

from celery import Celery
from celery.result import AsyncResult

from studio import broker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "studio.settings")


class Studio(Celery):
    """Sends without a result what is sent by its name: nobody reads it.

    For a result Celery asks Redis before it sends. While Redis is away that held up each request for 20 s and ended as
    a RuntimeError, which nobody expects of a queue; without one it is an OperationalError within a second.
    """

    def send_task(self, *args: Any, **options: Any) -> AsyncResult:
        options.setdefault("ignore_result", True)
        return super().send_task(*args, **options)


broker.use()
app = Studio("studio")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
