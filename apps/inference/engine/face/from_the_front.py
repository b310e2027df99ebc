"""Reads a head that is turned far to the side as if it were seen from the front.

The landmark net learnt on faces that look into the camera: beyond some 30° it takes a head for less turned than it is
and draws the hidden half into the background. So a turned head is laid out first. The six key points of the face
detector tell how it stands (the mean head, `mean_face.npy`, fitted in weak perspective), the surface of the mean head
then says where in the picture each point of a frontal square lies, what the camera does not see is mirrored from the
other half, and the net reads that square. What it finds goes back the same way.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from scipy.spatial import Delaunay

from ..kept_arrays import read_array
from .canonical import fit_pose
from .detector import Detection, FaceDetector, Region
from .landmarks import RIGID
from .mesh import FaceMesh
from .picture import Picture

Doubles = NDArray[np.float64]
Floats = NDArray[np.float32]

# (468, 3) float16: mean of ten people's pose-free landmarks, mirror-symmetric, in eye distances; made from clips of the
# GRID corpus (Cooke et al. 2006, CC BY 4.0) by `python -m benchmarks.mean_face`.
MEAN_FACE = Path(__file__).with_name("mean_face.npy")
SIDE = 2.94  # eye distances the frontal square shows
DETECTOR_SIDE = 1.43  # what the detector looks at, in sides of the mesh's region
# Detections are asked for less strictly than where faces are looked for: here one is known to be there.
LEAST_SCORE = 0.3
# Beyond the mean head's outline its surface falls back by so much a step outwards.
SLOPE = 1.1
# A point of the surface counts as seen from this cosine between its normal and the camera on, fully .2 further.
LEAST_FACING, FACING_WIDTH = 0.1, 0.2
# The key points are drawn to the front as well, and the detector grows less sure the farther a head is turned.
# Regression over thirteen people turned in three dimensions by 20 to 80°: degrees per degree of the key points, per
# score, constant. Told so, turns are exact to 6 to 8° (standard deviation), at 80° to 10.
PER_DEGREE, PER_SCORE, CONSTANT = 0.86, -91.0, 88.0
# Of each frame's turn so much goes into the one believed. It follows to within the second (degrees) as fast as heads
# turn, by the third a frame: now and then key points are misread altogether.
SMOOTHING, LARGEST_LAG, LARGEST_STEP = 0.2, 15.0, 8.0
# Degrees: a head is laid out for at most the first, which comes nearer to the lips than its own turn does; beyond the
# second what the camera sees of the lips tells too little.
LAID_OUT, STEEPEST = 65.0, 72.0
_STILL = np.array(RIGID)
NASION = 168  # the landmark between the eyes
PROFILE, LEAST_PRESENCE = 90.0, 0.5
LOOKS = 2  # the first one puts the head's place and size right, the second one reads
OWN_DEPTH = 0.5  # of the depth read by the net; the rest is the mean head's: lips come out nearest so
# Turning is laid about a point behind the nose (eye distances): it leaves the middle of the face where it is.
AXIS_DEPTH, AXIS_POINTS = 0.3, (6, 197, 4, 0)


@dataclass(frozen=True)
class Pose:
    """`picture pixels = scale · head @ rotation.T + shift`, the head in eye distances as the mean face is."""

    scale: float
    rotation: Doubles
    shift: Doubles

    @property
    def yaw(self) -> float:
        """Degrees about the vertical."""
        return _yaw(self.rotation)

    def place(self, head: NDArray[np.floating]) -> Doubles:
        """Points (…, 3) of the head in the picture; z grows away from the camera, in the same pixels."""
        return np.asarray(self.scale * head @ self.rotation.T + self.shift)

    def turned_to(self, yaw: float, about: Doubles) -> Pose:
        """The same pose with another yaw; the point `about` of the head stays in its place."""
        rotation = self.rotation @ _about_vertical(yaw - self.yaw)
        return replace(self, rotation=rotation, shift=self.place(about) - self.scale * rotation @ about)


@dataclass(frozen=True)
class Front:
    """Landmarks (N, 3) in picture pixels, the face's presence in the frontal square 0..1, and yaw in degrees.

    Where the head is turned by more than STEEPEST, or the net sees no face in the square, it counts as turned too far
    (`hidden`): the points are then those of the mean head in profile, and the presence is 0.
    """

    points: Floats
    presence: float
    yaw: float

    @property
    def hidden(self) -> bool:
        """Whether the head is turned too far to be read."""
        return self.presence == 0


class FrontReader:
    """Lays turned heads out and reads them; holds no state of its own."""

    def __init__(self, detector: FaceDetector, mesh: FaceMesh) -> None:
        self._detector, self._mesh = detector, mesh
        self.head = mean_face()
        self._key_head = _key_points(self.head)
        self._axis = np.append(self.head[list(AXIS_POINTS), :2].mean(0), AXIS_DEPTH)
        self._low = _low(self.head)

    def stand(self, picture: Picture, region: Region, yaw: float | None) -> Pose | None:
        """How the head about `region` stands, by one pass of the detector; None where it sees none.

        `yaw` is what was believed in the frame before: what is believed now is the pose's.
        """
        face = self._detector.nearest(picture, region.x, region.y, DETECTOR_SIDE * region.side, LEAST_SCORE)
        if face is None:
            return None
        # Least squares in weak perspective, then the nearest rotation of that.
        head, seen = self._key_head - self._key_head.mean(0), face.points - face.points.mean(0)
        left, _, right = np.linalg.svd(np.linalg.lstsq(head, seen, rcond=None)[0].T)
        rows = left @ np.eye(2, 3) @ right
        rotation = np.vstack([rows, np.cross(rows[0], rows[1])])
        read = _yaw(rotation)
        pose = self._onto(face, rotation @ _about_vertical(_believed(yaw, _turn(read, face.score)) - read))
        return pose if pose.scale > 0 else None  # what is no head may show one's points the wrong way round

    def read(self, picture: Picture, pose: Pose) -> Front:
        """The head that stands so, by two passes of the landmark net."""
        yaw = pose.yaw
        if abs(yaw) > STEEPEST:
            return self._profile(pose, yaw)
        points, presence = np.empty((0, 3), np.float32), 0.0
        for _ in range(LOOKS):
            pose = pose.turned_to(float(np.clip(yaw, -LAID_OUT, LAID_OUT)), self._axis)
            seen, presence = self._mesh.read(self._laid_out(picture, pose))
            points, pose = self._back(seen, pose)
        return Front(points, presence, yaw) if presence >= LEAST_PRESENCE else self._profile(pose, yaw)

    def _onto(self, face: Detection, rotation: Doubles) -> Pose:
        """The pose of this rotation whose key points lie nearest to those seen."""
        turned = (self._key_head @ rotation.T)[:, :2]
        middle, seen = turned.mean(0), face.points.mean(0)
        scale = float(((turned - middle) * (face.points - seen)).sum() / ((turned - middle) ** 2).sum())
        return Pose(scale, rotation, np.append(seen - scale * middle, 0.0))

    def _profile(self, pose: Pose, yaw: float) -> Front:
        """The mean head turned by 90° about the root of its nose, so that it does not seem to leap.

        Irises, where the net tells them, are in the middle of the eyes.
        """
        head = self.head
        if self._mesh.points > len(head):
            eyes = np.repeat(self._key_head[:2], (self._mesh.points - len(head)) // 2, axis=0)
            head = np.concatenate([head, eyes])
        points = pose.turned_to(float(np.copysign(PROFILE, yaw)), head[NASION]).place(head)
        return Front(points.astype(np.float32), 0.0, yaw)

    def _laid_out(self, picture: Picture, pose: Pose) -> Floats:
        """RGB (S, S, 3) in 0..1: the head as if seen from the front, hidden parts mirrored from the other side."""
        onto = np.column_stack([pose.scale * pose.rotation, pose.shift])[:2]
        surface, normals, _ = _surface(self._mesh.size)
        places = np.asarray(cv2.transform(surface, onto), np.float32)
        patch = picture.resample(places, pose.scale * SIDE / self._mesh.size)
        facing = np.asarray(cv2.transform(normals, -pose.rotation[2:]), np.float32)
        seen = np.clip((facing - LEAST_FACING) * np.float32(1 / FACING_WIDTH), 0, 1)
        other = np.where(seen[:, ::-1] > seen, 1 - seen, np.float32(0))
        return np.asarray(cv2.blendLinear(patch, cv2.flip(patch, 1), 1 - other, other), np.float32)

    def _back(self, seen: Floats, pose: Pose) -> tuple[Floats, Pose]:
        """Points read in the frontal square put back into the picture, and the pose they say the head has."""
        unit = SIDE / self._mesh.size
        flat = np.asarray(seen[:, :2], np.float64) * unit + self._low
        x, y = np.ascontiguousarray(seen[:, :2].T)[..., None]
        surface = cv2.remap(_surface(self._mesh.size)[2], x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[:, 0]
        read = np.column_stack([flat, unit * seen[:, 2]])
        # How far lips stand out is the person's own: the net tells it, but for what leans or shifts its still points.
        plane = np.column_stack([flat, np.ones(len(flat))])
        lean = np.linalg.lstsq(plane[RIGID], (surface - read[:, 2])[RIGID], rcond=None)[0]
        depth = (1 - OWN_DEPTH) * surface + OWN_DEPTH * (read[:, 2] + plane @ lean)
        points = pose.place(np.column_stack([flat, depth])).astype(np.float32)
        (scale,), (rotation,), (shift,) = fit_pose(self.head[RIGID], read[None, RIGID])
        return points, Pose(pose.scale * float(scale), pose.rotation @ rotation, pose.place(shift))


def mean_face() -> Doubles:
    """(468, 3): the mean head's landmarks, frontal, in eye distances; z grows away from the camera."""
    return read_array(MEAN_FACE).astype(np.float64)


