"""What cannot be asked of a model that another studio renders: said before a take is submitted, and by the worker."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from apps.catalog.registry import FACE
from studio.errors import StudioError

# The backend of that name, see docs/backends.md.
REMOTE = "remote"
# Choices of a face that the API has names for.
FACES_TOLD = ("point", "boxes")


def is_rendered_elsewhere(model: str) -> bool:
    """Whether takes of this model are forwarded to another studio."""
    return settings.INFERENCE_BACKENDS.get(model) == REMOTE


def refusals(model: str, *, marked: bool, segmented: bool, options: Mapping[str, Any]) -> list[StudioError]:
    """Why a take of such a model cannot be forwarded: a watermark, segments, or a face the API has no name for.

    ``options`` are clean.
    """
    found = []
    if marked:
        found.append(
            StudioError(
                "plan_feature_unavailable",
                f"{model} is rendered by another studio here, and results of your plan carry this studio's name, "
                "which the other one does not add.",
                "Choose another model, or change the plan.",
                field="model",
                status=402,
            )
        )
    if segmented:
        found.append(
            StudioError(
                "generation_input_segments_invalid",
                f"{model} is rendered by another studio here, which is not sent segments.",
                "Remove the segments, or choose another model.",
                field="segments",
            )
        )
    face = options.get(FACE)
    if isinstance(face, Mapping) and face.get("kind") not in FACES_TOLD:
        found.append(
            StudioError(
                "generation_input_face_selection_invalid",
                "The studio that renders this model cannot be told which person is meant.",
                "Point at the face instead, or choose another model.",
                field=FACE,
            )
        )
    return found
