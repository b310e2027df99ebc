"""Which engine runs a model."""

from functools import cache

from django.conf import settings
from django.utils.module_loading import import_string

from apps.inference.backends.base import Backend

DEFAULT = "native"
SHIPPED = {
    "native": "apps.inference.backends.native.NativeBackend",
    "onnx": "apps.inference.backends.onnx.OnnxBackend",
    "remote": "apps.inference.backends.remote.RemoteBackend",
}


def backend_for(model: str) -> Backend:
    """The engine for a model: the one ``STUDIO_BACKENDS`` names for it, else our own.

    A name is a shipped one or the dotted path of a class. Raises ``ImportError`` for one that does not exist.
    """
    return load(settings.INFERENCE_BACKENDS.get(model, DEFAULT))


@cache
def load(name: str) -> Backend:
    """One instance for each name and process: engines keep their nets in memory."""
    return import_string(SHIPPED.get(name, name))()
