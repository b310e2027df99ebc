"""System checks: each misconfiguration has an id, a sentence and a hint. ``manage.py check --deploy`` runs them too."""

from importlib.util import find_spec
from pathlib import Path

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

from apps.catalog.registry import MODELS
from apps.inference.backends.registry import SHIPPED


@register
def models_are_unpacked(app_configs, **kwargs) -> list[CheckMessage]:
    """The nets of the engine lie in the models folder."""
    if settings.MODELS_DIR.is_dir() and any(settings.MODELS_DIR.iterdir()):
        return []
    return [
        Warning(
            f"The face and speech nets are not in {settings.MODELS_DIR}, so no generation can run.",
            hint="Run `make models`, or point STUDIO_MODELS to the folder that has them.",
            id="studio.W001",
        )
    ]


@register
def frontend_is_fetched(app_configs, **kwargs) -> list[CheckMessage]:
    """The front-end libraries of package.json are there."""
    if settings.VENDOR_DIR.is_dir():
        return []
    return [
        Warning(
            "The front-end libraries are missing; uploads and waveforms will not work.",
            hint="Run `make frontend`.",
            id="studio.W002",
        )
    ]


@register
def production_keeps_its_address_safe(app_configs, **kwargs) -> list[CheckMessage]:
    """In production the public address is https, or cookies would not be sent."""
    if not settings.PRODUCTION or settings.PUBLIC_URL.startswith("https://"):
        return []
    return [
        Error(
            f"STUDIO_URL is {settings.PUBLIC_URL}. In production it starts with https://.",
            hint="Put a TLS proxy in front and name the address people type.",
            id="studio.E001",
        )
    ]


@register
def several_machines_share_media(app_configs, **kwargs) -> list[CheckMessage]:
    """Production on local disk works only while web and workers see the same folder."""
    if not settings.PRODUCTION or settings.S3_BUCKET:
        return []
    return [
        Warning(
            f"Media lies on the local disk in {settings.DATA_DIR / 'media'}.",
            hint="Fine while web and workers share that folder; else set S3_BUCKET.",
            id="studio.W003",
        )
    ]


@register
def backends_are_named_as_they_are_called(app_configs, **kwargs) -> list[CheckMessage]:
    """``STUDIO_BACKENDS`` names models there are and, where it is no class of one's own, backends there are."""
    chosen = settings.INFERENCE_BACKENDS
    wrong = [f"the model {model}" for model in chosen if model not in MODELS]
    wrong += [f"the backend {name}" for name in sorted(set(chosen.values())) if "." not in name and name not in SHIPPED]
    known = f"Models are {', '.join(MODELS)}; backends {', '.join(SHIPPED)}, or the dotted path of a class."
    return [Error(f"STUDIO_BACKENDS names {one}, which there is not.", hint=known, id="studio.E003") for one in wrong]


@register
def backends_have_what_they_need(app_configs, **kwargs) -> list[CheckMessage]:
    """The optional backends that are chosen have their package and their settings."""
    chosen = set(settings.INFERENCE_BACKENDS.values())
    missing = []
    if "onnx" in chosen:
        missing += [] if find_spec("onnxruntime") else ["the package onnxruntime (requirements-onnx.txt)"]
        missing += [] if Path(settings.ONNX_FILE).is_file() else ["a net: STUDIO_ONNX_FILE names no file"]
    if "remote" in chosen:
        missing += [] if find_spec("sync") else ["the package syncsdk (requirements-remote.txt)"]
        missing += [] if settings.REMOTE_URL and settings.REMOTE_KEY else ["STUDIO_REMOTE_URL and STUDIO_REMOTE_KEY"]
    return [
        Error(f"A chosen backend lacks {what}.", hint="See docs/backends.md.", id="studio.E002") for what in missing
    ]
