"""From what was seen and heard to the plan of a whole film: which sound drives which face when."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from .analysis import FootageAnalysis, mouth_cut_off, require_face
from .choice import Chosen, choose
from .errors import EngineError
from .motion.trajectory import MouthRange, mouth_trajectory
from .one_thread import one_thread
from .plan import CUT_OFF, NO_FACE, OUTSIDE_RANGE, TURNED_AWAY, MotionPlan
from .planning import make_plan
from .segments import MAIN, Segment, SoundPart, Span, check_order, driven_spans
from .settings import LARGEST_TURN, EngineSettings
from .sound_plan import sound_parts
from .speaker import Speaker, mouth_range, study_speaker
from .speech.analysis import SpeechAnalysis
from .speech.voice import learn_voice
from .sync_modes import Timeline, build_timeline, own_timeline
from .warnings_for_people import face_warnings, left_warnings

Doubles = NDArray[np.float64]
Bools = NDArray[np.bool_]

SILENT_DB = -45.0  # dBFS at the loudest moment: a quiet room, not a quiet voice
# Where one segment follows another without a gap the mouth goes over within so many seconds either way.
PASSAGE_S = 0.06


@one_thread
def plan_motion(
    footage: FootageAnalysis,
    speech: SpeechAnalysis,
    settings: EngineSettings,
    workdir: Path,
    *,
    segments: Sequence[Segment] = (),
    sounds: Mapping[Path, SpeechAnalysis] | None = None,
) -> MotionPlan:
    """Decide for every output frame what is shown and what the mouths do, and what is heard; saved in ``workdir``.

    ``speech`` is the main soundtrack; ``sounds`` holds what was heard in each file that ``segments`` name. Raises
    EngineError where the segments cannot be used, where all sound is silent, or for a picture with a model that
    needs a video.
    """
    if footage.info.kind == "image" and settings.model != "sync-3":
        raise EngineError(
            "generation_input_video_invalid", f"{settings.model} needs a video, not a picture.", "Choose sync-3."
        )
    heard = _heard(speech, segments, sounds or {})
    line, spans = _laid_out(footage, heard, settings, segments)
    if not footage.people:  # a footage check keeps what it saw where it saw nobody
        require_face(footage)
    layers = [
        _plan_face(footage, person, line, mine, segments, heard, settings)
        for person, mine in _by_person(footage, spans, segments, settings.face)
    ]
    _require_in_view(layers, settings)
    plan = layers[0]
    plan.others = layers[1:]
    _glide_together(plan)
    plan.sound = _sound_of(footage, line, spans)
    plan.segments = [_facts(index, segment) for index, segment in enumerate(segments)]
    of_faces = {warning["code"]: warning for layer in layers for warning in layer.warnings}
    plan.warnings = [*of_faces.values(), *left_warnings(plan.why_left)]
    plan.warnings += [{"code": "speech", "message": message} for message in _said_of(heard)]
    plan.save(workdir)
    return plan


def film_sound(
    footage: FootageAnalysis,
    speech: SpeechAnalysis,
    settings: EngineSettings,
    *,
    segments: Sequence[Segment] = (),
    sounds: Mapping[Path, SpeechAnalysis] | None = None,
) -> tuple[list[SoundPart], float]:
    """What will be heard in the film that :func:`plan_motion` plans, and its length in seconds; known at once."""
    line, spans = _laid_out(footage, _heard(speech, segments, sounds or {}), settings, segments)
    return _sound_of(footage, line, spans), line.duration_s


def _heard(
    speech: SpeechAnalysis, segments: Sequence[Segment], sounds: Mapping[Path, SpeechAnalysis]
) -> dict[str, SpeechAnalysis]:
    """The sounds by the names under which spans and parts speak of them."""
    own = {segment.sound(index): sounds[segment.audio] for index, segment in enumerate(segments) if segment.audio}
    return {MAIN: speech} | own


def _laid_out(
    footage: FootageAnalysis, heard: Mapping[str, SpeechAnalysis], settings: EngineSettings, segments: Sequence[Segment]
) -> tuple[Timeline, list[Span]]:
    """What is shown when, and which sound drives when."""
    line = _timeline(footage, heard[MAIN], settings, segments)
    check_order(segments, line.duration_s)
    lengths = {name: one.duration_s for name, one in heard.items()}
    spans = driven_spans(segments, line.duration_s, lengths, settings.sync_mode)
    _require_sound(spans, heard)
    return line, spans


def _sound_of(footage: FootageAnalysis, line: Timeline, spans: Sequence[Span]) -> list[SoundPart]:
    return sound_parts(spans, line, footage.times, footage.own_sound is not None)


def _timeline(
    footage: FootageAnalysis, speech: SpeechAnalysis, settings: EngineSettings, segments: Sequence[Segment]
) -> Timeline:
    """The video's own where a segment is driven, else that of the sync mode; a picture lasts as long as the sound."""
    if footage.info.kind == "image":
        return build_timeline(footage.times, footage.end_s, speech.duration_s, "loop", footage.fps)
    if any(segment.lipsync for segment in segments):
        return own_timeline(footage.times, footage.end_s)
    return build_timeline(footage.times, footage.end_s, speech.duration_s, settings.sync_mode, footage.fps)


