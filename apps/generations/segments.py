"""Segments of a take: ranges of the film with their own sound, face or options, or that stay as they were.

They are kept as JSON, a list of objects: ``start_s`` and ``end_s`` (seconds of the result), ``lipsync``, ``audio`` (id
of an asset, null for the main soundtrack), ``audio_start_s``, ``audio_end_s`` (null: its end), ``face`` and
``options`` (options of the model and ``sync_mode`` that differ here). What they do is the engine's affair
(``apps/inference/engine/segments.py``); here they are checked and counted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from apps.assets.models import Asset, Kind
from apps.catalog.faces import clean_face, engine_face
from apps.catalog.registry import OPTIONS, check_sync_mode, clean_options, output_seconds
from apps.inference.engine.errors import EngineError
from apps.inference.engine.segments import MAIN, Segment, Span, check_order, driven_spans
from apps.workspaces.models import Workspace
from studio.errors import StudioError

INVALID = "generation_input_segments_invalid"
# Each segment is planned, drawn and joined by itself; more of them than this is an edit list, not a take.
MOST = 50
FIELDS = ("start_s", "end_s", "lipsync", "audio", "audio_start_s", "audio_end_s", "face", "options")
WHOLE_TAKE = "reasoning_enabled"  # the second look is one at the whole take
UNHEARD_S = 0.1  # a sound that is longer or shorter than its range by less is not worth a sentence
FOREVER_S = 1e9


@dataclass(frozen=True)
class Segments:
    """Checked segments: ``rows`` to keep, in order of time, the assets heard in them by their ids, seconds of the
    result (``length_s``), its driven stretches (``spans``), and sentences worth knowing.
    """

    rows: list[dict[str, Any]]
    sounds: dict[str, Asset]
    length_s: float
    spans: list[Span]
    warnings: list[str] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """Of the result, those lipsynced."""
        return sum(span.end_s - span.start_s for span in self.spans)


def clean_segments(
    raw: Any, *, workspace: Workspace, video: Asset, audio: Asset, model: str, sync_mode: str
) -> Segments:
    """Check segments as they were typed or sent; ``video`` and ``audio`` (the main soundtrack) are known and checked.

    Raises ``StudioError`` with the first thing that is wrong. A sound of another workspace is one that does not exist.
    """
    audio_s = audio.heard_s or 0.0
    picture_s = audio_s if video.kind == Kind.IMAGE else video.duration_s or 0.0
    rows, warnings = clean_rows(raw, model)
    sounds = _sounds(rows, workspace)
    segments = [_segment(row) for row in rows]
    only_gaps = not any(segment.lipsync for segment in segments)
    length_s = output_seconds(sync_mode, picture_s, audio_s) if only_gaps else picture_s
    lengths = {MAIN: audio_s} | {
        segment.sound(index): sounds[str(segment.audio)].heard_s or FOREVER_S
        for index, segment in enumerate(segments)
        if segment.audio is not None
    }
    try:
        check_order(segments, length_s)
    except EngineError as error:
        raise _refusal(error.message, error.advice) from error
    spans = driven_spans(segments, length_s, lengths, sync_mode)
    _refuse_empty(segments, spans, only_gaps)
    warnings += _unheard(segments, spans, lengths)
    return Segments(rows, sounds, length_s, spans, warnings)


def clean_rows(raw: Any, model: str) -> tuple[list[dict[str, Any]], list[str]]:
    """The rows themselves, complete and in order of time, and sentences about options that are not used.

    Checks everything that needs no file. Raises ``StudioError`` (generation_input_segments_invalid).
    """
    if not isinstance(raw, list | tuple) or not all(isinstance(row, Mapping) for row in raw):
        raise _refusal("The segments are no list of objects.", "Send a list, one object for each segment.")
    if len(raw) > MOST:
        raise _refusal(f"There are {len(raw)} segments.", f"Use at most {MOST}, or make several takes.")
    warnings: list[str] = []
    rows = [_row(row, model, warnings) for row in raw]
    rows.sort(key=lambda row: row["start_s"])
    return rows, list(dict.fromkeys(warnings))


def _row(raw: Mapping[str, Any], model: str, warnings: list[str]) -> dict[str, Any]:
    unknown = next((str(name) for name in raw if name not in FIELDS), None)
    if unknown is not None:
        raise _refusal(f"A segment has no “{unknown}”.", f"It has: {', '.join(FIELDS)}.")
    lipsync = raw.get("lipsync", True)
    if not isinstance(lipsync, bool):
        raise _refusal("Whether a segment is lipsynced is neither true nor false.", "Send true or false.")
    row = {
        "start_s": _seconds(raw, "start_s"),
        "end_s": _seconds(raw, "end_s"),
        "lipsync": lipsync,
        "audio": _asset_id(raw.get("audio")),
        "audio_start_s": _seconds(raw, "audio_start_s", 0.0),
        "audio_end_s": None if raw.get("audio_end_s") is None else _seconds(raw, "audio_end_s"),
        "face": _face(raw.get("face")),
        "options": _options(raw.get("options") or {}, model, warnings),
    }
    _segment(row)
    return row


def _segment(row: Mapping[str, Any]) -> Segment:
    """The engine's own form; a sound goes by its id, its length is looked up by that."""
    try:
        return Segment(
            start_s=row["start_s"],
            end_s=row["end_s"],
            lipsync=row["lipsync"],
            audio=Path(row["audio"]) if row["audio"] else None,
            audio_start_s=row["audio_start_s"],
            audio_end_s=row["audio_end_s"],
            sync_mode=row["options"].get("sync_mode"),
        )
    except EngineError as error:
        raise _refusal(error.message, error.advice) from error


