"""Who speaks when: the mouth that moves, and moves as the sound says.

A network that looks at faces alone tells moving from still mouths and ignores the sound. Here both count: how far the
lips move (whoever talks moves them), and how much of that movement the sound explains (who chews or laughs while
somebody else talks does not follow it).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from .analysis import FootageAnalysis
from .face.mouth_params import APERTURE
from .faces_in_time import follow_face
from .people import Person
from .speech.analysis import at_times
from .speech.offset import estimate_offset

Doubles = NDArray[np.float64]
NOBODY = -1

STEP_S = 0.2  # somebody is told from somebody else five times a second …
WINDOW_S = 1.6  # … by this much of sound and mouth around it: a handful of syllables
# Standard deviation of the opening of somebody who talks, in eye distances (.015 to .1 in 18 clips; at rest .001 to
# .01). Some open their mouths three times as wide as others: where there is a sound to follow, everybody is measured by
# the own livelier moments, so that who is heard wins over who moves more.
LEAST_TALKING, TALKING, LIVELY_PERCENTILE = 0.012, 0.05, 80
LARGEST = 1.5  # a mouth that opens wider still is no surer to be the one
SOUND_SHARE, MOVEMENT_SHARE = 1.0, 0.2
# Somebody has to move and follow the sound this much, or the voice belongs to nobody in the picture.
NOBODY_SCORE = 0.4
# What it takes to hand over to somebody else, in seconds of being surer by one: turns of half a second are found.
HAND_OVER_S = 0.35


@dataclass(frozen=True)
class _Lips:
    """What counts of somebody's face: ``usable`` (F,) and ``params`` (F, 6), see :class:`.faces_in_time.FaceTrack`."""

    usable: NDArray[np.bool_]
    params: Doubles


def who_speaks(footage: FootageAnalysis, people: Sequence[Person]) -> NDArray[np.int64]:
    """(F,) id of the one of ``people`` who speaks in each frame of the footage, or -1.

    Without a sound of its own only the movement of the mouths counts. In pauses the last one who spoke is kept.
    """
    tracks = [_follow(footage, person) for person in people]
    seen = np.stack([track.usable for track in tracks])
    voice, activity = _voice(footage, tracks)
    scores = np.stack([_score(track, voice, footage.fps) for track in tracks])
    scores = np.vstack([np.where(seen, scores * activity, -1.0), NOBODY_SCORE * activity])
    step = max(1, round(STEP_S * footage.fps))
    # Whoever comes up at a cut speaks from it on.
    at = np.union1d(np.arange(0, footage.frame_count, step), footage.shots)
    lengths = np.diff(at, append=footage.frame_count)
    chosen = np.repeat(_path(scores[:, at], footage.shot_of()[at]), lengths)
    ids = np.array([*(person.id for person in people), NOBODY])[chosen]
    there = np.vstack([seen, np.ones(footage.frame_count, bool)])[chosen, np.arange(footage.frame_count)]
    return np.asarray(np.where(there, ids, NOBODY), np.int64)


def _follow(footage: FootageAnalysis, person: Person) -> _Lips:
    """The rest of the track is let go: in half an hour everybody's landmarks are 250 MB."""
    points = person.dense(footage.frame_count, person.rows.points.shape[1])[0]
    track = follow_face(points, footage.times, footage.shot_of())
    return _Lips(track.usable, track.params)


def _voice(footage: FootageAnalysis, tracks: Sequence[_Lips]) -> tuple[Doubles | None, Doubles]:
    """(F,) opening that the sound asks for in standard deviations (None without sound), and (F,) speech 0..1.

    Sound and picture may be apart: the offset of whoever follows the sound best is allowed for.
    """
    sound = footage.own_sound
    if sound is None or not (sound.activity > 0.5).any():
        return None, np.ones(footage.frame_count)
    offsets = [estimate_offset(sound, footage.times[one.usable], one.params[one.usable]) for one in tracks]
    surest = max(offsets, key=lambda offset: offset.confidence)
    times = footage.times + (surest.seconds if surest.is_trusted else 0.0)
    wanted = at_times(sound.mouth[:, APERTURE], times)
    speaks = at_times(sound.activity, times) > 0.5
    heard = wanted[speaks] if speaks.any() else wanted
    return (wanted - heard.mean()) / max(float(heard.std()), 1e-6), speaks.astype(np.float64)


def _score(track: _Lips, voice: Doubles | None, fps: float) -> Doubles:
    """(F,) how surely this mouth speaks: about 0 for lips at rest, about 1 for somebody who talks and is heard."""
    window = max(3, round(WINDOW_S * fps))
    mouth = track.params[:, APERTURE]
    known = np.where(track.usable, mouth, np.median(mouth[track.usable]))
    mean = uniform_filter1d(known, window)
    moving = np.sqrt(np.maximum(uniform_filter1d(known**2, window) - mean**2, 0.0))
    if voice is None:
        return np.minimum(moving / TALKING, LARGEST)
    own = np.clip(np.percentile(moving[track.usable], LIVELY_PERCENTILE), LEAST_TALKING, TALKING)
    movement = np.minimum(moving / own, LARGEST)
    asked = uniform_filter1d(voice, window)
    spread = np.sqrt(np.maximum(uniform_filter1d(voice**2, window) - asked**2, 1e-6))
    together = uniform_filter1d(known * voice, window) - mean * asked
    follows = together / np.maximum(moving * spread, 1e-6)  # correlation within the window
    return np.asarray(SOUND_SHARE * follows * np.minimum(movement, 1.0) + MOVEMENT_SHARE * movement)


def _path(scores: Doubles, shot: NDArray[np.integer]) -> NDArray[np.int64]:
    """(T,) the row of ``scores`` (S, T) that is surest at each step, changing only where that pays; free at cuts."""
    states, steps = scores.shape
    price = HAND_OVER_S / STEP_S
    total = scores[:, 0].copy()
    came = np.zeros((steps, states), np.int64)
    for at in range(1, steps):
        cost = 0.0 if shot[at] != shot[at - 1] else price
        best = int(total.argmax())
        stays = total >= total[best] - cost
        came[at] = np.where(stays, np.arange(states), best)
        total = np.where(stays, total, total[best] - cost) + scores[:, at]
    path = np.empty(steps, np.int64)
    path[-1] = int(total.argmax())
    for at in range(steps - 1, 0, -1):
        path[at - 1] = came[at, path[at]]
    return path
