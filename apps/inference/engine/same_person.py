"""Tracks of faces that show the same person, by their looks, their places and who is seen beside whom."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .face.appearance import Appearance, Features, averaged
from .face.landmarks import EYE_CORNERS

SAME_PERSON = 0.5  # two tracks show the same person from this likeness on
STAYING = 0.3  # added to the likeness of a face that comes up where one of its size was lost, within one shot
NEVER = -1e3  # likeness of who is seen twice in one frame


class Track(Protocol):
    """``frames`` (n,) ascending and ``points`` (n, N, 3) in pixels."""

    @property
    def frames(self) -> NDArray[np.int64]: ...

    @property
    def points(self) -> NDArray[np.float32]: ...


def same_people(tracks: Sequence[Track], looks: Sequence[Appearance], shot: NDArray[np.integer]) -> list[list[int]]:
    """Groups of tracks, by their places among ``tracks``: the two likest are joined first, until none are alike.

    ``shot`` (F,) is each frame's. Talks on the web are cut at every sentence, and make hundreds of tracks in ten
    minutes: one is compared with all others at once.
    """
    if not tracks:
        return []
    groups, looks = [[place] for place in range(len(tracks))], list(looks)
    frames = np.array([len(track.frames) for track in tracks], np.float64)
    features, apart, stays = Features.of(looks), seen_at_once(tracks), stay_in_place(tracks, shot)
    like = np.empty((len(tracks), len(tracks)))

    def compare(one: int) -> None:
        like[one] = np.where(apart[one], NEVER, features.likeness(one) + STAYING * stays[one])
        like[:, one] = like[one]

    for place in range(len(tracks)):
        compare(place)
    while True:
        one, other = sorted(divmod(int(like.argmax()), len(tracks)))
        if like[one, other] < SAME_PERSON:
            return [group for group in groups if group]
        looks[one] = averaged(looks[one], looks[other], frames[other] / (frames[one] + frames[other]))
        features.put(one, looks[one])
        frames[one] += frames[other]
        groups[one] += groups[other]
        groups[other] = []
        for together in (apart, stays):
            together[one] |= together[other]
            together[:, one] = together[one]
        apart[other] = apart[:, other] = True
        apart[one, one] = True
        like[other] = like[:, other] = NEVER
        compare(one)


def seen_at_once(tracks: Sequence[Track]) -> NDArray[np.bool_]:
    """(n, n): pairs of tracks that share a frame; each with itself."""
    first, last = (np.array([track.frames[end] for track in tracks]) for end in (0, -1))
    apart = (first[:, None] <= last) & (first <= last[:, None])
    for one, other in np.argwhere(np.triu(apart, 1)).tolist():
        shared = np.isin(tracks[other].frames, tracks[one].frames, assume_unique=True).any()
        apart[one, other] = apart[other, one] = shared
    return apart


def stay_in_place(tracks: Sequence[Track], shot: NDArray[np.integer]) -> NDArray[np.bool_]:
    """(n, n): pairs of tracks of which one begins where the other ended, in the same shot, and of about its size."""
    (first, began, place, eyes), (last, ended, last_place, last_eyes) = (_ends(tracks, shot, end) for end in (0, -1))
    later = (last[:, None] < first) & (ended[:, None] == began)
    near = np.linalg.norm(last_place[:, None] - place, axis=2) < 2 * last_eyes[:, None]
    grown = eyes / last_eyes[:, None]
    stays = later & near & (grown > 0.6) & (grown < 1.7)
    return np.asarray(stays | stays.T)


def _ends(tracks: Sequence[Track], shot: NDArray[np.integer], end: int) -> tuple[NDArray[Any], ...]:
    """Of each track's first or last row: frame (n,), shot (n,), middle of the face (n, 2) and eye distance (n,)."""
    frames = np.array([track.frames[end] for track in tracks])
    points = np.stack([track.points[end] for track in tracks]).astype(np.float64)
    eyes = np.linalg.norm(points[:, EYE_CORNERS[0]] - points[:, EYE_CORNERS[1]], axis=1)
    return frames, np.asarray(shot)[frames], points[..., :2].mean(1), eyes
