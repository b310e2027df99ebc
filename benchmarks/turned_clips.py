"""Clips of heads turned far to the side, whose mouths are known: frontal clips turned in three dimensions.

Footage of profiles that may be used is rare. Here the tracked face of a clip is a mesh in three dimensions, its frame
the texture; a bowl of hair and ears stands behind its outline. Turned about the middle of the head and drawn with
hidden parts hidden, it stands before a pattern that shows every pixel that is dragged along.
"""

from __future__ import annotations

import itertools
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Delaunay

from apps.inference.engine.face.from_the_front import mean_face
from apps.inference.engine.face.landmarks import POINTS
from apps.inference.engine.faces_in_time import FaceTrack
from apps.inference.engine.media.video_reader import VideoReader, split_planes
from apps.inference.engine.media.video_writer import PieceWriter
from apps.inference.engine.render.mesh import opened_lips
from apps.inference.engine.render.warp import piecewise_map, sample_chroma, sample_luma
from apps.inference.engine.sample.make import COLOUR

FACE_OVAL = [
    *[10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377],
    *[152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109],
]
# The bowl behind the face: how much wider than its outline, how far behind it (eye distances).
BOWL = ((1.06, 0.12), (1.12, 0.35), (1.15, 0.65), (1.10, 0.95), (0.90, 1.25), (0.55, 1.45))
AXIS_BEHIND = 0.55  # eye distances from the middle of the face to the axis it turns about
EYES = 0.24  # of the picture's side: the eye distance
UNROLLED_ABOUT = 0.8  # eye distances behind the middle of the face
SEEN_TO = 1.22  # the texture of the bowl is taken no farther out than this


def turned_clip(
    video: Path, track: FaceTrack, yaw: NDArray[np.floating], out: Path, fps: Fraction, side: int
) -> list[NDArray[np.uint8]]:
    """Write frames of ``video`` with the head turned by ``yaw`` (F,) degrees more, ``side`` pixels square.

    Returns where the head is in each of them: (side, side), 255 inside.
    """
    heads = []
    faces = track.faces
    triangles = head_triangles()
    ground = pattern(side)
    with VideoReader(video) as reader, PieceWriter(out, (side, side), fps, COLOUR) as writer:
        for frame in reader:
            if frame.index >= len(yaw):
                break
            points = faces.landmarks[frame.index, :POINTS]
            eyes = float(faces.scale[frame.index])
            picture = ground.copy()
            turn = float(yaw[frame.index])
            heads.append(draw_turned(picture, frame.yuv, points, eyes, faces.rotation[frame.index], turn, triangles))
            writer.write(picture)
    return heads


def pattern(side: int) -> NDArray[np.uint8]:
    """I420: soft slanting bars, so that nothing behind the head can move unseen."""
    y, x = np.mgrid[:side, :side].astype(np.float32)
    picture = np.full((side * 3 // 2, side), 128, np.uint8)
    picture[:side] = np.round(118 + 30 * np.sin(x / 9 + y / 23) + 12 * np.sin(y / 7)).astype(np.uint8)
    return picture


def _bowl(points: NDArray, rotation: NDArray, eyes: float) -> tuple[NDArray, NDArray]:
    """Rings (n, 3) behind the face's outline in the picture, and (n, 2) where their pixels are taken from."""
    outline = points[FACE_OVAL]
    middle = points[[10, 152]].mean(0)
    back = rotation @ np.array([0.0, 0.0, 1.0])
    solid, seen = [], []
    for wider, behind in BOWL:
        solid.append(middle + (outline - middle) * wider + back * behind * eyes)
        flat = min(SEEN_TO, 1.0 + 0.5 * behind)
        seen.append(middle[:2] + (outline[:, :2] - middle[:2]) * flat)
    return np.concatenate(solid), np.concatenate(seen)


def head_triangles() -> NDArray[np.int64]:
    """The face's triangles and those of the bowl behind it.

    They join the points of the mean face unrolled about the vertical: flat, those beside the ears would cross.
    """
    solid = opened_lips(mean_face())
    flat = np.column_stack([np.arctan2(solid[:, 0], UNROLLED_ABOUT - solid[:, 2]), solid[:, 1]])
    face = Delaunay(flat).simplices.astype(np.int64)
    outline = flat[FACE_OVAL].astype(np.float32)
    inside = [cv2.pointPolygonTest(outline, tuple(map(float, at)), False) > 0 for at in flat[face].mean(1)]
    face = face[np.array(inside)]
    count, around = len(FACE_OVAL), np.array(FACE_OVAL)
    rings = [around, *[POINTS + count * ring + np.arange(count) for ring in range(len(BOWL))]]
    bowl = []
    for inner, outer in itertools.pairwise(rings):
        following = np.roll(np.arange(count), -1)
        bowl += [
            np.stack([inner, outer, inner[following]], 1),
            np.stack([outer, outer[following], inner[following]], 1),
        ]
    return np.concatenate([face, *bowl])


def placed(
    solid: NDArray, rotation: NDArray, eyes: float, yaw: float, side: int, face: NDArray | None = None
) -> NDArray[np.float64]:
    """Points (n, 3) of a clip's frame where they are in the turned picture; ``face`` (N, 3) are its landmarks."""
    middle = (solid if face is None else face)[[10, 152]].mean(0)
    axis = middle + rotation @ np.array([0.0, 0.0, AXIS_BEHIND]) * eyes
    turn, _ = cv2.Rodrigues(rotation @ np.array([0.0, 1.0, 0.0]) * np.radians(yaw))
    return np.asarray((solid - axis) @ np.asarray(turn).T * (EYES * side / eyes) + [side / 2, side / 2, 0])


def draw_turned(
    picture: NDArray[np.uint8], frame: NDArray[np.uint8], points: NDArray, eyes: float, rotation: NDArray, yaw: float,
    triangles: NDArray,
) -> NDArray[np.uint8]:  # fmt: skip
    """Draw the turned head into ``picture`` (I420), in place, its middle in the middle; returns where it is.

    ``points`` (N, 3), ``eyes`` (their scale) and ``rotation`` are of the face in ``frame``, ``triangles`` those of
    :func:`head_triangles`.
    """
    side = picture.shape[1]
    bowl, seen = _bowl(points, rotation, eyes)
    solid = np.concatenate([points, bowl])
    source = np.concatenate([points[:, :2], seen])
    there = placed(solid, rotation, eyes, yaw, side, points)
    corners = there[triangles]
    order = np.argsort(-corners[..., 2].mean(1))
    mask = np.zeros((side, side), np.uint8)
    for index in order:
        cv2.fillConvexPoly(mask, np.round(corners[index, :, :2] * 8).astype(np.int32), 255, cv2.LINE_8, 3)
    warp = piecewise_map(there[:, :2], source, triangles[order], (0, 0, side, side), 1, 0.0)
    luma, blue, red = split_planes(frame)
    head = sample_luma(luma, warp.luma((0, 0)))
    tint = sample_chroma(np.dstack([blue, red]), warp.chroma((0, 0)))
    share = cv2.GaussianBlur(mask, (0, 0), 0.8).astype(np.float32) / 255
    into = split_planes(picture)
    half = cv2.resize(share, (side // 2, side // 2), interpolation=cv2.INTER_AREA)
    for plane, new, part in zip(into, (head, tint[..., 0], tint[..., 1]), (share, half, half), strict=True):
        plane[...] = np.round(plane + (new - plane.astype(np.float32)) * part)
    return mask
