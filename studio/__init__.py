"""The project package. Importing it makes Celery's application known to Django."""

from studio.celery import app as celery_app

__all__ = ["celery_app"]
