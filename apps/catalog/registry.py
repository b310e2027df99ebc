"""The models one can run, their options and sync modes: the one table that page, command line and API read.

Prices are list prices in micro-dollars for each frame at 25 fps. The descriptions say what this engine does, not what
a model of the same name does elsewhere.
"""

from collections.abc import Mapping
from typing import Any

from apps.catalog.faces import FaceChoice, clean_face
from apps.catalog.specs import ModelSpec, OptionSpec, OptionSupport, SyncMode
from studio.errors import StudioError

OPTIONS: dict[str, OptionSpec] = {
    option.name: option
    for option in (
        OptionSpec("temperature", "Expressiveness", "How far the lips move.", "slider", 0.5, step=0.05),
        OptionSpec(
            "occlusion_detection_enabled",
            "Obstruction detection",
            "Keeps hands, microphones and scarves in front of the mouth. Slower.",
            "switch",
            False,
        ),
        OptionSpec(
            "reasoning_enabled",
            "Second look",
            "Follows the drawn mouth once more and draws it again where it misses. Slower.",
            "switch",
            False,
        ),
        OptionSpec(
            "active_speaker_detection",
            "Active speaker",
            "Only the person who is speaking gets the new lips.",
            "switch",
            False,
        ),
    )
}

SYNC_MODES: dict[str, SyncMode] = {
    mode.id: mode
    for mode in (
        SyncMode("cut_off", "Cut off", "Stops where the shorter of picture and sound ends."),
        SyncMode("bounce", "Bounce", "Plays the picture forward and back until the sound ends."),
        SyncMode("loop", "Loop", "Starts the picture again until the sound ends."),
        SyncMode(
            "silence", "Silence", "Runs to the longer one: quiet after the sound, last picture held after the video."
        ),
        SyncMode("remap", "Remap", "Slows or speeds the picture to the length of the sound."),
    )
}

ALL_SYNC_MODES = tuple(SYNC_MODES)
AVAILABLE = OptionSupport("available")
STILL_CAVEAT = "Needs footage in which the person speaks. A mouth that never moves stays as it is."
TURNED_CAVEAT = "Frames in which the head is turned by more than 45° stay as they are."
CHUNK_CAVEAT = "Chooses mouths in independent pieces of two seconds, not for the whole shot."


# Said of the models that draw every mouth once.
NO_SECOND_LOOK = "Only lipsync-2-pro looks again at what it drew; the report names weak stretches of all models."


def _absent(why: str) -> OptionSupport:
    return OptionSupport("absent", why)


def _automatic(why: str) -> OptionSupport:
    return OptionSupport("automatic", why)


MODELS: dict[str, ModelSpec] = {
    model.id: model
    for model in (
        ModelSpec(
            id="sync-3",
            name="sync-3",
            strength="Whole shot, opens still mouths",
            description="Plans the mouth over the whole shot, keeps the speaker's own shapes and handles obstructions.",
            best_for="Demanding footage: silent lips, hands before the face, turned heads, large faces",
            quality="As exact as lipsync-2, over the whole shot, and as sharp as the footage.",
            legacy=False,
            micros_per_frame=5340,
            stars_speed=4,
            options={
                "temperature": _automatic("sync-3 finds the range of movement from the footage."),
                "occlusion_detection_enabled": _automatic("sync-3 always looks for obstructions."),
                "reasoning_enabled": _automatic("sync-3 plans the whole shot at once."),
                "active_speaker_detection": AVAILABLE,
            },
            sync_modes=ALL_SYNC_MODES,
            accepts_image=True,
            caveats=(
                "Opens silent lips with a general movement, not with the speaker's own.",
                "Draws heads turned by up to 60°, more roughly from 50° on; beyond that frames stay as they are.",
            ),
            opens_still_lips=True,
        ),
        ModelSpec(
            id="lipsync-2-pro",
            name="lipsync-2-pro",
            strength="Sharpest lips, teeth and beard",
            description="Learns the speaker like lipsync-2 and restores the detail of lips, teeth and beard.",
            best_for="Close-ups, beards, fine teeth",
            quality="The sharpest lips; with Second look the most exact.",
            legacy=False,
            micros_per_frame=3330,
            stars_speed=3,
            options={
                "temperature": AVAILABLE,
                "occlusion_detection_enabled": AVAILABLE,
                "reasoning_enabled": AVAILABLE,
                "active_speaker_detection": AVAILABLE,
            },
            sync_modes=ALL_SYNC_MODES,
            accepts_image=False,
            caveats=(STILL_CAVEAT, CHUNK_CAVEAT, TURNED_CAVEAT),
        ),
        ModelSpec(
            id="lipsync-2",
            name="lipsync-2",
            strength="Keeps the speaker's way of talking",
            description="Learns range and shapes of the mouth from the footage and rewrites it to the new sound.",
            best_for="Most talking footage up to 1080p",
            quality="Exact, in the speaker's own way, and as sharp as the footage.",
            legacy=False,
            micros_per_frame=2000,
            stars_speed=4,
            options={
                "temperature": AVAILABLE,
                "occlusion_detection_enabled": AVAILABLE,
                "reasoning_enabled": _absent(NO_SECOND_LOOK),
                "active_speaker_detection": AVAILABLE,
            },
            sync_modes=ALL_SYNC_MODES,
            accepts_image=False,
            caveats=(STILL_CAVEAT, CHUNK_CAVEAT, TURNED_CAVEAT),
        ),
        ModelSpec(
            id="lipsync-1.9.0-beta",
            name="lipsync-1.9.0-beta",
            strength="Fastest, general lips",
            description="Moves the lips by a general rule, without learning the speaker.",
            best_for="Quick drafts",
            quality="A little less exact, and softer.",
            legacy=True,
            micros_per_frame=1000,
            stars_speed=5,
            options={
                "temperature": _absent("lipsync-1.9.0-beta moves the lips by a fixed range."),
                "occlusion_detection_enabled": _absent("lipsync-1.9.0-beta does not look for obstructions."),
                "reasoning_enabled": _absent(NO_SECOND_LOOK),
                "active_speaker_detection": AVAILABLE,
            },
            sync_modes=ALL_SYNC_MODES,
            accepts_image=False,
            caveats=(
                "Keeps little of the speaker's style.",
                "Teeth can look squeezed where a wide mouth has to close.",
                TURNED_CAVEAT,
            ),
        ),
    )
}

