"""The Celery application: configured by Django's settings, tasks found in each app."""

import os

from celery import Celery

from studio import broker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "studio.settings")

broker.use()
app = Celery("studio")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
