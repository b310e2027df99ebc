"""From what a client asks for to what the studio runs: inputs by their roles, options by our names, segments as rows,
and sentences about what is not used.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from apps.api.errors import ApiError
from apps.api.schemas import (
    ActiveSpeaker,
    AudioInput,
    CreateGeneration,
    ImageInput,
    MediaInput,
    Options,
    Segment,
    TextInput,
    VideoInput,
)
from apps.assets.models import Asset
from apps.catalog.faces import CODE as FACE_INVALID
from apps.catalog.faces import clean_face, engine_face
from apps.catalog.registry import FACE, MODELS, OPTIONS, check_sync_mode, clean_options, model_spec
from apps.generations.segments import INVALID as SEGMENTS_INVALID
from apps.generations.segments import clean_rows

SYNC_MODE = "bounce"  # the documented default of the API; pages begin with another one
# What inputs are to a generation. Further sounds are called audio-2, audio-3 …, in the order they came.
PICTURE, SOUND = "video", "audio"
NO_FILE = str(UUID(int=0))  # stands for a sound while segments are checked without their files

# None: it came as a file of a form.
Item = MediaInput | TextInput | None


@dataclass(frozen=True)
class Wish:
    """One generation to make. ``items`` are its inputs by their roles, None for one that came as a file of a form;
    ``segments`` are rows of ``apps.generations.segments`` whose sounds are named by roles.
    """

    model: str
    sync_mode: str
    options: dict[str, Any]
    warnings: list[str]
    items: dict[str, Item]
    segments: list[dict[str, Any]] = field(default_factory=list)

    def rows(self, assets: Mapping[str, Asset]) -> list[dict[str, Any]]:
        """The segments with the ids of their sounds."""
        return [row | {"audio": str(assets[row["audio"]].pk) if row["audio"] else None} for row in self.segments]


def wish_of(body: CreateGeneration, *, files: frozenset[str] = frozenset()) -> Wish:
    """What a request asks for; ``files`` names the inputs that came as files of a form.

    Raises ``StudioError`` for a model, option, input or segment that there is not.
    """
    model_spec(body.model)
    _refuse_missing_parts(body)
    sync_mode = check_sync_mode(body.model, body.options.sync_mode or SYNC_MODE)
    raw, warnings = options_of(body.options)
    _, unused = clean_options(body.model, raw)
    items, names = inputs_of(body, files)
    rows, remarks = rows_of(body, names)
    named = {row["audio"] for row in rows}
    kept = {role: item for role, item in items.items() if role in {PICTURE, SOUND} | named}
    warnings += unused + remarks + _unheard(items, names, rows) + _older_segments(body)
    return Wish(body.model, sync_mode, raw, list(dict.fromkeys(warnings)), kept, rows)


def _unheard(items: Mapping[str, Item], names: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Sounds that nothing in the result follows. Where no segment has another, it follows the first."""
    heard = {row["audio"] or SOUND for row in rows if row["lipsync"]} or {SOUND}
    called = {role: f"The sound {ref_id}" for ref_id, role in names.items()}
    unused = [role for role in items if role not in heard | {PICTURE}]
    return [f"{called.get(role, 'A sound without a refId')} is not used; no segment names it." for role in unused]


def _refuse_missing_parts(body: CreateGeneration) -> None:
    """Parts of the documented API that this studio does not have would give another result than was asked for."""
    for name, asked, what in (
        ("dubParams", body.dubParams, "Dubbing"),
        ("dialogueEdit", body.dialogueEdit, "Editing of dialogue"),
    ):
        if asked:
            raise ApiError(
                "feature_unavailable", f"{what} is not available in this studio.", f"Leave out {name}.", field=name
            )


def options_of(options: Options) -> tuple[dict[str, Any], list[str]]:
    """Options by the names of the catalogue, and a sentence for each one that it does not have."""
    sent = {name: value for name, value in options.model_dump().items() if value is not None}
    sent.pop("sync_mode", None)
    sent.pop(FACE, None)
    if "reasoningEnabled" in sent:
        sent.setdefault("reasoning_enabled", sent.pop("reasoningEnabled"))
    raw = {name: value for name, value in sent.items() if name in OPTIONS}
    warnings = [f"The option {name} is not used; this studio does not have it." for name in sent if name not in OPTIONS]
    speaker = options.active_speaker_detection
    if isinstance(speaker, ActiveSpeaker):
        unknown = speaker.model_extra or {}
        warnings += [f"{FACE}.{name} is not used; this studio does not have it." for name in unknown]
        _refuse_two_ways(speaker)
        # What lies at the address of boxes was fetched before, see ``intake.with_boxes``.
        raw[FACE] = clean_face(speaker.model_dump(exclude={"bounding_boxes_url", *unknown}, exclude_none=True))
    elif speaker is not None:
        raw[FACE] = speaker
    return raw, warnings


