"""From what a client asks for to what the studio runs: options by our names, and sentences about what is not used."""

from dataclasses import dataclass
from typing import Any

from apps.api.errors import ApiError
from apps.api.schemas import ActiveSpeaker, AudioInput, CreateGeneration, ImageInput, MediaInput, TextInput, VideoInput
from apps.catalog.faces import clean_face
from apps.catalog.registry import OPTIONS, check_sync_mode, clean_options, model_spec

SYNC_MODE = "bounce"  # the documented default of the API; pages begin with another one


@dataclass(frozen=True)
class Wish:
    """One generation to make: its two inputs, the model and what it is to do."""

    model: str
    sync_mode: str
    options: dict[str, Any]
    warnings: list[str]
    video: MediaInput | None
    audio: MediaInput | None


def wish_of(body: CreateGeneration, *, files: frozenset[str] = frozenset()) -> Wish:
    """What a request asks for; ``files`` names the inputs that came as files of a form.

    Raises ``StudioError`` for a model, option or input that there is not.
    """
    model_spec(body.model)
    _refuse_missing_parts(body)
    sync_mode = check_sync_mode(body.model, body.options.sync_mode or SYNC_MODE)
    raw, warnings = options_of(body)
    _, unused = clean_options(body.model, raw)
    video, audio = inputs_of(body, files)
    if isinstance(video, VideoInput) and (video.segments_secs or video.segments_frames):
        warnings.append("Segments inside the video input are not used; the whole video is lipsynced.")
    return Wish(body.model, sync_mode, raw, warnings + unused, video, audio)


def _refuse_missing_parts(body: CreateGeneration) -> None:
    """Parts of the documented API that this studio does not have would give another result than was asked for."""
    for name, asked, what in (
        ("dubParams", body.dubParams, "Dubbing"),
        ("dialogueEdit", body.dialogueEdit, "Editing of dialogue"),
        ("segments", body.segments, "A soundtrack in segments"),
    ):
        if asked:
            raise ApiError(
                "feature_unavailable", f"{what} is not available in this studio.", f"Leave out {name}.", field=name
            )


def options_of(body: CreateGeneration) -> tuple[dict[str, Any], list[str]]:
    """Options by the names of the catalogue, and a sentence for each one that it does not have."""
    sent = {name: value for name, value in body.options.model_dump().items() if value is not None}
    sent.pop("sync_mode", None)
    sent.pop("active_speaker_detection", None)
    if "reasoningEnabled" in sent:
        sent.setdefault("reasoning_enabled", sent.pop("reasoningEnabled"))
    raw = {name: value for name, value in sent.items() if name in OPTIONS}
    warnings = [f"The option {name} is not used; this studio does not have it." for name in sent if name not in OPTIONS]
    speaker = body.options.active_speaker_detection
    if isinstance(speaker, ActiveSpeaker):
        raw["active_speaker_detection"] = clean_face(speaker.model_dump(exclude={"bounding_boxes_url"}))
        if speaker.bounding_boxes_url:
            warnings.append("bounding_boxes_url is not read. Send the boxes themselves as bounding_boxes.")
    elif speaker is not None:
        raw["active_speaker_detection"] = speaker
    return raw, warnings


def inputs_of(body: CreateGeneration, files: frozenset[str]) -> tuple[MediaInput | None, MediaInput | None]:
    """The video and the sound among the inputs; None for one that came as a file of the form."""
    if any(isinstance(item, ImageInput) for item in body.input):
        raise ApiError(
            "feature_unavailable", "No model here makes a photo talk.", "Send a video of the person.", field="input"
        )
    if any(isinstance(item, TextInput) for item in body.input):
        raise ApiError("tts_not_configured", field="input")
    videos = [item for item in body.input if isinstance(item, VideoInput)]
    audios = [item for item in body.input if isinstance(item, AudioInput)]
    if len(videos) + ("video" in files) > 1:
        raise ApiError("generation_input_too_many_visual", field="input")
    if len(audios) + ("audio" in files) > 1:
        raise ApiError("feature_unavailable", "Several soundtracks need segments.", "Send one sound.", field="input")
    if not videos and "video" not in files:
        raise ApiError("generation_video_missing", field="input")
    if not audios and "audio" not in files:
        raise ApiError("generation_audio_missing", field="input")
    return next(iter(videos), None), next(iter(audios), None)