def _seconds(raw: Mapping[str, Any], name: str, default: float | None = None) -> float:
    value = raw.get(name, default)
    if not _is_number(value):
        raise _refusal(f"{name} of a segment is “{str(value)[:40]}”.", "It is a number of seconds.")
    return float(value)


def _asset_id(value: Any) -> str | None:
    if value is None or value == "":
        return None
    try:
        return str(UUID(str(value)))
    except ValueError:
        raise _refusal(f"“{str(value)[:40]}” is no file of the library.", "Send the id of a sound.") from None


def _face(value: Any) -> dict[str, Any] | None:
    """As everywhere else a face is chosen; none named: as for the rest of the film."""
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise _refusal("A segment does not say how its face is chosen.", "Send an object with a kind.")
    try:
        return engine_face(clean_face(value)) or {"kind": "auto"}
    except StudioError as error:
        raise StudioError(error.code, error.message, error.advice, status=error.status, field="segments") from error


def _is_number(value: Any) -> bool:
    return not isinstance(value, bool) and isinstance(value, int | float) and abs(value) < FOREVER_S


def _options(raw: Any, model: str, warnings: list[str]) -> dict[str, Any]:
    """Only what was given, as far as the model has it."""
    if not isinstance(raw, Mapping):
        raise _refusal("The options of a segment are no object.", "Send an object of names and values.")
    given = {str(name): value for name, value in raw.items()}
    options: dict[str, Any] = {}
    if "sync_mode" in given:
        options["sync_mode"] = check_sync_mode(model, str(given.pop("sync_mode")))
    known, unused = clean_options(model, given)
    warnings += unused
    if given.pop(WHOLE_TAKE, None) is not None and known.get(WHOLE_TAKE):
        warnings.append(f"{OPTIONS[WHOLE_TAKE].label} is not used for a segment alone. Choose it for the whole take.")
    return options | {name: known[name] for name in OPTIONS if name in given and name in known}


def _sounds(rows: Sequence[Mapping[str, Any]], workspace: Workspace) -> dict[str, Asset]:
    wanted = {row["audio"] for row in rows if row["lipsync"] and row["audio"]}
    for row in rows:
        if not row["lipsync"] and row["audio"]:
            raise _refusal("A range that stays as it is has a sound of its own.", "Leave its sound out.")
    found = {str(asset.pk): asset for asset in Asset.objects.in_library(workspace).filter(pk__in=wanted)}
    if wanted - found.keys():
        raise StudioError(
            "asset_not_found", "The sound of a segment does not exist.", "Choose another.", status=404, field="segments"
        )
    return found


def _refuse_empty(segments: Sequence[Segment], spans: Sequence[Span], only_gaps: bool) -> None:
    if not spans and only_gaps:
        raise _refusal(
            "Nothing is left to lipsync.", "Leave a part of the video outside the ranges that stay as they are."
        )
    heard = {span.segment for span in spans}
    for index, segment in enumerate(segments):
        if segment.lipsync and index not in heard and not only_gaps:
            advice = (
                "Give it a sound of its own, or move it." if segment.audio is None else "Let its sound begin earlier."
            )
            raise _refusal(f"There is no sound left for the segment at {segment.start_s:g} s.", advice)


def _unheard(segments: Sequence[Segment], spans: Sequence[Span], lengths: Mapping[str, float]) -> list[str]:
    """Where a sound of its own does not fit its range."""
    sentences = []
    for span in spans:
        if span.segment < 0 or segments[span.segment].audio is None:
            continue
        segment = segments[span.segment]
        last = min(lengths[span.source], segment.audio_end_s or FOREVER_S)
        over = last - segment.audio_start_s - (segment.end_s - segment.start_s)
        if over > UNHEARD_S and lengths[span.source] < FOREVER_S:
            sentences.append(
                f"The sound of the segment at {segment.start_s:g} s is {over:.1f} s longer than it; "
                "its end is not heard."
            )
        elif over < -UNHEARD_S and span.end_s < segment.end_s - UNHEARD_S:
            sentences.append(
                f"The sound of the segment at {segment.start_s:g} s ends {-over:.1f} s before it; "
                "the rest stays as it was."
            )
    return sentences


def _refusal(message: str, advice: str) -> StudioError:
    return StudioError(INVALID, message, advice, status=422, field="segments")