def yaw_read(points: NDArray[np.floating]) -> float:
    """Degrees by which landmarks (N, 3) say that their head is turned: :func:`fit_pose`, for one face."""
    _, left, right = cv2.SVDecomp(_still_head() @ points[_STILL])  # a third of the time of LAPACK's
    return _yaw((left @ right).T)


@lru_cache(maxsize=1)
def _still_head() -> Doubles:
    """(3, R): the points of the mean head that speech does not move, about their middle."""
    still = mean_face()[_STILL]
    return np.ascontiguousarray((still - still.mean(0)).T)


def _turn(read: float, score: float) -> float:
    """Degrees by which a head is turned whose key points say `read`, found with this score."""
    return float(np.sign(read) * max(abs(read), PER_DEGREE * abs(read) + PER_SCORE * score + CONSTANT))


def _believed(before: float | None, now: float) -> float:
    if before is None:
        return now
    wanted = np.clip(before + SMOOTHING * (now - before), now - LARGEST_LAG, now + LARGEST_LAG)
    return float(np.clip(wanted, before - LARGEST_STEP, before + LARGEST_STEP))


def _yaw(rotation: Doubles) -> float:
    return float(np.degrees(np.arctan2(rotation[0, 2], rotation[2, 2])))


def _about_vertical(degrees: float) -> Doubles:
    angle = np.radians(degrees)
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.array([[cosine, 0, sine], [0, 1, 0], [-sine, 0, cosine]])


