"""Looks at encoded pictures again: how open the mouth is in them, its face tracked anew."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .face.tracker import FaceChoice, FaceTracker
from .faces_in_time import follow_face
from .lettering.removal import Lettering, lay_back, take_off
from .media.fields import take_apart
from .media.prefetch import prefetch
from .media.stretches import shown_frames
from .media.video_reader import VideoReader, copied, split_planes
from .model_files import models_folder
from .one_thread import one_thread
from .plan import MotionPlan
from .progress import Monitor, Progress, checkpoint

Doubles = NDArray[np.float64]

# Looks a second at least; the fastest model takes fewer.
LEAST_LOOKS, LEAST_LOOKS_OF_FASTEST = 10.0, 6.0
# A face that moved by so many eye distances between two looks, or whose size changed so much (as a logarithm), may be
# followed by half only.
LEAP, LEAP_OF_SIZE = 0.3, 0.12


class Proof:
    """Follows the planned face through the encoded pictures of output frames [``first``, ``last``).

    Of several faces it is the one that is driven, in each frame the plan's ``foremost``.
    """

    def __init__(
        self, plan: MotionPlan, first: int, last: int, models: Path | None = None, *, every_frame: bool = False
    ) -> None:
        self._plan, self._first, self._last = plan, first, last
        self.every = 1 if every_frame else looked_at_every(plan)
        self._models = models
        self._foremost = plan.foremost
        self._at: list[int] = []
        self._face: tuple[FaceChoice, float, int] | None = None
        self._rows: list[NDArray[np.float32]] = []

    @property
    def looks(self) -> bool:
        """Whether a mouth is driven in these frames; nothing need be shown otherwise."""
        return bool(self._plan.anybody_driven[self._first : self._last].any())

    @cached_property
    def _tracker(self) -> FaceTracker:
        """Its nets are read when the first picture comes: the encoder takes longer to give one."""
        return FaceTracker(models_folder(self._models))

    def look(self, number: int, yuv: NDArray[np.uint8], behind: list[Lettering] | None = None) -> None:
        """Find the mouth in the ``number``-th of these frames, an I420 picture; numbers ascend.

        Letters before the face would be misread for parts of it: what was drawn ``behind`` them is looked at, where
        that is known, else they are filled in.
        """
        lines, planes = self._plan.lines(self._first + number), split_planes(yuv)
        if self._plan.fields or len(lines):
            planes = copied(planes)
        if self._plan.fields:
            take_apart(planes, self._plan.fields)
        if behind:
            lay_back(planes, behind)
        elif len(lines):
            take_off(planes, lines)
        points = self._tracker.track(planes) if self._aims(self._first + number) else None
        self._at.append(number)
        self._rows.append(np.full((self._tracker.points, 3), np.nan, np.float32) if points is None else points)

    def _aims(self, index: int) -> bool:
        """Turn the tracker to the planned face; False where the plan sees none in output frame ``index``.

        Only where it comes up or leaps, as at cuts, or is another one than before: there half a face would be followed,
        and misread.
        """
        number = int(self._foremost[index])
        place = _place(self._plan.layers[number], index)
        before, self._face = self._face, None if place is None else (*place, number)
        if self._face and (before is None or before[2] != number or _leapt(*before[:2], *self._face[:2])):
            self._tracker.look_at(self._face[0])
        return self._face is not None

    def opening(self) -> Doubles:
        """(n,) opening in eye distances, NaN where no face was seen and in frames that were not looked at."""
        opening = np.full(self._last - self._first, np.nan)
        if not self._rows:
            return opening
        landmarks, at = np.stack(self._rows), np.array(self._at)
        times, whose = self._plan.times[self._first :][at], self._foremost[self._first :][at]
        turn = np.cumsum(np.diff(whose, prepend=whose[:1]) != 0)  # each time it is one face's turn is a shot of its own
        for face in np.unique(whose):  # every head has a shape of its own
            here = whose == face
            if np.isfinite(landmarks[here, 0, 0]).sum() > 2:
                track = follow_face(landmarks[here], times[here], turn[here], smooth=self.every == 1)
                opening[at[here]] = np.where(track.usable, track.params[:, 0], np.nan)
        return opening


def looked_at_every(plan: MotionPlan) -> int:
    """1, 2 or 4: of how many pictures one is looked at, which are those that others are predicted from."""
    least = LEAST_LOOKS_OF_FASTEST if plan.settings.model == "lipsync-1.9.0-beta" else LEAST_LOOKS
    return max(every for every in (1, 2, 4) if every == 1 or plan.fps >= every * least)


@one_thread
def seen_opening(
    film: Path,
    plan: MotionPlan,
    first: int = 0,
    last: int | None = None,
    *,
    every_frame: bool = False,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
    models: Path | None = None,
) -> Doubles:
    """(n,) opening of the mouth in an encoded film of frames [``first``, ``last``), in eye distances.

    NaN where no face is seen, and in frames that are not looked at: see :func:`looked_at_every`, unless ``every_frame``
    is asked for, which takes half as long again and is steadier, for it can be smoothed. The face looked for is the one
    that is driven there.
    """
    last = len(plan) if last is None else last
    proof = Proof(plan, first, last, models, every_frame=every_frame)
    if not proof.looks:
        return proof.opening()
    monitor = Monitor(progress, cancelled)
    times, _ = shown_frames(film)
    with VideoReader(film, proof.every) as reader:
        for looks, frame in enumerate(prefetch(reader)):
            number = int(np.argmin(np.abs(times - frame.time)))
            if number >= last - first:
                break
            proof.look(number, frame.yuv)
            checkpoint()
            if looks % 5 == 0:
                monitor.step("proof", number, last - first)
    monitor.step("proof", last - first, last - first)
    return proof.opening()


def _place(plan: MotionPlan, index: int) -> tuple[FaceChoice, float] | None:
    """The middle of the planned face in output frame ``index`` and its eye distance; None where it is not seen."""
    source = plan.source[index]
    middle = plan.own[source].mean(axis=0)
    if not np.isfinite(middle).all():
        return None
    return FaceChoice(float(middle[0]), float(middle[1])), float(plan.eyes[source])


def _leapt(before: FaceChoice, eyes_before: float, now: FaceChoice, eyes: float) -> bool:
    """Whether a face is elsewhere, or of another size, than the tracker follows from one look to the next."""
    moved = math.hypot(now.x - before.x, now.y - before.y)
    return moved > LEAP * eyes or abs(math.log(eyes / eyes_before)) > LEAP_OF_SIZE