def _require_sound(spans: Sequence[Span], heard: Mapping[str, SpeechAnalysis]) -> None:
    if not spans:
        raise EngineError(
            "generation_input_segments_invalid",
            "Nothing is left to lipsync.",
            "Leave a part of the video outside the ranges that stay as they are.",
        )
    if max(heard[span.source].level_db.max() for span in spans) < SILENT_DB:
        raise EngineError(
            "generation_input_audio_silent", "The audio is silent.", "Choose a recording in which somebody speaks."
        )


def _require_in_view(layers: Sequence[MotionPlan], settings: EngineSettings) -> None:
    """Refuse what would come back as it was because everybody looks away or is cut off all the time."""
    left = np.concatenate([layer.passed[layer.passed != OUTSIDE_RANGE] for layer in layers])
    if len(left) and (left == CUT_OFF).any() and np.isin(left, (CUT_OFF, TURNED_AWAY, NO_FACE)).all():
        raise mouth_cut_off()
    if len(left) and (left == TURNED_AWAY).any() and np.isin(left, (TURNED_AWAY, NO_FACE)).all():
        raise EngineError(
            "generation_input_video_no_face",
            f"The head is turned by more than {settings.largest_turn:.0f}° wherever it should speak.",
            f"Use footage in which the face is seen; sync-3 moves the lips up to {LARGEST_TURN['sync-3']:.0f}°.",
        )


def _glide_together(plan: MotionPlan) -> None:
    """Let the picture jump where a loop starts again but a driven face was not seen at its end: nobody glides there."""
    if plan.glide is None:
        return
    for other in plan.others:
        plan.glide[other.driven if other.glide is None else other.driven & (other.glide < 0)] = -1


def _by_person(
    footage: FootageAnalysis, spans: Sequence[Span], segments: Sequence[Segment], film: Mapping[str, Any] | None
) -> list[tuple[int, list[tuple[Span, Bools]]]]:
    """Everybody who is chosen, in the order in which they first are, with their spans and the source frames (F,) in
    which they are meant there; ``film`` is chosen where a segment chooses nobody.

    However somebody is chosen, it is one face: its mouth runs on from one segment into the next.
    """
    known: dict[str, list[Chosen]] = {}
    found: dict[int, list[tuple[Span, Bools]]] = {}
    for span in spans:
        own = segments[span.segment].face if span.segment >= 0 else None
        face = film if own is None else own
        name = json.dumps(face, sort_keys=True)
        if name not in known:
            known[name] = choose(footage, face)
        for chosen in known[name]:
            found.setdefault(chosen.person, []).append((span, chosen.frames))
    return list(found.items())


