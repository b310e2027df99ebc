"""Segments as they are written on the command line, or in a file of JSON."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from apps.generations.segments import INVALID, clean_rows
from apps.inference.backends import RenderSegment
from studio.errors import StudioError

SEGMENT = "START-END[=AUDIO[@FROM[-TO]]]"
_NUMBER = r"(\d+(?:\.\d+)?)"
_RANGE = re.compile(rf"{_NUMBER}-{_NUMBER}")
_CROP = re.compile(rf"(.+)@{_NUMBER}(?:-{_NUMBER})?")


def read_segments(
    driven: Sequence[str], left_alone: Sequence[str], file: Path | None, model: str
) -> tuple[RenderSegment, ...]:
    """The segments of a job: written one by one (``driven``, ``left_alone``) and listed in ``file``.

    A file holds what the studio keeps of a take's segments, but names sounds by their paths, relative to itself.
    Raises ``StudioError`` for what cannot be read.
    """
    rows = [_written(text) for text in driven]
    rows += [(_bounds(text, text) | {"lipsync": False}, None) for text in left_alone]
    if file is not None:
        rows += _listed(file)
    segments = [_segment(row, audio, model) for row, audio in rows]
    return tuple(sorted(segments, key=lambda segment: segment.start_s))


def _segment(row: dict[str, Any], audio: Path | None, model: str) -> RenderSegment:
    if audio is not None and not audio.is_file():
        raise _refusal(f"There is no file {audio}.", "Name the sound of the segment as it lies on this machine.")
    (clean,), _ = clean_rows([row], model)
    return RenderSegment(**clean | {"audio": audio})


def _written(text: str) -> tuple[dict[str, Any], Path | None]:
    bounds, equals, sound = text.partition("=")
    row = _bounds(bounds, text)
    if not equals:
        return row, None
    crop = _CROP.fullmatch(sound)
    if crop is None or Path(sound).is_file():  # a name may hold an @ itself
        return row, Path(sound)
    path, start, end = crop.groups()
    return row | {"audio_start_s": float(start), "audio_end_s": float(end) if end else None}, Path(path)


def _bounds(text: str, whole: str) -> dict[str, Any]:
    found = _RANGE.fullmatch(text.strip())
    if found is None:
        raise _refusal(f"“{whole}” is no segment.", f"Write {SEGMENT}, in seconds.")
    return {"start_s": float(found[1]), "end_s": float(found[2])}


def _listed(file: Path) -> list[tuple[dict[str, Any], Path | None]]:
    try:
        rows = json.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise _refusal(f"{file} cannot be read: {error}.", "Write a list of segments as JSON.") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise _refusal(f"{file} holds no list of segments.", "Write one object for each segment.")
    return [(row | {"audio": None}, file.parent / str(row["audio"]) if row.get("audio") else None) for row in rows]


def _refusal(message: str, advice: str) -> StudioError:
    return StudioError(INVALID, message, advice, field="segments")
