"""From a posted form to an edit of the draft."""

import json
from typing import Any
from uuid import UUID

from django.http import QueryDict

from apps.assets.access import asset_in
from apps.assets.models import Asset
from apps.catalog.faces import clean_face
from apps.catalog.registry import FACE, MODELS, OPTIONS, SYNC_MODES, OptionValue
from apps.projects.services import DraftChanges
from apps.workspaces.models import Membership
from studio.errors import StudioError

INVALID = "draft_invalid"
OPTION_PREFIX = "option-"
# A value that the page cannot show stays as it is; a person of the footage check is named by number; a place of the
# draft that had no file has none again when that is undone.
KEEP, PERSON, NO_FILE = "keep", "person:", "none"


def posted_revision(post: QueryDict) -> int:
    """The revision the edit was based on; ``over`` is the one a person chose to write over."""
    text = post.get("over") or post.get("revision", "")
    if not text.isdecimal() or len(text) > 9:
        raise StudioError(INVALID, "The page did not say which draft it shows.", "Load the page again.", status=400)
    return int(text)


def posted_second(post: QueryDict) -> float:
    """The second of the playhead; 0 where the form names none."""
    try:
        second = float(post.get("at", ""))
    except ValueError:
        return 0.0
    return second if 0 <= second < float("inf") else 0.0


def posted_changes(membership: Membership, post: QueryDict) -> DraftChanges:
    """What a form says about the draft; fields it does not hold stay as they are.

    A switch that is off is posted as ``off`` by a hidden field before it, since browsers leave unchecked boxes out.
    Raises ``StudioError`` for a value that is none, ``Http404`` for a file of another workspace.
    """
    changes = DraftChanges(
        video=_file(membership, post.get("video")),
        audio=_file(membership, post.get("audio")),
        emptied=frozenset(place for place in ("video", "audio") if post.get(place) == NO_FILE),
        model=post.get("model"),
        sync_mode=post.get("sync_mode"),
        options={name: _option(name, post) for name in OPTIONS if post.get(OPTION_PREFIX + name, KEEP) != KEEP},
        segments=_segments(post.get("segments", "")) if "segments" in post else None,
    )
    if changes.model is not None and changes.model not in MODELS:
        raise StudioError(INVALID, f"There is no model “{changes.model}”.", "Choose one of the list.", field="model")
    if changes.sync_mode is not None and changes.sync_mode not in SYNC_MODES:
        raise StudioError(
            INVALID, f"There is no sync mode “{changes.sync_mode}”.", "Choose one of the five.", field="sync_mode"
        )
    return changes


def _file(membership: Membership, text: str | None) -> Asset | None:
    if not text or text == NO_FILE:
        return None
    try:
        return asset_in(membership, UUID(text))
    except ValueError:
        raise StudioError(INVALID, "That is no file of the library.", "Choose one of the list.", status=400) from None


def _segments(text: str) -> list[dict[str, Any]]:
    """All segments as JSON; nothing typed means none."""
    try:
        found = json.loads(text or "[]")
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list):
        raise StudioError(INVALID, "The segments cannot be read.", "Load the page again.", field="segments")
    return found


def posted_person(text: str) -> OptionValue:
    """Somebody of the footage check, as a form names them: ``person:2``."""
    number = text.removeprefix(PERSON)
    return clean_face({"kind": "person", "id": int(number) if number.isdecimal() and len(number) < 8 else number})


def _option(name: str, post: QueryDict) -> OptionValue:
    spec, text = OPTIONS[name], post.get(OPTION_PREFIX + name, "")
    if name == FACE and text.startswith(PERSON):
        return posted_person(text)
    if spec.kind == "switch":
        return text == "on"
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        value = float("nan")
    if not spec.minimum <= value <= spec.maximum:
        raise StudioError(
            INVALID,
            f"{spec.label} is “{text}”.",
            f"Give a number from {spec.minimum:g} to {spec.maximum:g}.",
            field=OPTION_PREFIX + name,
        )
    return value
