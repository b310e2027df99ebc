"""Whose mouth is driven, as people and programs choose it: checked, in one form.

Kept is False (whom the video is mostly about), True (whoever speaks), or an object with a ``kind``: ``person`` with
``id``, ``point`` with ``frame``, ``x`` and ``y``, ``boxes`` with ``boxes``, or ``all``. The hosted API's names for the
same (``auto_detect``, ``frame_number`` with ``coordinates``, ``bounding_boxes``) are understood as well.
"""

import json
import sys
from collections.abc import Mapping
from typing import Any

from studio.errors import StudioError

FaceChoice = bool | dict[str, Any]

CODE = "generation_input_face_selection_invalid"
FIELD = "active_speaker_detection"
KINDS = ("auto", "active_speaker", "all", "person", "point", "boxes")
HOSTED = {"auto_detect", "frame_number", "coordinates", "bounding_boxes", "v3"}
MOST_BOXES = 120_000  # an hour at 30 frames a second
MOST = 10_000_000  # no frame and no pixel has a higher number
YES = {"true", "on", "1", "yes"}
NO = {"false", "off", "0", "no", ""}


def clean_face(raw: Any) -> FaceChoice:
    """A choice in the form that is kept; raises ``StudioError`` (422) for one that cannot be understood."""
    if isinstance(raw, str) and raw.lstrip().startswith("{"):
        raw = _from_text(raw)
    if not isinstance(raw, Mapping):
        text = str("" if raw is None else raw).strip().lower()
        if text not in YES | NO:
            raise _refusal(f"A face is chosen by “{text[:40]}”.", "Send true, false, or an object with a kind.")
        return text in YES
    chosen = dict(raw) if "kind" in raw else _from_hosted(raw)
    kind = chosen.get("kind")
    if kind == "auto":
        return False
    if kind == "active_speaker":
        return True
    if kind == "all":
        return {"kind": "all"}
    if kind == "person":
        return {"kind": "person", "id": _number(chosen, "id")}
    if kind == "point":
        return {"kind": "point"} | {name: _number(chosen, name) for name in ("frame", "x", "y")}
    if kind == "boxes":
        return {"kind": "boxes", "boxes": _boxes(chosen.get("boxes"))}
    raise _refusal(f"“{str(kind)[:40]}” is no way to choose a face.", f"Use one of: {', '.join(KINDS)}.")


def engine_face(choice: FaceChoice | None) -> dict[str, Any] | None:
    """A cleaned choice as the engine takes it."""
    if isinstance(choice, Mapping):
        return dict(choice)
    return {"kind": "active_speaker"} if choice else None


def _from_text(text: str) -> Any:
    """The object that a form or a command line sends as JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _refusal(
            "The choice of a face is no JSON.", 'Write, for instance, {"kind": "person", "id": 1}.'
        ) from error


def _from_hosted(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The three ways of the hosted API, which exclude each other."""
    given = {name: value for name, value in raw.items() if value is not None and value is not False}
    unknown = next((str(name) for name in given if name not in HOSTED), None)
    if unknown is not None:
        raise _refusal(f"A face is not chosen by “{unknown[:40]}”.", f"Use: {', '.join(sorted(HOSTED - {'v3'}))}.")
    ways = [
        way for way, names in (("speaker", {"auto_detect"}), ("point", {"frame_number", "coordinates"}),
                               ("boxes", {"bounding_boxes"})) if names & set(given)
    ]  # fmt: skip
    if len(ways) > 1:
        raise _refusal("The face is chosen in more than one way.", "Send one of them only.")
    if ways == ["speaker"]:
        return {"kind": "active_speaker" if clean_face(given["auto_detect"]) else "auto"}
    if ways == ["boxes"]:
        return {"kind": "boxes", "boxes": given["bounding_boxes"]}
    if ways == ["point"]:
        at = raw.get("coordinates")
        if raw.get("frame_number") is None or not isinstance(at, list | tuple) or len(at) != 2:
            raise _refusal("A point needs a frame and two coordinates.", "Send frame_number and coordinates [x, y].")
        return {"kind": "point", "frame": raw["frame_number"], "x": at[0], "y": at[1]}
    return {"kind": "auto"}


def _number(raw: Mapping[str, Any], name: str) -> int | float:
    value: Any = raw.get(name)
    whole = name in ("id", "frame")
    if not _is_number(value) or value < 0 or value > MOST or (whole and value != int(value)):
        raise _refusal(f"The {name} of the chosen face is “{str(value)[:40]}”.", "It is a number from 0 on.")
    return int(value) if value == int(value) else float(value)


def _boxes(raw: Any) -> list[list[float] | None]:
    if not isinstance(raw, list | tuple) or not raw or len(raw) > MOST_BOXES:
        raise _refusal("The boxes are no list of a box or null for each frame.", f"Send 1 to {MOST_BOXES} of them.")
    for frame, box in enumerate(raw):
        if box is not None and not (
            isinstance(box, list | tuple) and len(box) == 4 and all(_is_number(value) for value in box)
        ):
            raise _refusal(f"The box of frame {frame} is “{str(box)[:40]}”.", "Send [x1, y1, x2, y2] or null.")
    if not any(raw):
        raise _refusal("No frame has a box.", "Send [x1, y1, x2, y2] for the frames whose lips shall move.")
    return [None if box is None else [round(float(value), 1) for value in box] for box in raw]


def _is_number(value: Any) -> bool:
    # JSON's whole numbers have no end, and those beyond a float's range cannot even be asked whether they are finite.
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def _refusal(message: str, advice: str) -> StudioError:
    return StudioError(CODE, message, advice, status=422, field=FIELD)