DEFAULT_MODEL = "lipsync-2"
DEFAULT_SYNC_MODE = "cut_off"

INVALID = "generation_input_validation_failed"
# Besides on and off, which mean whoever speaks and whom the video is mostly about, this one names a person or a place.
FACE = "active_speaker_detection"
OptionValue = float | bool | FaceChoice
YES = {"true", "on", "1", "yes"}
NO = {"false", "off", "0", "no", ""}


def model_spec(model: str) -> ModelSpec:
    """The spec of a model; raises ``StudioError`` (generation_unsupported_model) for an unknown one."""
    if model not in MODELS:
        raise StudioError(
            "generation_unsupported_model",
            f"There is no model “{model}”.",
            f"Choose one of: {', '.join(MODELS)}.",
            field="model",
        )
    return MODELS[model]


def check_sync_mode(model: str, sync_mode: str) -> str:
    """The sync mode itself; raises ``StudioError`` where the model has none of that name."""
    if sync_mode not in model_spec(model).sync_modes:
        raise StudioError(
            INVALID,
            f"{model} has no sync mode “{sync_mode}”.",
            f"Choose one of: {', '.join(model_spec(model).sync_modes)}.",
            field="sync_mode",
        )
    return sync_mode


def clean_options(model: str, raw: Mapping[str, Any]) -> tuple[dict[str, OptionValue], list[str]]:
    """Options the model has, complete with defaults, and sentences about values that are not used.

    A value for an option that the model handles itself or lacks is ignored and named in the sentences, unless it is
    the option's default. Raises ``StudioError`` for an unknown option name or a value that is no value of its kind.
    """
    spec = model_spec(model)
    for name in raw:
        if name not in OPTIONS:
            raise StudioError(
                INVALID, f"There is no option “{name}”.", f"Options are: {', '.join(OPTIONS)}.", field=str(name)
            )
    options: dict[str, OptionValue] = {}
    unused: list[str] = []
    for name, option in OPTIONS.items():
        support = spec.options[name]
        value = _value(option, raw[name]) if name in raw else option.default
        if support.available:
            options[name] = value
        elif value != option.default:
            unused.append(f"{option.label} is not used. {support.why}")
    return options, unused


def _value(option: OptionSpec, raw: Any) -> OptionValue:
    if option.name == FACE:
        return clean_face(raw)
    if option.kind == "switch":
        text = str(raw).strip().lower()
        if raw is not None and text not in YES | NO:
            raise StudioError(INVALID, f"{option.label} is “{raw}”.", "It is either true or false.", field=option.name)
        return text in YES
    if raw is None or raw == "":
        return option.default
    try:
        number = float(raw)
    except (TypeError, ValueError, OverflowError):
        number = float("nan")
    if not option.minimum <= number <= option.maximum:
        raise StudioError(
            INVALID,
            f"{option.label} is “{raw}”.",
            f"Give a number from {option.minimum:g} to {option.maximum:g}.",
            field=option.name,
        )
    return number


def output_seconds(sync_mode: str, video_s: float, audio_s: float) -> float:
    """Length of the result in seconds: the shorter of both, the longer, or the sound's, as the mode says."""
    if sync_mode not in SYNC_MODES:
        raise KeyError(sync_mode)
    if sync_mode == "cut_off":
        return min(video_s, audio_s)
    return max(video_s, audio_s) if sync_mode == "silence" else audio_s
