"""BlazeFace (short range): where the faces are, how large and how much they are tilted."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..model_files import DETECTOR, model_path
from .nets import Net, sigmoid
from .picture import Picture

INPUT_SIZE = 128
SCORE_THRESHOLD = 0.5
# A face box is enlarged by half for the mesh's region of interest (mediapipe's own margin).
REGION_MARGIN = 1.5
# Detections whose centres lie nearer than this share of the best one's width are the same face.
SAME_FACE = 0.5
# In squares that are part of the picture a face is taken for one up to this share of their side: cheeks and hair that
# fill a square are read as a face as large as it, and a real one of that size is seen whole in a larger square.
LARGEST_SHARE = 0.8
# A point means a face when it lies within the box or the hair and chin around it.
AT_POINT = 0.8


@dataclass(frozen=True)
class Region:
    """A rotated square in picture pixels: centre x and y, side, tilt in radians (clockwise on screen)."""

    x: float
    y: float
    side: float
    tilt: float


@dataclass(frozen=True)
class Detection:
    """One face: its box (centre and larger side, pixels), tilt in radians, score in 0..1 and key points (6, 2).

    The key points are in pixels: the eye on the left of the picture, the other one, nose, mouth, ears.
    """

    x: float
    y: float
    size: float
    tilt: float
    score: float
    points: NDArray[np.float64] = field(compare=False, repr=False)

    def region(self) -> Region:
        """The square the mesh looks at first."""
        return Region(self.x, self.y, self.size * REGION_MARGIN, self.tilt)


class FaceDetector:
    """Finds faces in a picture; one pass sees faces from about a tenth of the square it looks at."""

    def __init__(self, models: Path, threads: int = 1) -> None:
        self._net = Net(model_path(models, DETECTOR).read_bytes(), threads)
        self._anchors = _anchors()

    def detect(self, picture: Picture, search: bool = True) -> list[Detection]:
        """Faces, the largest first.

        First the whole picture in one square. Where that shows none and `search` is set, squares as wide as the
        shorter side, then of half that, overlapping by half: they find faces down to a twentieth of that side.
        """
        width, height = picture.width, picture.height
        longer, shorter = max(width, height), min(width, height)
        found = self._look(picture, width / 2, height / 2, longer)
        for side in (shorter, shorter / 2) if search else ():
            if found:
                break
            found = self._in_squares(picture, side)
        return _merge(found)

    def detect_all(self, picture: Picture, squares: int) -> list[Detection]:
        """Every face, the largest first: in the whole picture and in `squares` sizes of squares beside.

        One is as wide as the shorter side; two are half of that as well, in which faces down to a twentieth of the
        shorter side are seen.
        """
        shorter = min(picture.width, picture.height)
        found = self._look(picture, picture.width / 2, picture.height / 2, max(picture.width, picture.height))
        for side in (shorter, shorter / 2)[:squares]:
            if side == picture.width == picture.height:  # seen already
                continue
            found += self._in_squares(picture, side)
        return _merge(found)

    def detect_at(self, picture: Picture, x: float, y: float) -> Detection | None:
        """The face at a point, or None: looked for in squares about the point, the smaller the face the closer."""
        shorter = min(picture.width, picture.height)
        for share in (1.0, 0.5, 0.25, 0.125):
            found = self._look(picture, x, y, shorter * share)
            hit = [face for face in found if max(abs(face.x - x), abs(face.y - y)) < AT_POINT * face.size]
            if hit:
                return min(hit, key=lambda face: np.hypot(face.x - x, face.y - y))
        return None

    def nearest(self, picture: Picture, x: float, y: float, side: float, least: float) -> Detection | None:
        """The face nearest to the middle of one square, or None; `least` is the score wanted of it."""
        found = self._look(picture, x, y, side, least)
        return min(found, key=lambda face: np.hypot(face.x - x, face.y - y)) if found else None

    def score(self, picture: Picture, region: Region) -> float:
        """How surely there is a face in a square, upright as that is tilted, 0..1."""
        return max(
            (face.score for face in self._look(picture, region.x, region.y, region.side, tilt=region.tilt)), default=0.0
        )

    def _in_squares(self, picture: Picture, side: float) -> list[Detection]:
        """Faces within squares of this side that cover the picture; those on two of them are there twice."""
        centres = [(x, y) for x in _centres(picture.width, side) for y in _centres(picture.height, side)]
        found = [face for x, y in centres for face in self._look(picture, x, y, side)]
        return [face for face in found if face.size < LARGEST_SHARE * side]

    def _look(
        self, picture: Picture, x: float, y: float, side: float, least: float = SCORE_THRESHOLD, tilt: float = 0.0
    ) -> list[Detection]:
        """Faces within one square; where it has a ``tilt``, their places are those in it as it stands upright."""
        scale, half = INPUT_SIZE / side, INPUT_SIZE / 2
        turn = scale * np.array([[math.cos(tilt), math.sin(tilt)], [-math.sin(tilt), math.cos(tilt)]])
        matrix = np.column_stack([turn, half - turn @ (x, y)]).astype(np.float32)
        boxes, logits = sorted(self._net(picture.patch(matrix, INPUT_SIZE) * 2 - 1), key=lambda t: -t.shape[-1])
        logits = logits.reshape(-1)
        likely = np.flatnonzero(logits > math.log(least / (1 - least)))
        if not likely.size:
            return []
        scores = np.array([sigmoid(logit) for logit in logits[likely].tolist()])
        # 16 numbers a box: centre, width and height, six key points (0 and 1 are the eyes), relative to its anchor.
        raw = boxes.reshape(-1, 16)[likely].astype(np.float64) / INPUT_SIZE
        anchors = self._anchors[likely]
        raw[:, 0:2] += anchors
        raw[:, 4:] += np.tile(anchors, 6)
        raw = raw * side
        origin = np.array([x - side / 2, y - side / 2])
        found = []
        for members in _clusters(raw, scores):
            weight = scores[members]
            mean = (raw[members] * weight[:, None]).sum(0) / weight.sum()
            eyes = mean[6:8] - mean[4:6]
            centre = mean[:2] + origin
            tilt = float(np.arctan2(eyes[1], eyes[0]))
            size, points = float(mean[2:4].max()), mean[4:].reshape(6, 2) + origin
            found.append(Detection(float(centre[0]), float(centre[1]), size, tilt, float(weight[0]), points))
        return found


def _anchors() -> NDArray[np.float64]:
    """The net's 896 anchor centres in 0..1: two a cell on a 16x16 grid, then six a cell on an 8x8 grid."""
    rows = []
    for cells, repeat in ((16, 2), (8, 6)):
        for y in range(cells):
            for x in range(cells):
                rows += [((x + 0.5) / cells, (y + 0.5) / cells)] * repeat
    return np.array(rows, np.float64)


def _centres(length: float, side: float) -> NDArray[np.float64]:
    """Centres of squares of `side` that cover `length`, overlapping by at least half."""
    count = int(np.ceil((length - side) / (side / 2))) + 1
    return np.linspace(side / 2, length - side / 2, max(1, count))


def _clusters(boxes: NDArray[np.float64], scores: NDArray[np.float64]) -> list[NDArray[np.intp]]:
    """Indices of boxes that show the same face, each cluster led by its best box."""
    left = list(np.argsort(-scores))
    clusters = []
    while left:
        best = boxes[left[0]]
        distance = np.hypot(*(boxes[left, :2] - best[:2]).T)
        near = distance < SAME_FACE * best[2]
        clusters.append(np.array([index for index, same in zip(left, near, strict=True) if same], np.intp))
        left = [index for index, same in zip(left, near, strict=True) if not same]
    return clusters


def _merge(found: list[Detection]) -> list[Detection]:
    """One detection a face, of those several squares saw; the largest face first."""
    kept: list[Detection] = []
    for item in sorted(found, key=lambda face: -face.score):
        if all(np.hypot(item.x - other.x, item.y - other.y) > SAME_FACE * other.size for other in kept):
            kept.append(item)
    return sorted(kept, key=lambda face: -face.size)