def _refuse_two_ways(speaker: ActiveSpeaker) -> None:
    """Those of one kind are told apart by :func:`clean_face`; here are the ways that only this API has."""
    boxes, address = speaker.bounding_boxes is not None, bool(speaker.bounding_boxes_url)
    hosted = speaker.auto_detect or boxes or address or (speaker.frame_number, speaker.coordinates) != (None, None)
    if (boxes and address) or (speaker.kind and hosted):
        raise ApiError(FACE_INVALID, "The face is chosen in more than one way.", "Send one of them only.", field=FACE)


def inputs_of(body: CreateGeneration, files: frozenset[str]) -> tuple[dict[str, Item], dict[str, str]]:
    """The inputs by their roles, and the roles of sounds by the names that segments call them (``refId``).

    A file of the form comes first; the sound among them answers to the name audio.
    """
    pictures: list[Item] = [item for item in body.input if isinstance(item, VideoInput | ImageInput)]
    sounds: list[Item] = [item for item in body.input if isinstance(item, AudioInput | TextInput)]
    from_form: list[Item] = [None]
    pictures, sounds = from_form * (PICTURE in files) + pictures, from_form * (SOUND in files) + sounds
    if len(pictures) > 1:
        raise ApiError("generation_input_too_many_visual", field="input")
    if not pictures:
        raise ApiError("generation_video_missing", field="input")
    if not sounds:
        raise ApiError("generation_audio_missing", field="input")
    if isinstance(pictures[0], ImageInput) and not model_spec(body.model).accepts_image:
        able = " or ".join(spec.id for spec in MODELS.values() if spec.accepts_image)
        raise ApiError(
            "generation_input_asset_type_mismatch",
            f"{body.model} takes no photo.",
            f"Send a video, or {able} as the model.",
            field="input",
        )
    if len(sounds) > 1 and not body.segments:
        raise _segments_refused(f"There are {len(sounds)} sounds and no segments.", "Say by segments where each goes.")
    roles = [SOUND if index == 1 else f"{SOUND}-{index}" for index in range(1, len(sounds) + 1)]
    names: dict[str, str] = {}
    for role, item in zip(roles, sounds, strict=True):
        ref_id = SOUND if item is None else item.refId
        if ref_id in names:
            raise _segments_refused(f"Two sounds have the refId “{ref_id[:40]}”.", "Give each one of its own.")
        if ref_id:
            names[ref_id] = role
    return {PICTURE: pictures[0], **dict(zip(roles, sounds, strict=True))}, names


def rows_of(body: CreateGeneration, names: Mapping[str, str]) -> tuple[list[dict[str, Any]], list[str]]:
    """Segments as the studio keeps them, checked as far as they can be without the files, and what is not used."""
    warnings: list[str] = []
    rows = [_row(segment, names, warnings) for segment in body.segments or ()]
    if not rows:
        rows = [
            {"start_s": start, "end_s": end, "lipsync": True, "audio": None}
            for item in body.input
            if isinstance(item, VideoInput)
            for start, end in item.segments_secs or ()
        ]
    checked = [row | {"audio": NO_FILE if row["audio"] else None} for row in rows]
    return rows, warnings + clean_rows(checked, body.model)[1]


def _row(segment: Segment, names: Mapping[str, str], warnings: list[str]) -> dict[str, Any]:
    given = segment.optionsOverride or Options()
    options, remarks = options_of(given)
    warnings += remarks
    face = engine_face(options.pop(FACE)) or {"kind": "auto"} if FACE in options else None
    if given.sync_mode:
        options["sync_mode"] = given.sync_mode
    sound = segment.audioInput
    if sound is not None and sound.refId not in names:
        known = f"There are: {', '.join(names)}." if names else "Give the sounds a refId."
        raise _segments_refused(f"No sound among the inputs has the refId “{sound.refId[:40]}”.", known)
    return {
        "start_s": segment.startTime,
        "end_s": segment.endTime,
        "lipsync": segment.lipsync,
        "audio": names[sound.refId] if sound else None,
        "audio_start_s": (sound.startTime or 0.0) if sound else 0.0,
        "audio_end_s": sound.endTime if sound else None,
        "face": face,
        "options": options,
    }


def _older_segments(body: CreateGeneration) -> list[str]:
    """What is not used of the older way to name ranges, in the video itself."""
    videos = [item for item in body.input if isinstance(item, VideoInput)]
    warnings = []
    if body.segments and any(item.segments_secs for item in videos):
        warnings.append("segments_secs of the video is not used beside segments.")
    if any(item.segments_frames for item in videos):
        warnings.append("segments_frames is not used. Send segments, in seconds.")
    return warnings


def _segments_refused(message: str, advice: str) -> ApiError:
    return ApiError(SEGMENTS_INVALID, message, advice, field="segments")
