"""What is to be known about the picture: measured per frame of the person the film is mostly about."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, median_filter, minimum_filter1d

from ..analysis import CROPS, MIN_EYES_PX, FootageAnalysis
from ..crops import CropStore
from ..face.mouth_params import APERTURE
from ..faces_in_time import in_view, is_cut_off
from ..people import Person
from ..render.occlusion import SHOWN_SHARE, find_obstructions
from ..speaker import Speaker, mesh_points, study_speaker, turned_eyes
from .findings import stretches

Doubles = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ranges = list[tuple[float, float]]

OBSTRUCTION_RATE = 8.0  # looks a second: objects stay for longer than the third of a second that three of them take
# Lips that move by less than this within two seconds rest (eye distances; speech .04 to .4, closed mouths below .01).
RESTING, RESTING_WINDOW_S, RESTING_S = 0.02, 2.0, 4.0
STILL_MOTION, STILL_SHARE = 0.15, 0.95  # mean luma change of a frame that stands still; share of such frames
USUAL_LIGHT = 100.0  # mean luma of the lips: where there is less light, the same movement changes less
STEEP_YAW = 30.0  # degrees: lips are less exact from here on
SMALL_EYES_PX, TINY_EYES_PX = 80.0, 44.0  # below 80 lips look soft; at 44 they keep 65 % of their sharpness
FACE_WIDTH = 1.6  # eye distances from cheek to cheek
LARGE_FACE_PX = 512.0  # a close-up: teeth and single hairs of a beard are seen
DARK = 45.0  # mean luma of the lips; faces in thirteen clips lie between 103 and 151
# Variance of the Laplacian at an eye distance of 100 px, over the square of the mean luma, times 10⁴: thirteen clips
# read 13 to 430; four of them blurred by .01 eye distances 4 to 6, by .02 2 to 3.
BLURRED = 4.0
SHORTEST_S, BRIDGE_S = 0.75, 0.6
CUT_OFF_S = 0.2  # a mouth that is cut off for less is a nod
NOT_SEEN_S = 0.5  # as in a run: shorter gaps are bridged
OTHERS_SHARE = 0.4  # of the main person's eye distance: who is smaller than that stays in the background
OTHERS_S = 1.0


@dataclass(frozen=True)
class Picture:
    """Ranges in seconds of everything that was looked for; ``speaker`` None where nobody is seen well enough.

    ``turned`` holds ranges turned beyond 30° with the largest turn in each; ``eyes_px`` the median eye distance.
    """

    unseen: Ranges
    several: Ranges
    turned: list[tuple[float, float, float]]
    hidden: Ranges
    resting: Ranges
    dark: Ranges
    blurred: Ranges
    lettered: Ranges
    cut_off: Ranges
    eyes_px: float
    is_still_mouth: bool
    is_still_picture: bool
    speaker: Speaker | None
    others: list[Person]


def look_at_picture(footage: FootageAnalysis) -> Picture:
    """Everything that can be told from a kept analysis, without decoding the video again."""
    times, end_s = footage.times, footage.end_s
    main = footage.people[0] if footage.people else None
    still = _is_still(footage, main)
    if main is None or main.eyes_px < MIN_EYES_PX:
        return _nobody(footage, main.eyes_px if main else 0.0, still)
    footage = footage.of(main.id)
    usable, cut_off = in_view(footage.landmarks, times, footage.shot_of(), footage.size)
    if not usable.any():
        return _nobody(footage, 0.0, still, cut_off=bool(cut_off.any()))
    speaker = study_speaker(footage)
    others = [person for person in footage.people[1:] if _counts(person, main, footage)]
    for person in others:  # half a face may not look like the same person's whole one
        cut_off[person.rows.frames] |= is_cut_off(person.rows.points, footage.size) & ~usable[person.rows.frames]
    others = [person for person in others if not cut_off[person.rows.frames].all()]
    anybody = usable | cut_off
    for person in others:
        anybody[person.rows.frames] = True
    light, sharpness = _over_time(main, "light", footage), _over_time(main, "sharpness", footage)
    crisp = sharpness * (main.eyes_px / 100) ** 2 / np.maximum(light, 1.0) ** 2 * 1e4
    seen = footage.has_face
    return Picture(
        unseen=stretches(~anybody, times, end_s, NOT_SEEN_S),
        several=_several(others, footage),
        turned=_turned(speaker, footage),
        hidden=_hidden(footage, speaker),
        resting=_resting(speaker, footage),
        dark=stretches(seen & (_steady(light, footage) < DARK), times, end_s, SHORTEST_S, BRIDGE_S),
        blurred=stretches(seen & (_steady(crisp, footage) < BLURRED), times, end_s, SHORTEST_S, BRIDGE_S),
        lettered=_lettered(footage),
        cut_off=stretches(cut_off, times, end_s, CUT_OFF_S, BRIDGE_S),
        eyes_px=main.eyes_px, is_still_mouth=speaker.is_still, is_still_picture=still, speaker=speaker, others=others,
    )  # fmt: skip


def _is_still(footage: FootageAnalysis, main: Person | None) -> bool:
    """Whether the picture stands still, in the light that falls on the main person."""
    seen = main.rows.light[main.rows.light > 0] if main is not None else np.empty(0)
    share = min(1.0, float(np.median(seen)) / USUAL_LIGHT) if len(seen) else 1.0
    return footage.info.kind == "image" or bool((footage.motion[1:] < STILL_MOTION * share).mean() > STILL_SHARE)


def _nobody(footage: FootageAnalysis, eyes_px: float, still: bool, *, cut_off: bool = False) -> Picture:
    """Nobody is seen for long enough anywhere to be driven, or only with a mouth that is ``cut_off``."""
    whole = [(0.0, footage.end_s)]
    unseen, cut = ([], whole) if cut_off else (whole, [])
    return Picture(unseen, [], [], [], [], [], [], [], cut, eyes_px, False, still, None, [])


def _counts(person: Person, main: Person, footage: FootageAnalysis) -> bool:
    """Whether somebody else plays a part: not printed, not far in the background, there for a second."""
    return (
        not person.fixed
        and person.eyes_px >= max(MIN_EYES_PX, OTHERS_SHARE * main.eyes_px)
        and len(person.rows.frames) >= OTHERS_S * footage.fps
    )


def _several(others: list[Person], footage: FootageAnalysis) -> Ranges:
    """Where somebody else is on screen, with the main person or instead."""
    there = np.zeros(footage.frame_count, bool)
    for person in others:
        there[person.rows.frames] = True
    return stretches(there, footage.times, footage.end_s, SHORTEST_S, BRIDGE_S)


def _turned(speaker: Speaker, footage: FootageAnalysis) -> list[tuple[float, float, float]]:
    yaw = _steady(np.where(speaker.track.usable, speaker.track.turn, 0.0), footage)
    found = []
    for start, end in stretches(yaw > STEEP_YAW, footage.times, footage.end_s, 0.4, BRIDGE_S):
        inside = (footage.times >= start) & (footage.times < end)
        found.append((start, end, float(yaw[inside].max())))
    return found


def _hidden(footage: FootageAnalysis, speaker: Speaker) -> Ranges:
    """Where something is in front of the mouth, looked for eight times a second."""
    step = max(1, round(footage.fps / OBSTRUCTION_RATE))
    frames = np.arange(0, footage.frame_count, step)
    crops = CropStore(footage.folder / CROPS, footage.crops.index[frames])
    if crops.stored.sum() < 3:
        return []
    points, turned = mesh_points(speaker)[frames], turned_eyes(speaker)[frames]
    lines = footage.lettering[np.isin(footage.lettering[:, 0], frames)]
    lines[:, 0] = np.searchsorted(frames, lines[:, 0])
    found = find_obstructions(crops, points, speaker.mesh, np.ones(len(frames), bool), turned, lines)
    return stretches(found.share > SHOWN_SHARE, footage.times[frames], footage.end_s, SHORTEST_S, 2 * BRIDGE_S)


def _lettered(footage: FootageAnalysis) -> Ranges:
    """Where captions or titles stand before a face, with the short gaps between them."""
    there = np.isin(np.arange(footage.frame_count), footage.lettering[:, 0])
    return stretches(there, footage.times, footage.end_s, SHORTEST_S, BRIDGE_S)


def _resting(speaker: Speaker, footage: FootageAnalysis) -> Ranges:
    """Where the lips rest for long in footage whose mouth does move elsewhere."""
    if speaker.is_still:
        return []
    opening = np.where(speaker.track.usable, speaker.track.params[:, APERTURE], np.nan)
    opening = np.where(np.isnan(opening), np.nanmedian(opening), opening)
    window = 2 * max(1, round(RESTING_WINDOW_S * footage.fps / 2)) + 1
    moves = maximum_filter1d(opening, window) - minimum_filter1d(opening, window)
    rests = maximum_filter1d((moves < RESTING).astype(np.uint8), window) > 0
    return stretches(rests & speaker.track.usable, footage.times, footage.end_s, RESTING_S)


def _over_time(person: Person, name: str, footage: FootageAnalysis) -> Doubles:
    """(F,) a value of the person's lips, the median where the person is not seen.

    Lips that were too small to be looked at, or lie outside the picture, have no light (0): they are not seen either.
    """
    seen = person.rows.light > 0
    values = getattr(person.rows, name)[seen]
    row = np.full(footage.frame_count, float(np.median(values)) if len(values) else 0.0)
    row[person.rows.frames[seen]] = values
    return row


def _steady(values: Doubles, footage: FootageAnalysis) -> Doubles:
    """Median over a third of a second: one frame is no finding."""
    return np.asarray(median_filter(values, 2 * max(1, round(footage.fps / 6)) + 1))