def _plan_face(
    film: FootageAnalysis,
    person: int,
    line: Timeline,
    spans: Sequence[tuple[Span, Bools]],
    segments: Sequence[Segment],
    heard: Mapping[str, SpeechAnalysis],
    settings: EngineSettings,
) -> MotionPlan:
    """The plan of one face, driven in ``spans``, in those source frames (F,) of each in which it is meant."""
    footage = film.of(person)
    require_face(footage)
    speaker = study_speaker(footage)
    shape = mouth_range(speaker, footage.fps)
    adapted = {name: _in_this_voice(footage, speaker, heard[name], settings) for name in {s.source for s, _ in spans}}
    wanted = np.tile(shape.rest, (len(line), 1))
    asked, guarded = np.zeros(len(line), bool), np.zeros(len(line), bool)
    begun: list[int] = []
    for span, frames in spans:
        inside = line.within(span.start_s, span.end_s)
        if not inside.any():
            continue
        segment = segments[span.segment] if span.segment >= 0 else None
        wanted[inside] = _mouth(span, segment, adapted[span.source], line.time[inside], shape, footage.fps, settings)
        first = int(inside.argmax())
        if first > 0 and asked[first - 1]:
            begun.append(first)
        asked |= inside & frames[line.source]
        own_choice = segment.occlusion_detection if segment is not None else None
        guarded[inside] = settings.guards(own_choice)
    _ease_over(wanted, begun, footage.fps)
    plan = make_plan(footage, speaker, line, wanted, settings, asked, guarded)
    plan.warnings += face_warnings(speaker, plan.passed, settings, np.isin(line.source, footage.lettering[:, 0]))
    return plan


def _mouth(
    span: Span, segment: Segment | None, speech: SpeechAnalysis, times: Doubles, shape: MouthRange, fps: float,
    settings: EngineSettings,
) -> Doubles:  # fmt: skip
    """(n, 6) what the mouth does at ``times`` (n,) of the result inside ``span``."""
    shift = span.from_s - span.start_s
    if span.end_s > span.heard_until_s + 1e-3:
        speech = speech.then_silent(span.heard_until_s + shift, span.end_s + shift)
    own = segment.temperature if segment is not None else None
    return mouth_trajectory(speech, times + shift, shape, fps, settings.range_at(own))


def _in_this_voice(
    footage: FootageAnalysis, speaker: Speaker, speech: SpeechAnalysis, settings: EngineSettings
) -> SpeechAnalysis:
    """The sound as this speaker's own mouth would say it, where the model learns that and the own sound tells."""
    own = footage.own_sound
    if not settings.learns_voice or own is None or speaker.is_still:
        return speech
    usable = speaker.track.usable
    voice = learn_voice(own, footage.times[usable], speaker.track.params[usable])
    return speech if voice is None else voice.adapt(speech)


def _ease_over(wanted: Doubles, begun: Sequence[int], fps: float) -> None:
    """Soften the step of ``wanted`` (N, 6), in place, where one span begins right after another."""
    if not begun:
        return
    soft = gaussian_filter1d(wanted, max(1.0, 0.5 * PASSAGE_S * fps), axis=0)
    away = np.abs(np.arange(len(wanted))[:, None] - 0.5 - np.asarray(begun)[None] + 1).min(1) / fps
    share = np.clip(1 - away / PASSAGE_S, 0, 1)[:, None]
    wanted[:] = share * soft + (1 - share) * wanted


def _said_of(heard: Mapping[str, SpeechAnalysis]) -> list[str]:
    return list(dict.fromkeys(message for speech in heard.values() for message in speech.warnings))


def _facts(index: int, segment: Segment) -> dict[str, Any]:
    """What was asked of a range, for the report."""
    return {
        "start_s": segment.start_s, "end_s": segment.end_s, "lipsync": segment.lipsync, "sound": segment.sound(index),
        "audio_start_s": segment.audio_start_s, "audio_end_s": segment.audio_end_s, "face": segment.face,
    }  # fmt: skip