def _key_points(head: Doubles) -> Doubles:
    """(6, 3): where the detector's key points lie on the head: eyes, tip of the nose, mouth, ears."""
    ears = head[[234, 454]] + [0, 0, 0.1]
    return np.array([head[[33, 133]].mean(0), head[[362, 263]].mean(0), head[4], head[[13, 14]].mean(0), *ears])


def _low(head: Doubles) -> Doubles:
    """(2,): the head's point in the corner of the frontal square."""
    return np.array([-SIDE / 2, (head[:, 1].min() + head[:, 1].max() - SIDE) / 2])


@lru_cache(maxsize=2)  # made for the first head that is turned away, and kept for the readers of later steps
def _surface(size: int) -> tuple[Floats, Floats, Floats]:
    """(S, S, 3) each: the head's points in the frontal square, and the surface's normals there; (S, S) depth."""
    head = mean_face()
    low = _low(head)
    unit = SIDE / size
    y, x = np.mgrid[:size, :size]
    flat = np.dstack([x, y]) * unit + low
    depth = _between(head, flat.reshape(-1, 2)).reshape(size, size)
    outside = ~np.isfinite(depth)
    away, nearest = distance_transform_edt(outside, return_indices=True)
    depth = np.where(outside, depth[tuple(nearest)] + SLOPE * away * unit, depth)
    depth = np.asarray(cv2.GaussianBlur(depth, (0, 0), size / 160), np.float64)
    down, across = np.gradient(depth, unit)
    normals = np.dstack([across, down, -np.ones_like(depth)])
    normals /= np.linalg.norm(normals, axis=2, keepdims=True)
    return np.dstack([flat, depth]).astype(np.float32), normals.astype(np.float32), depth.astype(np.float32)


def _between(head: Doubles, flat: Doubles) -> Doubles:
    """(n,) depth at points ``flat`` (n, 2) of a frontal head (N, 3), linear within triangles; NaN beside it.

    SciPy's interpolators come with its statistics, half a second of imports.
    """
    mesh = Delaunay(head[:, :2])
    which = mesh.find_simplex(flat)
    to_shares, origin = mesh.transform[which, :2], mesh.transform[which, 2]
    two = np.einsum("nij,nj->ni", to_shares, flat - origin)
    shares = np.column_stack([two, 1 - two.sum(1)])
    return np.where(which >= 0, (shares * head[mesh.simplices[which], 2]).sum(1), np.nan)
