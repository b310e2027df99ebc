"""What the footage tells about one speaker: pose, shape, mouth shapes, and where every mesh point lies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, minimum_filter1d

from .analysis import FootageAnalysis
from .face.landmarks import FREE_POINTS, WARP_POINTS
from .face.mouth_code import MouthCode, learn_mouth_code
from .face.mouth_params import APERTURE, PARAMETERS
from .faces_in_time import FaceTrack, follow_face
from .motion.trajectory import STILL_COUPLING, MouthRange, still_range
from .render.basis import generic_displacement
from .render.mesh import FaceMesh2D, uncross_lips

Doubles = NDArray[np.float64]

# P95 - P5 of the opening: people who are silent measured up to .021, 72 short clips of people who talk .035 and more.
STILL_RANGE = 0.028
BLOCK = 1000  # frames
TURNED_FROM = 25.0  # degrees: from here on parts of the face hide behind others
STUDIED = 3000  # frames the mouth code is learnt from: two minutes hold every shape
MOVEMENT_S, MOVEMENT, LEAST_MOVEMENT = 0.8, 0.03, 40  # within so many seconds the opening changes by so much; frames
# Of the changes from frame to frame: what one frame in ten passes. A sound that is spoken faster than this speaker does
# would have the mouth at its quickest all the time, and mouths that open within a frame are seen to pop.
QUICKEST_PERCENTILE = 90


@dataclass(frozen=True)
class Speaker:
    """What the footage tells about the speaker's face."""

    track: FaceTrack
    mesh: FaceMesh2D
    code: MouthCode
    shot: NDArray[np.int64]

    @property
    def is_still(self) -> bool:
        """Whether the mouth never moves in the footage."""
        opening = self.track.params[self.track.usable, 0]
        return bool(np.percentile(opening, 95) - np.percentile(opening, 5) <= STILL_RANGE)


def study_speaker(footage: FootageAnalysis) -> Speaker:
    """Pose, shape, mouth code and mesh of the followed face."""
    shot = footage.shot_of()
    track = follow_face(footage.landmarks, footage.times, shot, size=footage.size)
    frames = np.flatnonzero(track.usable)
    frames = frames[:: max(1, len(frames) // STUDIED)]
    code = learn_mouth_code(track.faces.shapes_of(frames), track.params[frames])
    return Speaker(track, FaceMesh2D.build(track.faces.template), code, shot)


def mouth_range(speaker: Speaker, fps: float) -> MouthRange:
    """How this mouth moves, or, where it never does in the footage, how an ordinary one would."""
    params = speaker.track.params[speaker.track.usable]
    if speaker.is_still:
        return still_range(params)
    # Who listens for most of the footage speaks neither with closed lips nor slowly: only stretches of movement count.
    track = speaker.track
    opening = params[:, APERTURE]
    half = max(2, round(MOVEMENT_S * fps / 2))
    moving = np.zeros(len(track.usable), bool)
    moving[track.usable] = maximum_filter1d(opening, 2 * half + 1) - minimum_filter1d(opening, 2 * half + 1) > MOVEMENT
    follows = moving[1:] & moving[:-1] & (speaker.shot[1:] == speaker.shot[:-1])
    steps = np.abs(np.diff(track.params, axis=0))[follows]
    quickest = np.percentile(steps, QUICKEST_PERCENTILE, axis=0) * fps if len(steps) >= LEAST_MOVEMENT else None
    return MouthRange(track.params[moving] if moving.sum() >= LEAST_MOVEMENT else params, quickest)


def mesh_points(speaker: Speaker) -> NDArray[np.float32]:
    """(F, Q, 2): warp and ring points of every source frame, in pixels."""
    faces, ring = speaker.track.faces, speaker.mesh.ring
    around = faces.scale[:, None, None] * np.einsum("rc,fdc->frd", ring, faces.rotation) + faces.shift[:, None]
    return np.concatenate([faces.landmarks[:, WARP_POINTS, :2], around[..., :2]], axis=1).astype(np.float32)


def opening_response(speaker: Speaker) -> NDArray[np.float32]:
    """(P, 2): how the warp points move per unit of opening, along the eyes and down the face, both in eye distances.

    A regression over the speaker's own footage; of a mouth that never moves there, over other people's.
    """
    if speaker.is_still:
        change = np.zeros((1, len(PARAMETERS)))
        change[0, APERTURE] = 1
        for column, factor in STILL_COUPLING.items():
            change[0, column] = factor
        return generic_displacement(change)[0, :, :2].astype(np.float32)
    frames = np.flatnonzero(speaker.track.usable)
    frames = frames[:: max(1, len(frames) // STUDIED)]
    opening = speaker.track.params[frames, APERTURE]
    change = opening - opening.mean()
    shapes = speaker.track.faces.shapes_of(frames, np.array(WARP_POINTS))[..., :2]
    moved = np.einsum("n,npc->pc", change, shapes - shapes.mean(0)) / (change @ change)
    return (moved * np.isin(WARP_POINTS, FREE_POINTS)[:, None]).astype(np.float32)


def turned_eyes(speaker: Speaker) -> Doubles:
    """(F,): the eye distance in pixels of a head turned to the side, 0 in other frames."""
    track = speaker.track
    return np.where(track.usable & (track.turn > TURNED_FROM), track.faces.scale, 0.0)


def mesh_depth(speaker: Speaker) -> NDArray[np.float16] | None:
    """(F, Q): how far from the camera the points of a turned head lie, in eye distances; NaN in other frames.

    None where no frame shows a turned head.
    """
    faces, turned = speaker.track.faces, turned_eyes(speaker) > 0
    if not turned.any():
        return None
    depth = np.full((len(turned), len(WARP_POINTS) + len(speaker.mesh.ring)), np.nan, np.float16)
    for frame in np.flatnonzero(turned):
        ring = speaker.mesh.ring @ faces.rotation[frame, 2] + faces.shift[frame, 2] / faces.scale[frame]
        depth[frame] = np.concatenate([faces.landmarks[frame, WARP_POINTS, 2] / faces.scale[frame], ring])
    return depth


def target_points(
    speaker: Speaker,
    source: NDArray[np.integer],
    change: Doubles,
    displacement: Callable[[Doubles], Doubles],
    own: NDArray[np.float32],
) -> NDArray[np.float32]:
    """(N, Q, 2): where the points of each output frame shall be, in pixels.

    ``displacement`` turns rows of ``change`` (N, …) into movements (n, P, 3) in eye distances. They are added to the
    frame's own landmarks, so that errors of the canonical frame cancel. Worked out in blocks: a film of ten minutes
    would otherwise take half a gigabyte in passing.
    """
    faces, points = speaker.track.faces, np.array(WARP_POINTS)
    target = own[source]
    for first in range(0, len(source), BLOCK):
        block = source[first : first + BLOCK]
        shape = faces.shapes_of(block, points) + displacement(change[first : first + BLOCK])
        placed = np.einsum("npc,ndc->npd", uncross_lips(shape), faces.rotation[block])
        placed = placed * faces.scale[block][:, None, None] + faces.shift[block][:, None]
        target[first : first + BLOCK, : len(points)] = placed[..., :2]
    return target
