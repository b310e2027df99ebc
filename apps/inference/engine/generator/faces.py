"""The face as a generator wants it, and its answer laid back into the picture.

Only the lower face is taken from the generator, softly, in the light of the picture around it; what is in front of the
mouth stays in front. Colours go to the net and back by the same matrix, so an unchanged face comes back unchanged.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ..analysis import FootageAnalysis
from ..face.landmarks import EYE_CORNERS, FACE_OVAL_LOWER, NOSE_BASE
from ..media.video_reader import split_planes
from ..pieces import Painter
from ..plan import MotionPlan
from ..render.compose import aligned_box, feathered, mask_step, relit, rim
from ..render.layers import Box, Floats, Layer, blurred, polygon_mask, read_box, resized, write_box
from ..render.occlusion import in_picture
from .net import GeneratorNet
from .sound import window_at

# The box is steadied over so many frames to either side, as the reference does: a crop that trembles makes the mouth
# tremble.
STEADY = 2
CHIN_ROOM = 0.05  # of the face's height below the chin, where the jaw may open further than in this frame
# In eye distances.
SOFTNESS, NOSE_RAMP = 0.07, 0.05
SMALLEST_SIDE = 32


@dataclass(frozen=True)
class Generated:
    """Paints mouths with a net; ``mel`` (80, n) is the film's new sound."""

    net: GeneratorNet
    mel: NDArray[np.float32]

    def painter(self) -> Painter:
        """What draws one face of one frame, see :func:`..pieces.drawn_frames`."""
        return self._paint

    def _paint(
        self, picture: NDArray[np.uint8], footage: FootageAnalysis, plan: MotionPlan, index: int, glides: bool
    ) -> None:
        source = int(plan.source[index])
        size = (picture.shape[1], picture.shape[0] * 2 // 3)
        points = face_at(footage, source)
        box = steady_box(footage, source, size)
        if min(box[2:]) < SMALLEST_SIDE or glides:  # between two scenes the face is nowhere in particular
            return
        original = read_box(picture, box)
        made = self.net(window_at(self.mel, float(plan.times[index])), face_of(original, self.net.size))
        new = layer_of(made, (box[2], box[3])).floats()
        eyes = float(np.hypot(*(points[EYE_CORNERS[1]] - points[EYE_CORNERS[0]])))
        mask = lower_face(points - box[:2], eyes, (box[3], box[2]))
        cells = (max(2, box[3] // mask_step(eyes)), max(2, box[2] // mask_step(eyes)))
        lit = relit(new, original, rim(resized(mask, cells)), eyes / mask_step(eyes))
        mixed = original.floats().mix(lit, mask * np.float32(plan.strength[index]))
        if plan.object_masks is not None and plan.to_canvas is not None and plan.object_masks[source].any():
            in_front = in_picture(plan.object_masks[source], plan.to_canvas, plan.own[source], eyes, box)
            mixed = mixed.mix(original.floats(), in_front)
        write_box(picture, box, feathered(mixed.bytes(), original, box, size))


def face_at(footage: FootageAnalysis, frame: int) -> NDArray[np.float64]:
    """(N, 2) landmarks of a driven frame; where the face was missed for a moment, on the way between those around."""
    points = footage.landmarks[frame, :, :2].astype(np.float64)
    if np.isfinite(points[0, 0]):
        return points
    known = np.flatnonzero(footage.has_face)
    after = int(np.searchsorted(known, frame))
    one, other = known[after - 1], known[after]
    before, behind = (footage.landmarks[at, :, :2].astype(np.float64) for at in (one, other))
    return np.asarray(before + (behind - before) * ((frame - one) / (other - one)))


def steady_box(footage: FootageAnalysis, frame: int, size: tuple[int, int]) -> Box:
    """The face of a frame with room below the chin, averaged over neighbours of the same shot that show it."""
    shots = footage.shot_of()
    near = [
        other
        for other in range(max(0, frame - STEADY), min(footage.frame_count, frame + STEADY + 1))
        if other == frame or (footage.has_face[other] and shots[other] == shots[frame])
    ]
    points = np.stack([face_at(footage, other) for other in near])
    low, high = points.min(1).mean(0), points.max(1).mean(0)
    high[1] += CHIN_ROOM * (high[1] - low[1])
    return aligned_box(low, high, size)


def face_of(layer: Layer, size: int) -> NDArray[np.uint8]:
    """A part of the picture as (``size``, ``size``, 3) blue, green, red; stretched to a square, as the nets know it."""
    height, width = layer.luma.shape
    planes = np.empty((height * 3 // 2, width), np.uint8)
    luma, blue, red = split_planes(planes)
    luma[:] = layer.luma
    blue[:], red[:] = layer.chroma[..., 0], layer.chroma[..., 1]
    picture = cv2.cvtColor(planes, cv2.COLOR_YUV2BGR_I420)
    shrinks = size <= min(height, width)
    return np.asarray(cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC))


def layer_of(picture: NDArray[np.uint8], size: tuple[int, int]) -> Layer:
    """The inverse: blue, green, red back to a layer of ``size`` (width, height, both even)."""
    large = cv2.resize(picture, size, interpolation=cv2.INTER_CUBIC)
    luma, blue, red = split_planes(cv2.cvtColor(large, cv2.COLOR_BGR2YUV_I420))
    return Layer(luma.copy(), np.dstack([blue, red]))


def lower_face(points: NDArray[np.floating], eyes: float, shape: tuple[int, int]) -> Floats:
    """(h, w) 0..1: jaw and mouth up to the base of the nose, soft at its edge; ``points`` (N, 2) within the box."""
    hull: Floats = cv2.convexHull(points[FACE_OVAL_LOWER].astype(np.float32))[:, 0]
    mask = blurred(polygon_mask(hull, shape), SOFTNESS * eyes)
    nose = points[NOSE_BASE]
    across = points[EYE_CORNERS[1]] - points[EYE_CORNERS[0]]
    right = across / (np.hypot(*across) + 1e-9)
    columns = np.arange(shape[1], dtype=np.float32)[None, :] - np.float32(nose[0])
    lines = np.arange(shape[0], dtype=np.float32)[:, None] - np.float32(nose[1])
    depth = (-columns * np.float32(right[1]) + lines * np.float32(right[0])) / np.float32(eyes)
    return np.asarray(mask * np.clip(depth / NOSE_RAMP, 0, 1), np.float32)
