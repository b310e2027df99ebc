"""What each line of the log is about: the request, the take, the step. It follows the work from web to worker.

A request gets a number (see ``studio/middleware.py``). What it sends to Celery carries the number in the message's
headers, so one search finds what a click caused on all machines.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any

from celery import Task
from celery.signals import before_task_publish, task_prerun

NAMES = ("request_id", "generation_id", "task")
HEADER = "studio_request_id"
# A line for each task that began, ended or came too late drowns everything else: the clock alone sends one a second.
NOISY = ("celery.app.trace", "celery.worker.strategy", "celery.worker.request", "fontTools", "fpdf")

_about: ContextVar[Mapping[str, str]] = ContextVar("about", default=MappingProxyType({}))


def begin(**about: str) -> None:
    """Start anew: what follows in this thread is about this and nothing from before."""
    _about.set(about)


def note(**about: str) -> None:
    """Add to what the following lines of this thread are about."""
    _about.set({**_about.get(), **about})


def about() -> Mapping[str, str]:
    """What the current work is about, by the names of ``NAMES``."""
    return _about.get()


@contextmanager
def noted(**about: str) -> Iterator[None]:
    """The same as :func:`note` for the time of a block."""
    token = _about.set({**_about.get(), **about})
    try:
        yield
    finally:
        _about.reset(token)


class AboutFilter(logging.Filter):
    """Gives each record what it is about, by the names of ``NAMES``."""

    def filter(self, record: logging.LogRecord) -> bool:
        known = _about.get()
        for name in NAMES:
            setattr(record, name, known.get(name))
        return True


class LineFormatter(logging.Formatter):
    """A line for people, which ends in what it is about: "… [request_id=1f2e, generation_id=…]"."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        told = ", ".join(f"{name}={value}" for name in NAMES if (value := getattr(record, name, None)))
        return super().formatMessage(record) + (f" [{told}]" if told else "")


@before_task_publish.connect
def carry(headers: dict[str, Any] | None = None, **kwargs: Any) -> None:
    """Put the request's number on the message."""
    if headers is not None and "request_id" in _about.get():
        headers[HEADER] = _about.get()["request_id"]


@task_prerun.connect
def take_over(task: Task | None = None, **kwargs: Any) -> None:
    """Begin a task's lines with its name and the number its message carries."""
    if task is None:
        return
    came_from = getattr(task.request, HEADER, None)
    begin(task=task.name, **({"request_id": came_from} if came_from else {}))


def configuration(*, as_json: bool, level: str) -> dict[str, Any]:
    """``LOGGING``: one line for each event on standard error, for people or as JSON."""
    names = " ".join(f"%({name})s" for name in ("asctime", "levelname", "name", "message", *NAMES, "process"))
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"about": {"()": "studio.logs.AboutFilter"}},
        "formatters": {
            "line": {
                "()": "studio.logs.LineFormatter",
                "format": "{asctime} {levelname:7} {name}: {message}",
                "style": "{",
            },
            "json": {
                "()": "pythonjsonlogger.json.JsonFormatter",
                "format": names,
                "rename_fields": {"asctime": "at", "levelname": "level", "name": "logger"},
            },
        },
        "handlers": {
            "console": {
                "class": "logging.StreamHandler",
                "formatter": "json" if as_json else "line",
                "filters": ["about"],
            }
        },
        "root": {"handlers": ["console"], "level": level},
        "loggers": {name: {"level": "WARNING"} for name in NOISY},
    }
