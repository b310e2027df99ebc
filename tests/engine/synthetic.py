"""Footage whose landmarks are known because they were made up: no tracker and no real face is needed.

A mean face (average canonical shape of the GRID speakers, CC BY 4.0) talks by the generic movement basis in front of
noise; lips and inner mouth are painted by its landmarks.
"""

from dataclasses import replace
from fractions import Fraction

import cv2
import numpy as np

from apps.inference.engine.analysis import FootageAnalysis
from apps.inference.engine.crops import CROP_MARGIN, CropWriter, cut_out, even_box
from apps.inference.engine.face.from_the_front import mean_face
from apps.inference.engine.face.landmarks import INNER_LIPS, LIPS, OUTER_LIPS, WARP_POINTS
from apps.inference.engine.media.colour import ColourTags
from apps.inference.engine.media.probe import probe_media
from apps.inference.engine.media.video_reader import VideoReader, split_planes
from apps.inference.engine.media.video_writer import PieceWriter
from apps.inference.engine.people import FaceRows, Person
from apps.inference.engine.render.basis import generic_displacement

SIZE = (256, 256)
EYES_PX = 70.0


def talking_landmarks(count, opening=0.08, size=SIZE, eyes=EYES_PX):
    """(F, 468, 3) pixels of a face that sways a little and opens its mouth up to ``opening`` eye distances."""
    mean = mean_face()
    clock = np.arange(count) / 25
    change = np.zeros((count, 6))
    change[:, 0] = (
        opening * (0.5 - 0.5 * np.cos(2 * np.pi * 2.3 * clock)) * (0.7 + 0.3 * np.sin(2 * np.pi * 0.7 * clock))
    )
    change[:, [2, 4, 3]] = np.outer(change[:, 0], [0.75, 0.85, -0.12])
    change[:, 1] = 0.4 * opening * np.sin(2 * np.pi * 1.1 * clock)
    shapes = np.repeat(mean[None], count, axis=0)
    shapes[:, WARP_POINTS] += generic_displacement(change)
    angle = 0.08 * np.sin(2 * np.pi * 0.4 * clock)
    turn = np.zeros((count, 3, 3))
    turn[:, 0, 0], turn[:, 0, 2], turn[:, 2, 0], turn[:, 2, 2] = (
        np.cos(angle),
        np.sin(angle),
        -np.sin(angle),
        np.cos(angle),
    )
    turn[:, 1, 1] = 1
    points = eyes * np.einsum("fpc,fdc->fpd", shapes, turn)
    points[..., 0] += size[0] / 2 + 4 * np.sin(2 * np.pi * 0.3 * clock)[:, None]
    points[..., 1] += size[1] * 0.42
    return points.astype(np.float32)


def turned(points, degrees):
    """Landmarks (..., N, 3) turned about the vertical through their middle."""
    angle = np.radians(degrees)
    about = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    middle = points.mean(axis=-2, keepdims=True)
    return ((points - middle) @ about.T + middle).astype(np.float32)


def paint(points, size=SIZE, seed=5):
    """An I420 picture of the face with these landmarks."""
    random = np.random.default_rng(seed)
    yuv = np.empty((size[1] * 3 // 2, size[0]), np.uint8)
    noise = random.integers(90, 170, (size[1] // 4, size[0] // 4), np.uint8)
    luma, blue, red = split_planes(yuv)
    luma[:] = cv2.resize(noise, size, interpolation=cv2.INTER_CUBIC)
    blue[:], red[:] = 118, 138
    for line, tone, tint in ((OUTER_LIPS, 110, 165), (INNER_LIPS, 30, 140)):
        polygon = np.round(points[line, :2]).astype(np.int32)
        cv2.fillPoly(luma, [polygon], tone, cv2.LINE_AA)
        cv2.fillPoly(red, [polygon // 2], tint)
    return yuv


def make_footage(folder, count=50, *, opening=0.08, fps=Fraction(25), unseen=(), size=SIZE):
    """The video and its analysis, as if the tracker had found exactly what was painted; unseen frames hold NaN."""
    folder.mkdir(parents=True, exist_ok=True)
    video = folder / "video.mp4"
    landmarks = talking_landmarks(count, opening, size)
    with PieceWriter(video, size, fps, ColourTags()) as writer:
        for points in landmarks:
            writer.write(paint(points, size))
    landmarks[list(unseen)] = np.nan
    with VideoReader(video) as reader, CropWriter(folder / "crops.bin") as crops:
        for frame in reader:
            points = landmarks[frame.index]
            visible = np.isfinite(points[0, 0])
            box = even_box(points[LIPS, :2], size, CROP_MARGIN * EYES_PX) if visible else None
            crops.add(cut_out(frame.planes, box) if box else None)
    footage = FootageAnalysis.unseen(
        info=probe_media(video), colour=ColourTags(), size=size, times=np.arange(count) / float(fps),
        end_s=count / float(fps), landmarks=landmarks.shape[1], shots=np.array([0]), motion=np.zeros(count),
        folder=folder, people=[made_up_person(landmarks, crops.index)],
    ).of(0)  # fmt: skip
    footage.save()
    return video, footage


def made_up_person(landmarks, crops, number=0):
    """Somebody with these landmarks (F, N, 3), NaN where unseen, and these crops (F, 5)."""
    frames = np.flatnonzero(np.isfinite(landmarks[:, 0, 0]))
    lit = np.full(len(frames), 120.0)
    rows = FaceRows(frames, landmarks[frames], np.full(len(frames), 50.0), lit, crops[frames])
    return Person(number, rows, EYES_PX, False, int(frames[0]), (90.0, 70.0, 80.0, 100.0))


def with_another(footage, frames):
    """The same footage with a second person in ``frames``, who is where the first one is."""
    rows = footage.people[0].rows
    landmarks, crops = np.full_like(rows.points, np.nan), rows.crops.copy()
    landmarks[list(frames)] = rows.points[list(frames)]
    return replace(footage, people=[footage.people[0], made_up_person(landmarks, crops, 1)])


def wanted_mouth(reference, count, period=11):
    """(N, 6) a trajectory inside the reference's range that differs from the footage's own."""
    order = np.argsort(reference[:, 0])
    wave = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(count) / period)
    return reference[order[np.clip((wave * (len(order) - 1)).astype(int), 0, len(order) - 1)]]
